"""The command `run`: execute a suite, or go on with it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.cli.arguments import add_execution, add_quiet, add_results, add_suite
from benchmark.cli.live_page import add_live, check_live, start_live_page
from benchmark.cli.options import check_data, check_results
from benchmark.cli.suite_execution import execute_suite, execution_options, load_suite
from benchmark.planning.shard import parse_shard

if TYPE_CHECKING:
    from benchmark.driver.runner import Listener, Runner
    from benchmark.suite.model import Suite
    from objectives.objective import Objective


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    add_execution(parser)
    parser.add_argument("--shard", metavar="I/N", help="only the I-th of N shares of the runs, see merge")
    text = "stop at the first evaluation without a result or run that fails; what is recorded stays"
    parser.add_argument("--fail-fast", action="store_true", help=text)
    add_live(parser)
    add_quiet(parser)
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load_suite(parsed)
    results = check_results(parsed.results, suite.name, writing=True)
    shard = None if parsed.shard is None else parse_shard(parsed.shard, suite)
    check_data(parsed.data)
    check_live(parsed, results / suite.name)

    def write(folder: Path, suite: Suite, objectives: dict[str, Objective]) -> None:
        """Write the plan, which the page reads, and start the page: nothing is refused from here on."""
        from benchmark.result_folder.suite_json_writer import write_suite_json

        write_suite_json(folder, suite, objectives)
        if parsed.live:
            start_live_page(folder, parsed.port)

    def build_runner(listener: Listener) -> Runner:
        from benchmark.driver.runner import Runner

        options = {**execution_options(parsed, suite), "shard": shard, "fail_fast": parsed.fail_fast, "write": write}
        return Runner(suite, results, listener=listener, **options)

    return execute_suite(parsed, build_runner)
