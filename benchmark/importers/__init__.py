"""Importers: tables of real trainings from wheels, JSON files and CSV files into the table format."""
