"""Executes a suite: checks it, spreads its runs over a backend, and retries what dies."""
