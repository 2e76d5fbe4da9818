"""Where the results of a suite are."""

from __future__ import annotations

from pathlib import Path

from benchmark.errors import BadInput, nearest_match
from benchmark.storage.suite_json import SUITE_JSON


def suite_names(results: Path) -> list[str]:
    """The suites that have a plan in a folder of results, sorted."""
    return sorted(path.parent.name for path in results.glob(f"*/{SUITE_JSON}"))


def suite_folder(results: Path, suite: str) -> Path:
    """The folder of a suite's results.

    Args:
        results: the folder of all results.
        suite: its name, or the path of its TOML file, as `benchmark run` takes it; the file need not be there.

    Raises:
        BadInput: no folder of results, or no such suite in it.
    """
    if not results.is_dir():
        what = "not a folder" if results.exists() else "there is no such folder"
        raise BadInput(f"--results {results}: {what}; give the folder that holds the suites' results")
    if suite.endswith(".toml") or ("/" in suite and Path(suite).is_file()):
        suite = Path(suite).stem
    folder = results / suite
    names = suite_names(results)
    if suite in names:
        return folder
    there = f"there are {', '.join(names)}" if names else "no suite has been run there"
    if folder.is_file():
        raise BadInput(f"suite {suite!r}: {folder} is a file, not a suite's folder; in {results} {there}")
    if folder.is_dir() and suite not in ("", ".", "..") and Path(suite).name == suite:
        raise BadInput(f"suite {suite!r}: {folder} holds no {SUITE_JSON}; in {results} {there}")
    close = nearest_match(Path(suite).name, names)
    raise BadInput(f"suite {suite!r}: no such suite; in {results} {there}{close}")
