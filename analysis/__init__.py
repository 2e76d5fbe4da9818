"""Reads ledgers; writes tables and figures. Knows the files only: imports no other room, and no torch."""
