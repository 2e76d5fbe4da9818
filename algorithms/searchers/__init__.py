"""Searchers propose the next configuration; one file each."""
