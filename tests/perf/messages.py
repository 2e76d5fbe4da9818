"""Which error messages the tests read: a measure of every `raise Error(...)` of the four rooms.

`python -m tests.perf.messages tests/benchmark/refusals tests/analysis ...` runs these tests with every
message garbled where it is raised, and notes which test came by which `raise`. A test that passes reads none of those
it came by. One that fails is run again as it is, and then, where it came by several, with one of them garbled at a
time: a message is read when a test fails for it alone, it is executed when tests come by and none does, and otherwise
never. Tests that fail as they are say nothing. Child processes by `fork` are noted, fresh interpreters (loky,
subprocess) are not.

`--out FILE` writes the states as JSON; `--merge FILES` joins what several parts of the tests found, the best state of
each. A site is known by path, function and the raised expression, so that moved lines do not part it from itself.
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
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from tests import ROOT

ROOMS = ("algorithms", "analysis", "benchmark", "objectives")
NOTES, CHOICE = "MESSAGES_NOTES", "MESSAGES_CHOICE"
"""Environment variables: the file that notes go to; a file with the one site to garble for each test, else all are."""
CHOSEN = ("-q", "-p", "no:cacheprovider", "--continue-on-collection-errors", "-m")
RAN = (0, 1, 5)
"""Exit codes of pytest after which its notes count: passed, some failed, none left by `--marks`."""
STATES = ("never", "executed", "read")
ROUNDS = 30
"""Runs of single messages at most; what is left then counts as executed."""
AT_ONCE = 3
"""Tests of one message in a run: the first one most often reads it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests, garbled and plain, or join earlier results; print every message that no test reads."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("tests", nargs="*", help="test files and folders")
    parser.add_argument("--jobs", type=int, default=0, help="processes of pytest-xdist (default: none)")
    parser.add_argument("--marks", default="not slow and not faults", help="tests to run, as pytest's -m")
    parser.add_argument("--out", type=Path, help="file to write the states to")
    parser.add_argument("--merge", type=Path, nargs="+", default=[], help="files of --out to join")
    parsed = parser.parse_args(arguments)
    parts = [json.loads(path.read_text()) for path in parsed.merge]
    if parsed.tests:
        parts.append(Measure(parsed.tests, parsed.jobs, parsed.marks).states())
    found = merged(parts)
    if parsed.out is not None:
        parsed.out.write_text(json.dumps(found, indent=1) + "\n")
    _tell(found)
    return 0


