"""Training on the CPU and GPU by the book: data, networks, random numbers, the reference loop, its cost."""
