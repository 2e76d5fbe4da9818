"""The command `run`: execute a suite, or go on with it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmark.cli import options
from benchmark.cli.arguments import add_execution, add_quiet, add_results, add_suite
from benchmark.cli.suite_execution import execute_suite, read_machine
from benchmark.planning.shard import parse_shard
from benchmark.suite.parsing import load
from benchmark.tuning.factory import check_names

if TYPE_CHECKING:
    from benchmark.driver.runner import Listener, Runner


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    add_execution(parser)
    parser.add_argument("--shard", metavar="I/N", help="only the I-th of N shares of the runs, see merge")
    add_quiet(parser)
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load(parsed.suite, parsed.set)
    check_names(suite)
    results = options.check_results(parsed.results, suite.name, writing=True)
    shard = None if parsed.shard is None else parse_shard(parsed.shard, suite)
    options.check_data(parsed.data)

    def build_runner(listener: Listener) -> Runner:
        from benchmark.backends.factory import build_backend
        from benchmark.driver.runner import Runner

        machine = read_machine(parsed, suite)
        jobs = parsed.jobs or options.default_jobs(machine.device)
        return Runner(
            suite,
            results,
            jobs=jobs,
            backend=build_backend(parsed.backend, parsed.jobs, jobs, parsed.scheduler, parsed.address),
            machine=machine,
            listener=listener,
            allow_mixed=parsed.allow_mixed,
            capacity=parsed.stack,
            reuse=parsed.reuse,
            shard=shard,
        )

    return execute_suite(parsed, build_runner)
