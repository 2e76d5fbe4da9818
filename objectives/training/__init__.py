"""Training of networks: data, networks, random numbers, the reference loop, its cost."""
