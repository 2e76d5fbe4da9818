"""How far a suite spreads: measured on one machine, simulated to 64 nodes."""
