"""The command `recheck`: train what a suite's runs selected again, with fresh seeds."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmark.cli.arguments import add_checked, add_execution, add_quiet, add_results, add_suite
from benchmark.cli.options import check_data, check_results, require_runs, whole_number
from benchmark.cli.suite_execution import execute_suite, execution_options, load_suite
from benchmark.errors import shell_command

if TYPE_CHECKING:
    from benchmark.driver.runner import Listener, Runner
    from benchmark.verification.recheck import RecheckSuite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    add_execution(parser)
    text = "fresh seeds for every configuration (default: 10)"
    add_checked(parser, "--fresh", "K", whole_number(1, 1000), text, default=10)
    add_quiet(parser)
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load_suite(parsed)
    folder = check_results(parsed.results, suite.name, writing=True) / suite.name
    require_runs(folder, suite.name)
    check_data(parsed.data)
    prepared: list[RecheckSuite] = []

    def build_runner(listener: Listener) -> Runner:
        from benchmark.driver.runner import Runner
        from benchmark.verification.recheck import prepare_recheck

        arguments = execution_options(parsed, suite)
        recheck = prepare_recheck(suite, folder, parsed.fresh, arguments["machine"], allow_mixed=parsed.allow_mixed)
        prepared.append(recheck)
        return Runner(recheck, folder, listener=listener, write=recheck.write, **arguments)

    code = execute_suite(parsed, build_runner)
    if code == 0 and not parsed.quiet:
        words = [] if parsed.results == "results" else ["--results", parsed.results]
        command = shell_command("analysis", "tables", prepared[0].of, *words)
        print(f"rechecked {prepared[0].describe()}; to see them: {command}")
    return code
