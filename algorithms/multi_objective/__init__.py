"""Methods for tasks of several metrics, or of constraints."""
