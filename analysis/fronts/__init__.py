"""Sets of points that are compared in several metrics at once, all of which are minimised."""
