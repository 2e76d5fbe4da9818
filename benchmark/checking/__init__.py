"""Checks what is asked of every searcher and scheduler: of ours, of libraries' and of a user's own class."""
