"""Formats on disk: ledgers, their headers, TOML files, and files that others wrote. Imports no torch."""
