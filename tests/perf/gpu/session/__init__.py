"""Commands for a machine with a GPU: steps in processes of their own, within a given time, that leave one JSON file."""
