"""The tables of a suite, as data frames and as CSV files."""
