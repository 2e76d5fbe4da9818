"""Compares algorithms from Python: a suite made of functions and classes, executed as the command line would."""
