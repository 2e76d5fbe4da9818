"""The verbs of `python -m analysis`, a file each."""
