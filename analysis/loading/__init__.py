"""Loads results: the plan, the ledgers and what is measured in them, as data frames."""
