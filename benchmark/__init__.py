"""Runs comparisons: suite, tuner, runner, ledger and command line."""
