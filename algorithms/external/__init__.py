"""Algorithms that run in a process of their own, in any language, and answer by JSON lines; see README.md."""
