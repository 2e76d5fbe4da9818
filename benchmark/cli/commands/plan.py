"""The command `plan`: a suite's runs and what they will be charged, or the script that submits them to Slurm."""

from __future__ import annotations

import argparse

from benchmark.cli import options
from benchmark.cli.arguments import add_checked, add_results, add_suite
from benchmark.cli.suite_execution import load_suite
from benchmark.errors import BadInput, short_repr
from benchmark.planning import slurm
from benchmark.planning.shard import require_shard_count
from benchmark.suite.model import Suite

MOST_SHARDS = 100
"""Shards of a submission where none are asked for: one a repetition, up to so many."""

SLURM_ONLY = ("time", "gpus", "cpus", "data")
"""Options that belong to the script."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    text = "shares of the runs (default: 1; with --slurm one a repetition)"
    add_checked(parser, "--shards", "N", options.whole_number(1, 10**6), text)
    parser.add_argument("--slurm", action="store_true", help="print a script that submits the shards to Slurm")
    parser.add_argument("--time", metavar="T", help="limit of a shard's job, as Slurm writes it: HH:MM:SS")
    text = "GPUs of a shard (default: 0, which trains on the CPU)"
    add_checked(parser, "--gpus", "N", options.whole_number(0, 64), text)
    text = "CPUs of a shard, and its processes without a GPU (default: 1)"
    add_checked(parser, "--cpus", "N", options.whole_number(1, 1024), text)
    parser.add_argument("--data", metavar="DIR", help="as for run")
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load_suite(parsed)
    shards = parsed.shards or (min(suite.repetitions, MOST_SHARDS) if parsed.slurm else 1)
    require_shard_count(f"--shards {shards}", shards, suite)
    script = _script(parsed, suite, shards) if parsed.slurm else None
    for option in () if parsed.slurm else SLURM_ONLY:
        if getattr(parsed, option) is not None:
            value = short_repr(str(getattr(parsed, option)))
            raise BadInput(f"--{option} {value}: is for a job script, give --slurm with it")
    from benchmark.planning.forecast import describe_forecast
    from benchmark.tuning.factory import check_suite

    objectives = check_suite(suite)
    if script is not None:
        print(script, end="")
        return 0
    for line in describe_forecast(suite, objectives, shards):
        print(line)
    return 0


def _script(parsed: argparse.Namespace, suite: Suite, shards: int) -> str:
    resources = slurm.SlurmResources(
        time=None if parsed.time is None else slurm.require_time_limit(parsed.time),
        gpus=0 if parsed.gpus is None else parsed.gpus,
        cpus=1 if parsed.cpus is None else parsed.cpus,
    )
    overrides = [word for override in parsed.set for word in ("--set", override)]
    options.folder_name("--results", parsed.results)
    options.check_data(parsed.data)
    return slurm.render_script(suite.name, parsed.suite, overrides, parsed.data, parsed.results, shards, resources)
