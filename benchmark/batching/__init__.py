"""Trains the trials of many runs side by side in one stack."""
