"""How much of a suite's work is done, and how long the rest takes."""
