"""Audits: recorded trials trained again, and algorithms replayed."""
