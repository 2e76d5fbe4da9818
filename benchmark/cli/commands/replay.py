"""The command `replay`: run a suite on offline tables instead of training."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmark.cli import options
from benchmark.cli.arguments import add_data, add_jobs, add_quiet, add_results, add_suite
from benchmark.cli.parser import Checked
from benchmark.cli.suite_execution import execute_suite, read_machine
from benchmark.suite.parsing import load
from benchmark.tuning.factory import check_names

if TYPE_CHECKING:
    from benchmark.driver.runner import Listener, Runner


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    parser.add_argument(
        *("--tables",),
        metavar="DIR",
        required=True,
        action=Checked,
        check=options.table_folder,
        help="offline tables, DIR/OBJECTIVE.npz, see harvest",
    )
    parser.add_argument(
        *("--miss",),
        metavar="WHAT",
        action=Checked,
        check=options.choice("refuse", "train"),
        default="refuse",
        help="a trial that no table holds: refuse (default) or train it",
    )
    parser.add_argument(
        "--recycle", action="store_true", help="let the tables' repetitions stand in turn for those they lack"
    )
    add_jobs(parser, default=1)
    add_data(parser)
    parser.set_defaults(precision=None)
    add_quiet(parser)
    add_results(parser, "results/replayed")


def execute(parsed: argparse.Namespace) -> int:
    suite = load(parsed.suite, parsed.set)
    check_names(suite)
    results = options.check_results(parsed.results, suite.name, writing=True)

    def build_runner(listener: Listener) -> Runner:
        from benchmark.driver.runner import Runner

        return Runner(
            suite,
            results,
            jobs=parsed.jobs,
            machine=read_machine(parsed, suite),
            listener=listener,
            train=parsed.miss == "train",
            tables=parsed.tables,
            recycle=parsed.recycle,
        )

    return execute_suite(parsed, build_runner)
