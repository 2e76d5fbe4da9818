"""Stacks of any network through torch.func."""
