"""Objectives that train in a process of their own, in any framework or language; see README.md."""
