"""The arena: a published field of runs on many tasks, and how a new method is paired with it."""
