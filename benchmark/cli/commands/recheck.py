"""The command `recheck`: train what a suite's runs selected again, with fresh seeds."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmark.cli import options
from benchmark.cli.arguments import add_execution, add_quiet, add_results, add_suite
from benchmark.cli.parser import Checked
from benchmark.cli.suite_execution import execute_suite, read_machine
from benchmark.suite.parsing import load
from benchmark.tuning.factory import check_names

if TYPE_CHECKING:
    from benchmark.driver.runner import Listener, Runner
    from benchmark.verification.recheck import RecheckSuite


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    add_execution(parser)
    parser.add_argument(
        *("--fresh",),
        metavar="K",
        action=Checked,
        check=options.whole_number(1, 1000),
        default=10,
        help="fresh seeds for every configuration (default: 10)",
    )
    add_quiet(parser)
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load(parsed.suite, parsed.set)
    check_names(suite)
    results = options.check_results(parsed.results, suite.name, writing=True) / suite.name
    options.require_runs(results, suite.name)
    options.check_data(parsed.data)
    prepared: list[RecheckSuite] = []

    def build_runner(listener: Listener) -> Runner:
        from benchmark.backends.factory import build_backend
        from benchmark.driver.runner import Runner
        from benchmark.verification.recheck import prepare_recheck

        machine = read_machine(parsed, suite)
        jobs = parsed.jobs or options.default_jobs(machine.device)
        recheck = prepare_recheck(suite, results, parsed.fresh, machine, allow_mixed=parsed.allow_mixed)
        prepared.append(recheck)
        return Runner(
            recheck,
            results,
            jobs=jobs,
            backend=build_backend(parsed.backend, parsed.jobs, jobs, parsed.scheduler, parsed.address),
            machine=machine,
            listener=listener,
            allow_mixed=parsed.allow_mixed,
            capacity=parsed.stack,
            reuse=parsed.reuse,
            write=recheck.write,
        )

    code = execute_suite(parsed, build_runner)
    if code == 0 and not parsed.quiet:
        print(f"rechecked {prepared[0].describe()}; to see them: python -m analysis tables {prepared[0].of}")
    return code
