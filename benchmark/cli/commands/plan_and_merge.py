"""The commands that spread a suite over jobs and bring it together again: `plan` and `merge`."""

from __future__ import annotations

import argparse
import shlex
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.cli import options
from benchmark.errors import BadInput, short_repr
from benchmark.planning import slurm

if TYPE_CHECKING:
    from benchmark.result_folder.merge import MergeResult
    from benchmark.suite.model import Suite

MOST_NAMED = 10
MOST_SHARDS = 100
"""Shards of a submission where none are asked for: one a repetition, up to so many."""


def plan(parsed: argparse.Namespace) -> int:
    """Print a suite's runs and what they will be charged, or with --slurm the script that submits them."""
    from benchmark.planning.forecast import describe_forecast
    from benchmark.planning.shard import require_shard_count
    from benchmark.suite import parsing as suites
    from benchmark.tuning.factory import check_suite

    suite = suites.load(parsed.suite, parsed.set)
    shards = _shards(parsed, suite)
    require_shard_count(f"--shards {shards}", shards, suite)
    if parsed.slurm:
        text = _script(parsed, suite, shards)
        check_suite(suite)
        print(text, end="")
        return 0
    for option in ("time", "gpus", "cpus", "data"):
        if getattr(parsed, option) is not None:
            raise BadInput(
                f"--{option} {short_repr(getattr(parsed, option))}: is for a job script, give --slurm with it"
            )
    for line in describe_forecast(suite, check_suite(suite), shards):
        print(line)
    return 0


def merge(parsed: argparse.Namespace) -> int:
    """Bring shards together and say what is missing; returns 1 while something is."""
    from benchmark.result_folder.merge import merge as merge_folders
    from benchmark.storage.ledger_format import LedgerError
    from benchmark.storage.resume_check import RunRefused

    out = _out(parsed.out)
    sources = [_path("SHARD_DIR", text) for text in parsed.shards]
    try:
        merged = merge_folders(out, sources, allow_mixed=parsed.allow_mixed)
    except (RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    _tell(merged)
    return 1 if merged.unfinished else 0


def _tell(merged: MergeResult) -> None:
    left = merged.unfinished
    folders = "1 folder" if merged.sources == 1 else f"{merged.sources} folders"
    done = len(merged.choices) - len(left)
    print(
        f"merged {folders} into {merged.folder}: {done} of {len(merged.choices)} runs done, {merged.written} new there"
    )
    if merged.exchanged:
        print(f"{merged.exchanged} runs that were there gave way to equal ones begun earlier")
    if not left:
        return
    counts = Counter(state for _, state in left)
    print("not done: " + ", ".join(f"{counts[state]} {state}" for state in sorted(counts)))
    for path, state in left[:MOST_NAMED]:
        print(f"  {path}: {state}")
    if len(left) > MOST_NAMED:
        print(f"  and {len(left) - MOST_NAMED} more")
    print(f"to go on (with the shards' --set and --data): {_command(merged)}")


def _command(merged: MergeResult) -> str:
    from benchmark.suite.parsing import suite_names

    name = merged.plan.name
    suite = name if name in suite_names() else f"{name}.toml"
    return shlex.join(["python", "-m", "benchmark", "run", suite, "--results", str(merged.folder.parent)])


def _script(parsed: argparse.Namespace, suite: Suite, shards: int) -> str:
    resources = slurm.SlurmResources(
        time=None if parsed.time is None else slurm.require_time_limit(parsed.time),
        gpus=0 if parsed.gpus is None else options.number("gpus", parsed.gpus, 0, 64),
        cpus=1 if parsed.cpus is None else options.number("cpus", parsed.cpus, 1, 1024),
    )
    settings = [word for setting in parsed.set for word in ("--set", setting)]
    _path("--results", parsed.results)
    options.data(parsed.data)
    return slurm.render_script(suite.name, parsed.suite, settings, parsed.data, parsed.results, shards, resources)


def _shards(parsed: argparse.Namespace, suite: Suite) -> int:
    if parsed.shards is not None:
        return options.number("shards", parsed.shards, 1, 10**6)
    return min(suite.repetitions, MOST_SHARDS) if parsed.slurm else 1


def _out(text: str) -> Path:
    """A folder to merge into."""
    try:
        return options.out(text)
    except BadInput as error:
        raise BadInput(str(error).replace("--out", "OUT", 1)) from error


def _path(field: str, text: str) -> Path:
    if not text or "\0" in text:
        raise BadInput(f"{field} {short_repr(text)}: need the name of a folder")
    return Path(text)
