"""Offline tables: trainings that are looked up instead of repeated, in one file each."""
