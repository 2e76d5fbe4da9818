"""The command line that goes on where another one stopped."""

from __future__ import annotations

import argparse

from benchmark.errors import shell_command


def resume_command(parsed: argparse.Namespace, command: str | None = None) -> str:
    """The same command line again, or the same suite and options for another command."""
    name, *arguments = parsed.words
    return shell_command("benchmark", command or name, *arguments)
