"""Trains networks one after another on a CPU, with products of its own instead of autograd."""