def merged(parts: Iterable[Mapping[str, Mapping[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The best state of every site that is still there, with a test that shows it, and all unsound tests."""
    sites: dict[str, Any] = {site: {"state": "never", "test": ""} for site in all_sites()}
    unsound: set[str] = set()
    for part in parts:
        unsound.update(part["unsound"])
        for site, entry in part["sites"].items():
            if site in sites and STATES.index(entry["state"]) > STATES.index(sites[site]["state"]):
                sites[site] = entry
    return {"sites": sites, "unsound": dict.fromkeys(sorted(unsound), "")}


def _tell(found: Mapping[str, Mapping[str, Any]]) -> None:
    places = all_sites()
    for site, entry in found["sites"].items():
        if entry["state"] != "read":
            print(f"{places[site]} {site.partition(' ')[2]}: {entry['state']} {entry['test']}")
    counts = Counter(entry["state"] for entry in found["sites"].values())
    told = ", ".join(f"{counts[state]} {state}" for state in reversed(STATES))
    print(f"{len(places)} messages: {told}; unsound: {', '.join(found['unsound']) or 'none'}")


class Measure:
    """Runs of some tests, of which it knows who came by what."""

    def __init__(self, tests: Sequence[str], jobs: int, marks: str) -> None:
        self.tests, self.jobs, self.marks = tests, jobs, marks
        self.came_by: dict[str, set[str]] = defaultdict(set)
        """Sites of a test."""
        self.readers: dict[str, str] = {}
        """A test that reads the site."""

    def states(self) -> dict[str, Any]:
        """Every site's state and a test that shows it; the tests that fail as they are."""
        failing = self.run(self.tests)
        unsound = self.run(sorted(failing), choice={}) if failing else set()
        open_ = {test: set(self.came_by[test]) for test in failing - unsound}
        for _ in range(ROUNDS):
            choice = self.next_choice(open_)
            if not choice:
                break
            single = {test for test in choice if len(self.came_by[test]) == 1}
            alone = sorted(set(choice) - single)
            for test in single | (self.run(alone, choice=choice) if alone else set()):
                self.readers.setdefault(choice[test], test)
            for test, site in choice.items():
                open_[test].discard(site)
        by_site = {site: test for test, sites in self.came_by.items() if test not in unsound for site in sites}
        entries = {site: {"state": "executed", "test": test} for site, test in by_site.items()}
        entries |= {site: {"state": "read", "test": test} for site, test in self.readers.items()}
        return {"sites": entries, "unsound": sorted(unsound)}

    def next_choice(self, open_: Mapping[str, Collection[str]]) -> dict[str, str]:
        """For each test a site of which it is not known whether somebody reads it, rare ones first."""
        wanted = {test: sorted(set(sites) - set(self.readers)) for test, sites in open_.items()}
        rarity = Counter(site for sites in wanted.values() for site in sites)
        choice: dict[str, str] = {}
        chosen: Counter[str] = Counter()
        for test, sites in sorted(wanted.items(), key=lambda item: len(item[1])):
            site = min((site for site in sites if chosen[site] < AT_ONCE), key=lambda site: rarity[site], default=None)
            if site is not None:
                choice[test] = site
                chosen[site] += 1
        return choice

    def run(self, tests: Sequence[str], choice: Mapping[str, str] | None = None) -> set[str]:
        """Run tests; those that failed. What they come by is noted."""
        with tempfile.TemporaryDirectory() as folder:
            notes, listed, chosen = (Path(folder) / name for name in ("notes", "tests", "choice"))
            notes.touch()
            listed.write_text("\n".join(tests))
            environment = {**os.environ, NOTES: str(notes), "PYTHONDONTWRITEBYTECODE": "1"}
            environment |= {"PYTEST_PLUGINS": "tests.perf.messages", "PYTHONPATH": str(ROOT)}
            if choice is not None:
                chosen.write_text(json.dumps(choice))
                environment[CHOICE] = str(chosen)
            spread = ("-n", str(self.jobs), "--dist", "loadfile")
            command = [sys.executable, "-m", "pytest", *CHOSEN, self.marks, *spread, f"@{listed}"]
            code = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=False).returncode
            if code not in RAN:
                sys.exit(f"pytest ended with {code}: see that all these tests are there: {' '.join(tests)[:2000]}")
            noted = [json.loads(line) for line in notes.read_text().splitlines()]
        for note in noted:
            if "site" in note:
                self.came_by[note["test"]].add(note["site"])
        return {note["failed"] for note in noted if "failed" in note}


def all_sites() -> dict[str, str]:
    """`path:line` of every raise whose message is made where it is raised, by its name."""
    return {
        name: f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ROOMS
        for path in sorted((ROOT / room).rglob("*.py"))
        for node, name in named(ast.parse(path.read_text()), path).items()
    }


def named(tree: ast.Module, path: Path) -> dict[ast.Raise, str]:
    """Every raise of a call with `path function expression`, numbered where that is there twice."""
    names: dict[ast.Raise, str] = {}
    seen: Counter[str] = Counter()
    for node, function in _raises(tree, ()):
        name = f"{path.relative_to(ROOT)} {'.'.join(function)} {ast.unparse(node)}"
        seen[name] += 1
        names[node] = name + (f" #{seen[name]}" if seen[name] > 1 else "")
    return names


def _raises(node: ast.AST, function: tuple[str, ...]) -> Iterator[tuple[ast.Raise, tuple[str, ...]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
            yield child, function
        elif isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _raises(child, (*function, child.name))
        else:
            yield from _raises(child, function)


def garbling(tree: ast.Module, path: Path) -> ast.Module:
    """The module, with every error on its way through `_told`."""
    for node, name in named(tree, path).items():
        assert node.exc is not None
        told = ast.parse("__import__('sys').modules['tests.perf.messages']._told", mode="eval").body
        node.exc = ast.copy_location(ast.Call(func=told, args=[ast.Constant(name), node.exc], keywords=[]), node.exc)
    return ast.fix_missing_locations(tree)


class Loader(importlib.machinery.SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType:
        path = Path(self.get_filename(fullname))
        code: CodeType = compile(garbling(ast.parse(path.read_text()), path), path, "exec")
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
    """The error, with another text where the running test is to have it; a note that the test came by."""
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" ")[0]
    _note(site=site, test=test)
    if isinstance(error, BaseException) and (_CHOICE is None or _CHOICE.get(test) == site):
        error.args = tuple("garbled" if isinstance(part, str) else part for part in error.args)
        if isinstance(error, ImportError):
            error.msg = "garbled"  # Its text is not in its arguments.
    return error


def _note(**note: str) -> None:
    with Path(os.environ[NOTES]).open("a") as file:
        file.write(json.dumps(note) + "\n")


def pytest_runtest_logreport(report: Any) -> None:
    """Note a test that failed; called by pytest."""
    if report.failed:
        _note(failed=report.nodeid)


_CHOICE: dict[str, str] | None = json.loads(Path(os.environ[CHOICE]).read_text()) if CHOICE in os.environ else None

if __name__ == "__main__":
    sys.exit(main())
elif NOTES in os.environ:
    sys.meta_path.insert(0, Finder())
