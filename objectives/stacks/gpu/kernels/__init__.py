"""Triton kernels of the three networks, and the table of slots that all of them read."""
