"""Closed-form objectives, whose optima are known, to test the whole harness in seconds."""
