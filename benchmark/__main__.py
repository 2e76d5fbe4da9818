"""`python -m benchmark`: run suites, tell how far they are, list what there is."""

from __future__ import annotations

import sys

from benchmark.errors import run_program


def main() -> int:
    """Run the command of the process's arguments, and see to it that the process ends; returns the exit code."""
    from benchmark.arena.commands import COMMANDS as COMPETING
    from benchmark.cli.main import main as execute
    from benchmark.cli.signals import end_within
    from benchmark.completion import COMMANDS as COMPLETING

    code = execute(further={**COMPETING, **COMPLETING})
    if code > 128:  # Stopped by a signal: what still runs in the background must not hold the process.
        end_within(1.0, code)
    return code


if __name__ == "__main__":
    sys.exit(run_program(main))
