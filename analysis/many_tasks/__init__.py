"""Statistics over many tasks: what a field of methods does on a whole suite of objectives."""
