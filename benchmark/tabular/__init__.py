"""Offline tables: trials that were trained once, looked up instead of trained again."""
