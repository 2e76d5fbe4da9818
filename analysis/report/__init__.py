"""The HTML page of a suite: opens from disk, without a network."""
