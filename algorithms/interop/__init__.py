"""Shared parts of the adapters to other libraries: optional imports, spaces, pending trials, containment."""
