"""The command line that goes on where another one stopped."""

from __future__ import annotations

import argparse
import shlex

KEPT = (
    "sample", "seed", "tolerance", "fresh", "tables", "miss", "jobs", "backend", "scheduler", "address", "data",
    "device", "precision", "stack", "reuse", "shard",
)  # fmt: skip
"""Options with a value that have to be given again."""


def resume_command(command: str, parsed: argparse.Namespace) -> str:
    """The command line that goes on with the suite."""
    words = ["python", "-m", "benchmark", command, parsed.suite]
    settings = [word for setting in getattr(parsed, "given", parsed.set) for word in ("--set", setting)]
    if command == "reprice":
        return shlex.join([*words, *settings, *_options(parsed, ("calibration", "reuse", "results"))])
    if parsed.results != "results":
        words += ["--results", parsed.results]
    words += settings
    words += _options(parsed, KEPT)
    words += [
        f"--{name}" for name in ("recycle", "quiet", "allow-mixed") if getattr(parsed, name.replace("-", "_"), False)
    ]
    return shlex.join(words)


def _options(parsed: argparse.Namespace, names: tuple[str, ...]) -> list[str]:
    given = [(name, getattr(parsed, name, None)) for name in names]
    return [word for name, value in given if value is not None for word in (f"--{name}", value)]
