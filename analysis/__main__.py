"""`python -m analysis {tables,figures,plots} SUITE`: from the ledgers of a suite to its tables and figures."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import NoReturn

from analysis.files import check_folder, write_all
from analysis.frame import Results, load
from analysis.methods import methods_table
from analysis.refusal import BadInput, nearest
from analysis.tables import as_csv, as_text, tabulate
from analysis.timing import as_json, as_line

COMMANDS = {"tables": ("tables",), "figures": ("figures",), "plots": ("tables", "figures")}
"""What each command writes."""

OPTIONS = ("--results", "--quiet", "--help")
MOST_NAMED = 5


class _Parser(argparse.ArgumentParser):
    """Refuses as the rest does: one message, no usage text before it."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see python -m analysis --help")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: 0, or 2 for input that cannot be used, after one message and with nothing written.
    """
    try:
        _go(_parse(arguments))
    except BadInput as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # `... | head`: whoever read has read enough, and the files are written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}; check the path and its permissions", file=sys.stderr)
        return 2
    return 0


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = _Parser(
        prog="python -m analysis",
        description="From the ledgers of a suite to its tables and figures.",
        allow_abbrev=False,
    )
    parser.add_argument("command", metavar="{tables,figures,plots}", help="what to write; plots is both")
    parser.add_argument("suite", metavar="SUITE", help="name of a suite's folder in the results")
    parser.add_argument("--results", metavar="DIR", default="results", help="folder of all results (default: results)")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        word = unknown[0]
        raise BadInput(f"unknown argument {word!r}{nearest(word.partition('=')[0], OPTIONS)}")
    if options.command not in COMMANDS:
        allowed = ", ".join(COMMANDS)
        raise BadInput(f"command {options.command!r}: not one of {allowed}{nearest(options.command, COMMANDS)}")
    return options


def _go(options: argparse.Namespace) -> None:
    folder = _suite_folder(Path(options.results), options.suite)
    outputs = COMMANDS[options.command]
    for name in outputs:
        check_folder(folder / name)
    results = load(folder)
    tables = tabulate(results)
    contents = {}
    if "tables" in outputs:
        algorithms = methods_table(results.methods).to_csv(index=False, lineterminator="\n").encode()
        contents["tables"] = {**as_csv(tables), "algorithms.csv": algorithms, "timing.json": as_json(results)}
    if "figures" in outputs:
        from analysis.figures import draw  # seaborn takes longer to import than tables take to write

        contents["figures"] = draw(results, tables.trajectory)
    written = [path for name, files in contents.items() for path in write_all(folder / name, files)]
    if not options.quiet:
        told = ["", as_text(tables.summary), "", as_line(results)]
        print("\n".join([f"wrote {path}" for path in written] + _notes(results) + told))


def _suite_folder(results: Path, suite: str) -> Path:
    if not results.is_dir():
        what = "not a folder" if results.exists() else "there is no such folder"
        raise BadInput(f"--results {results}: {what}; give the folder that holds the suites' results")
    folder = results / suite
    names = sorted(path.parent.name for path in results.glob("*/suite.json"))
    if suite in names:
        return folder
    there = f"there are {', '.join(names)}" if names else "no suite has been run there"
    if folder.is_file():
        raise BadInput(f"suite {suite!r}: {folder} is a file, not a suite's folder; in {results} {there}")
    if folder.is_dir() and suite not in ("", ".", "..") and Path(suite).name == suite:
        raise BadInput(f"suite {suite!r}: {folder} holds no suite.json; in {results} {there}")
    close = nearest(Path(suite).name, names)
    raise BadInput(f"suite {suite!r}: no such suite; in {results} {there}{close}")


def _notes(results: Results) -> list[str]:
    """What a reader of the summary must know: runs that are not in it, ledgers that were not read."""
    notes = []
    for state, meaning in (("failed", "algorithm crashed"), ("partial", "not finished"), ("missing", "not begun")):
        count = sum(run.state == state for run in results.runs)
        if count:
            notes.append(f"note: {count} of {len(results.runs)} runs {state} ({meaning})")
    if results.unplanned:
        names = ", ".join(map(str, results.unplanned[:MOST_NAMED]))
        more = ", ..." if len(results.unplanned) > MOST_NAMED else ""
        ledgers = "1 ledger is" if len(results.unplanned) == 1 else f"{len(results.unplanned)} ledgers are"
        notes.append(f"note: {ledgers} not in the plan and left out: {names}{more}")
    return notes


if __name__ == "__main__":
    sys.exit(main())
