"""Fields: the improvements of the runs of a suite in one file, packed, found and checked."""
