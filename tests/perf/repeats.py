"""Which tests do not always pass: some tests, run again and again, each time by a fresh pytest.

`python -m tests.perf.repeats tests/benchmark/storage ... --times 100 --jobs 2 --burn 1` runs them a hundred
times, two processes at once, beside one process that does nothing but compute, since tests that hang on a clock fail
on busy machines first. It prints every test that failed, how often, and the first of its messages, and ends with exit
code 1 when there is one; `--out results/reference` writes repeats.json there, with machine and versions.
"""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from tests import ROOT
from tests.perf import measured

RAN = (0, 1)
"""Exit codes of pytest after which its report counts: passed, some failed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests so many times and tell which failed; exit code 1 when one did."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("tests", nargs="+", help="test files and folders")
    parser.add_argument("--times", type=int, default=100, help="runs of all of them (default: 100)")
    parser.add_argument("--jobs", type=int, default=0, help="processes of pytest-xdist (default: none)")
    parser.add_argument("--burn", type=int, default=0, help="processes that keep cores busy beside (default: none)")
    parser.add_argument("--marks", default="not slow and not faults", help="tests to run, as pytest's -m")
    parser.add_argument("--out", type=Path, help="folder of repeats.json (default: only print)")
    parsed = parser.parse_args(arguments)
    card, began = measured.card(("hypothesis",)), time.perf_counter()
    with burning(parsed.burn):
        found = repeated(parsed.tests, parsed.times, parsed.jobs, parsed.marks)
    found |= {"minutes": round((time.perf_counter() - began) / 60, 1), "burn": parsed.burn, "jobs": parsed.jobs}
    lines = [
        f"{test}: failed {one['times']} times, first with: {one['first']}" for test, one in found["failed"].items()
    ]
    told = f"{found['tests']} tests, {found['times']} times, in {found['minutes']} min"
    lines.append(f"{told}: {len(found['failed'])} failed at least once")
    if parsed.out is None:
        print("\n".join(lines))
    else:
        measured.write(parsed.out, "repeats", {"machine": card, "files": parsed.tests, **found}, lines)
    return int(bool(found["failed"]))


def repeated(tests: Sequence[str], times: int, jobs: int, marks: str) -> dict[str, Any]:
    """How many tests there are, and of each that failed how often and why at first."""
    seen: Counter[str] = Counter()
    failed: dict[str, dict[str, Any]] = {}
    for _ in range(times):
        for test, problem in outcomes(tests, jobs, marks):
            seen[test] += 1
            if problem is not None:
                entry = failed.setdefault(test, {"times": 0, "first": problem})
                entry["times"] += 1
    return {"tests": len(seen), "times": times, "failed": failed}


def outcomes(tests: Sequence[str], jobs: int, marks: str) -> Iterator[tuple[str, str | None]]:
    """Every test of one run that was not skipped, and what it failed with, if it did."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}", "-m", marks]
        command += ["-n", str(jobs), "--dist", "loadfile", *tests]
        code = subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode
        if code not in RAN:
            sys.exit(f"pytest ended with {code}: {' '.join(command)}")
        cases = ElementTree.parse(report).getroot().iter("testcase")
        for case in cases:
            parts = {child.tag: child for child in case}
            if "skipped" not in parts:
                problem = next((parts[tag] for tag in ("failure", "error") if tag in parts), None)
                told = None if problem is None else (problem.get("message") or "")[:500]
                yield f"{case.get('classname')}::{case.get('name')}", told


@contextmanager
def burning(count: int) -> Iterator[None]:
    """So many processes that compute until the block ends."""
    processes = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


def _burn() -> None:
    while True:
        pass


if __name__ == "__main__":
    sys.exit(main())
