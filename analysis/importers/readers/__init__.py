"""Readers of what other tools recorded, a file a tool, and beside some a file for the tool's space or its formats."""
