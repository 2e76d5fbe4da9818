"""Which error messages the tests read: a measure of every `raise Error(...)` of the four rooms.

`python -m tests.perf.messages tests/benchmark/test_bad_input.py tests/analysis ...` runs these tests with every
message garbled where it is raised, and notes which test came by which `raise`. A message is read when a test that came
by fails; it is executed only when none does; otherwise no test comes by. Tests that fail without garbling as well say
nothing and are left out. Child processes by `fork` are noted, fresh interpreters (loky, subprocess) are not.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.machinery
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("algorithms", "analysis", "benchmark", "objectives")
NOTES, PLAIN = "MESSAGES_NOTES", "MESSAGES_PLAIN"
"""Environment variables: the file that notes go to; set where messages stay as they are."""
CHOSEN = ("-n", "0", "-q", "-p", "no:cacheprovider", "-m", "not slow and not faults")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests, garbled and plain, and print every message that no test reads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("tests", nargs="+", help="test files and folders")
    parsed = parser.parse_args(arguments)
    garbled = noted(parsed.tests, plain=False)
    unsound = failing(noted(sorted(failing(garbled)), plain=True)) if failing(garbled) else set()
    states = judged(garbled, unsound)
    for site, state in states.items():
        if state != "read":
            print(f"{site}: {state}")
    counts = Counter(states.values())
    print(f"{counts['read']} of {len(states)} messages are read by a test ({dict(counts)}); unsound: {sorted(unsound)}")
    return 0


def noted(tests: Sequence[str], *, plain: bool) -> list[dict[str, str]]:
    """What a run of these tests notes: sites come by and tests failed."""
    with tempfile.TemporaryDirectory() as folder:
        notes, listed = Path(folder) / "notes", Path(folder) / "tests"
        notes.touch()
        listed.write_text("\n".join(tests))
        environment = {**os.environ, NOTES: str(notes), "PYTHONDONTWRITEBYTECODE": "1"} | (
            {PLAIN: "1"} if plain else {}
        )
        command = [sys.executable, "-m", "pytest", "-p", "tests.perf.messages", *CHOSEN, f"@{listed}"]
        subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False)
        return [json.loads(line) for line in notes.read_text().splitlines()]


def failing(notes: Sequence[dict[str, str]]) -> set[str]:
    return {note["failed"] for note in notes if "failed" in note}


def judged(notes: Sequence[dict[str, str]], unsound: set[str]) -> dict[str, str]:
    """Every site's state: "read", "executed" or "never"."""
    came_by: dict[str, set[str]] = defaultdict(set)
    for note in notes:
        if "site" in note:
            came_by[note["site"]].add(note["test"])
    reading = failing(notes) - unsound
    return {
        site: "never" if site not in came_by else "read" if came_by[site] & reading else "executed"
        for site in all_sites()
    }


def all_sites() -> Iterator[str]:
    """`path:line Error` of every raise whose message is made where it is raised."""
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                    yield site_of(path, node)


def site_of(path: Path, node: ast.Raise) -> str:
    assert isinstance(node.exc, ast.Call)
    return f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node.exc.func)}"


class Garbling(ast.NodeTransformer):
    """Sends every error on its way through `_told`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        if isinstance(node.exc, ast.Call):
            told = ast.parse("__import__('sys').modules['tests.perf.messages']._told", mode="eval").body
            call = ast.Call(func=told, args=[ast.Constant(site_of(self.path, node)), node.exc], keywords=[])
            node.exc = ast.copy_location(call, node.exc)
        return node


class Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = Path(self.get_filename(fullname))
        tree = ast.fix_missing_locations(Garbling(path).visit(ast.parse(path.read_text())))
        code: CodeType = compile(tree, path, "exec")
        return code


class Finder(importlib.abc.MetaPathFinder):
    """Finds the modules of the four rooms and has them garbled."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.split(".")[0] not in ROOMS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.origin is not None and spec.origin.startswith(str(ROOT)):
            spec.loader = Loader(fullname, spec.origin)
        return spec


def _told(site: str, error: Any) -> Any:
    """The error with another text; a note that the running test came by."""
    _note(site=site, test=os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0])
    if PLAIN not in os.environ and isinstance(error, BaseException):
        error.args = tuple("garbled" if isinstance(part, str) else part for part in error.args)
    return error


def _note(**note: str) -> None:
    with Path(os.environ[NOTES]).open("a") as file:
        file.write(json.dumps(note) + "\n")


def pytest_runtest_logreport(report: Any) -> None:
    """Note a test that failed; called by pytest."""
    if report.failed:
        _note(failed=report.nodeid)


if __name__ == "__main__":
    sys.exit(main())
elif NOTES in os.environ:
    sys.meta_path.insert(0, Finder())
