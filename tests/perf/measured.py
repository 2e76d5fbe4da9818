"""Where measured numbers go: one JSON file a script, with the machine and the versions that gave them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from benchmark.reproducibility.environment import describe_environment


def card(libraries: Iterable[str] = ()) -> dict[str, Any]:
    """The machine, its load as the measurement begins (idle: near 0), and versions."""
    machine = describe_environment("cpu", 1)
    known = {key: machine[key] for key in ("cpu", "cores", "cpu_capability", "python", "numpy", "scipy", "torch")}
    return known | {"load_at_start": round(os.getloadavg()[0], 2), "libraries": dict(_versions(libraries))}


def write(folder: Path, name: str, report: dict[str, Any], lines: Sequence[str] = ()) -> None:
    """Write `name`.json, print the lines; where there are any, they also go to `name`.md."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps(report, indent=1, allow_nan=False) + "\n")
    print("\n".join(lines))
    print(f"wrote {path}")


def markdown(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    """A table in Markdown, its first column a text and the others numbers."""
    marks = ["---", *("---:" for _ in head[1:])]
    return ["| " + " | ".join(map(str, row)) + " |" for row in (head, marks, *rows)]


def _versions(libraries: Iterable[str]) -> Iterable[tuple[str, str]]:
    for library in sorted(set(libraries)):
        try:
            yield library, version(library)
        except PackageNotFoundError:
            continue
