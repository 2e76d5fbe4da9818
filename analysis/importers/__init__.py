"""Readers of what other tools recorded, a file a tool: see `analysis/importers/foreign_study.py`."""

READERS: dict[str, str] = {}
"""The module of every tool's reader by the tool's name, imported only when it is needed."""
