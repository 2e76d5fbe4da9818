"""Trains networks one after another on a CPU, with hand-written gradients instead of autograd."""
