"""Records which ledgers and which code every table and figure came from."""
