"""Serves the live page to browsers of this machine."""
