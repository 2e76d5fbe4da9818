"""Suites: what is compared, read from a TOML file."""
