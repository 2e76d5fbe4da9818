"""Compares a suite's results before and after a change, and decides whether they became worse."""
