"""What compiled kernels tell without a GPU: registers, spills, instructions, bank conflicts, predicted seconds."""
