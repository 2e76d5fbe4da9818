"""The command `replay`: run a suite on offline tables instead of training."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmark.cli.arguments import add_checked, add_jobs, add_machine, add_quiet, add_results, add_suite
from benchmark.cli.options import check_results, choice, table_folder
from benchmark.cli.suite_execution import execute_suite, load_suite, read_machine

if TYPE_CHECKING:
    from benchmark.driver.runner import Listener, Runner


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    text = "offline tables, DIR/OBJECTIVE.npz, see harvest"
    add_checked(parser, "--tables", "DIR", table_folder, text, required=True)
    text = "a trial that no table holds: refuse (default) or train it"
    add_checked(parser, "--miss", "WHAT", choice("refuse", "train"), text, default="refuse")
    text = "let the tables' repetitions stand in turn for those they lack"
    parser.add_argument("--recycle", action="store_true", help=text)
    add_jobs(parser, default=1)
    add_machine(parser)
    add_quiet(parser)
    add_results(parser, "results/replayed")


def execute(parsed: argparse.Namespace) -> int:
    suite = load_suite(parsed)
    results = check_results(parsed.results, suite.name, writing=True)

    def build_runner(listener: Listener) -> Runner:
        from benchmark.driver.runner import Runner

        machine, notes = read_machine(parsed, suite)
        return Runner(
            suite,
            results,
            jobs=parsed.jobs,
            machine=machine,
            notes=notes if parsed.miss == "train" else (),
            listener=listener,
            train=parsed.miss == "train",
            tables=parsed.tables,
            recycle=parsed.recycle,
        )

    return execute_suite(parsed, build_runner)
