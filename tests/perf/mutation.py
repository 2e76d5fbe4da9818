"""How many planted faults the tests notice: mutmut over one module, with the tests named beside it.

`python -m tests.perf.mutation benchmark/storage/ledger.py --tests tests/benchmark/storage` plants one small fault after
the other into a copy of the tree (a comparison turned, a constant changed, an argument dropped, ...), runs the fast
tests that reach it, and prints the share noticed and every fault that was not, as a difference; some of those change
nothing that could be seen, and a person has to say which. mutmut leaves decorated functions alone, so that context
managers and properties are decorated by an assignment after them in the copy. Needs `pip install mutmut`.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests import ROOT

ROOMS = ("algorithms", "analysis", "benchmark", "objectives", "tests")
UNDECORATED = ("contextmanager", "property")
SETTINGS = """
[tool.mutmut]
source_paths = ["{module}"]
only_mutate = ["{module}"]
also_copy = [{rooms}, "results"]
pytest_add_cli_args_test_selection = [{tests}]
pytest_add_cli_args = ["-m", "not slow and not faults", "-p", "no:cacheprovider"]
"""
NOTICED = ("killed", "timeout")


def main(arguments: Sequence[str] | None = None) -> int:
    """Plant the faults, run the tests, print what was noticed and what was not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("module", help="file to plant faults in, relative to the repository")
    parser.add_argument("--tests", nargs="+", required=True, help="test files that should notice them")
    parser.add_argument("--jobs", type=int, default=1, help="faults tried at the same time")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder) / "tree", parsed.module, parsed.tests)
        mutmut(tree, "run", "--max-children", str(parsed.jobs))
        states = verdicts(mutmut(tree, "results", "--all", "true"))
        for name, state in states.items():
            if state not in NOTICED:
                print(f"{state}: {mutmut(tree, 'show', name)}")
    counts = Counter(states.values())
    noticed = sum(counts[state] for state in NOTICED)
    print(f"{parsed.module}: {noticed} of {len(states)} noticed, {noticed / max(1, len(states)):.1%} ({dict(counts)})")
    return 0


def copied(tree: Path, module: str, tests: Sequence[str]) -> Path:
    """A copy of the tree with mutmut's settings, the module's context managers open to it."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "results").mkdir()
    quoted = [", ".join(f'"{name}"' for name in names) for names in (ROOMS, tests)]
    settings = SETTINGS.format(module=module, rooms=quoted[0], tests=quoted[1])
    (tree / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text() + settings)
    (tree / module).write_text(undecorated((ROOT / module).read_text()))
    return tree


def undecorated(text: str) -> str:
    """The source with every lone `@contextmanager` or `@property` as an assignment after its function."""
    lines = text.splitlines(keepends=True)
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    for node in sorted(functions, key=lambda node: -node.lineno):  # From the end: line numbers stay true.
        if len(node.decorator_list) == 1 and ast.unparse(node.decorator_list[0]) in UNDECORATED:
            name = ast.unparse(node.decorator_list[0])
            lines.insert(node.end_lineno or 0, f"{' ' * node.col_offset}{node.name} = {name}({node.name})\n")
            del lines[node.decorator_list[0].lineno - 1]
    return "".join(lines)


def mutmut(tree: Path, *arguments: str) -> str:
    """What a command of mutmut prints, in the copy; its progress goes nowhere."""
    done = subprocess.run(
        [sys.executable, "-m", "mutmut", *arguments],
        cwd=tree,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"mutmut {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout.strip()


def verdicts(text: str) -> dict[str, str]:
    """The state of every planted fault, by name, out of mutmut's list of results."""
    pairs = [line.strip().rpartition(": ") for line in text.splitlines() if ": " in line]
    return {name: state for name, _, state in pairs}


if __name__ == "__main__":
    sys.exit(main())
