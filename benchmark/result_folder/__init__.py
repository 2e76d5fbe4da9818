"""A suite's folder of results: its plan, its lock, merging, repair and status."""
