"""Plain functions as objectives."""
