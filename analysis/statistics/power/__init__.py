"""Power of the two tests: what repetitions can find, and how many find a given effect."""
