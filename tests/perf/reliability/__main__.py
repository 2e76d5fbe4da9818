"""The figures that this harness holds itself to, each measured.

    python -m tests.perf.reliability [--only ROW ...] [--quick] [--folder DIR] [--out results/reference]

writes reliability.json: figure, target, what was found and whether the target is met, with machine and versions.
Rows of a run that names some replace those of the file; the others stay as they are, with their machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.perf import measured
from tests.perf.reliability import exactness, stopping, storage
from tests.perf.reliability.row import Row

ROWS: dict[str, Row] = {**storage.ROWS, **exactness.ROWS, **stopping.ROWS}
LIBRARIES = ("joblib", "orjson", "pandas")
NAME = "reliability"


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write a JSON file; exit code 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--out", type=Path, help=f"folder of {NAME}.json (default: only print)")
    parser.add_argument("--folder", type=Path, default=Path("results"), help="on the disk to be measured")
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS), metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--quick", action="store_true", help="a small part of each, to see that it works")
    parsed = parser.parse_args(arguments)
    if parsed.quick and parsed.out:
        parser.error("--quick measures too little for --out")
    found = {name: _measured(name, parsed.folder, quick=parsed.quick) for name in parsed.only}
    lines = measured.markdown(("figure", "target", "met", "measured"), [_line(row) for row in found.values()])
    if parsed.out:
        rows = {**_before(parsed.out / f"{NAME}.json"), **found}
        measured.write(parsed.out, NAME, {"rows": {name: rows[name] for name in ROWS if name in rows}}, lines)
    else:
        print("\n".join(lines))
    return 0 if all(row["met"] for row in found.values()) else 1


def _measured(name: str, folder: Path, *, quick: bool) -> dict[str, Any]:
    row, machine = ROWS[name], measured.card(LIBRARIES)
    print(f"{name}: {row.figure} ...", file=sys.stderr, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.resolve(), prefix=".reliability-") as place:
        began = time.monotonic()
        found = row.measure(Path(place), quick)
        took = time.monotonic() - began
    told = {"figure": row.figure, "target": row.target, "met": row.met(found), "measured": found}
    print(f"{name}: {'met' if told['met'] else 'MISSED'} in {took:.0f} s", file=sys.stderr, flush=True)
    return {**told, "date": datetime.now(UTC).date().isoformat(), "took_seconds": round(took, 1), "machine": machine}


def _line(row: dict[str, Any]) -> tuple[str, str, str, str]:
    return row["figure"], row["target"], "yes" if row["met"] else "no", json.dumps(row["measured"])


def _before(path: Path) -> dict[str, Any]:
    rows: dict[str, Any] = json.loads(path.read_bytes())["rows"] if path.exists() else {}
    return rows


if __name__ == "__main__":
    sys.exit(main())
