"""The command `merge`: bring what shards have run together, and say what is missing."""

from __future__ import annotations

import argparse
from collections import Counter

from benchmark.cli import options
from benchmark.errors import BadInput, shell_command
from benchmark.result_folder.merge import MergeResult
from benchmark.result_folder.merge import merge as merge_folders
from benchmark.storage.ledger_format import LedgerError
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.parsing import suite_names

MOST_NAMED = 10
"""Runs that are not done and are named one by one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("out", metavar="OUT", help="results folder, or the suite's in it; may hold some runs already")
    parser.add_argument("shards", metavar="SHARD_DIR", nargs="+", help="likewise; is read only, and stays as it is")
    parser.add_argument("--allow-mixed", action="store_true", help="take runs of different machines together")


def execute(parsed: argparse.Namespace) -> int:
    out = options.check_folder("OUT", parsed.out, writing=True)
    sources = [options.folder_name("SHARD_DIR", text) for text in parsed.shards]
    try:
        merged = merge_folders(out, sources, allow_mixed=parsed.allow_mixed)
    except (RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    _print_summary(merged)
    return 1 if merged.unfinished else 0


def _print_summary(merged: MergeResult) -> None:
    unfinished = merged.unfinished
    folders = "1 folder" if merged.sources == 1 else f"{merged.sources} folders"
    done = len(merged.choices) - len(unfinished)
    print(
        f"merged {folders} into {merged.folder}: {done} of {len(merged.choices)} runs done, {merged.written} new there"
    )
    if merged.exchanged:
        print(f"{merged.exchanged} runs that were there gave way to equal ones begun earlier")
    if not unfinished:
        return
    counts = Counter(state for _, state in unfinished)
    print("not done: " + ", ".join(f"{counts[state]} {state}" for state in sorted(counts)))
    for path, state in unfinished[:MOST_NAMED]:
        print(f"  {path}: {state}")
    if len(unfinished) > MOST_NAMED:
        print(f"  and {len(unfinished) - MOST_NAMED} more")
    print(f"to go on (with the shards' --set and --data): {_run_command(merged)}")


def _run_command(merged: MergeResult) -> str:
    name = merged.suite.name
    suite = name if name in suite_names() else f"{name}.toml"
    return shell_command("benchmark", "run", suite, "--results", str(merged.folder.parent))
