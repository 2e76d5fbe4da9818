"""The command `reprice`: a suite's results on another calibration; nothing is trained."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.cli.arguments import add_checked, add_quiet, add_results, add_suite
from benchmark.cli.options import check_results, recorded_results
from benchmark.cli.suite_execution import execute_suite, load_suite
from benchmark.errors import BadInput, short_repr
from benchmark.storage.suite_json import NAME, refuse_imported

if TYPE_CHECKING:
    from benchmark.driver.runner import Listener, Runner


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    parser.add_argument("--calibration", metavar="NAME", required=True, help="prices: a name or a path to a TOML file")
    text = "the suite's results (default: results/SUITE); nothing is trained"
    add_checked(parser, "--reuse", "DIR", recorded_results, text)
    add_quiet(parser)
    add_results(parser, "results/repriced")


def execute(parsed: argparse.Namespace) -> int:
    if parsed.reuse is None and NAME.fullmatch(parsed.suite):
        refuse_imported(Path("results", parsed.suite), "reprice")
    suite = load_suite(parsed, 'clock="modelled"', f"calibration={json.dumps(parsed.calibration)}")
    reuse = parsed.reuse or recorded_results("--reuse", str(Path("results", suite.name)))
    if os.path.realpath(reuse) == os.path.realpath(os.path.join(parsed.results, suite.name)):  # noqa: PTH118 (any text)
        raise BadInput(f"--results {short_repr(parsed.results)}: the results to reuse are there, need another folder")
    results = check_results(parsed.results, suite.name, writing=True)

    def build_runner(listener: Listener) -> Runner:
        from benchmark.driver.runner import Runner
        from objectives.objective import Machine

        return Runner(suite, results, jobs=1, machine=Machine(), listener=listener, reuse=reuse, train=False)

    return execute_suite(parsed, build_runner)
