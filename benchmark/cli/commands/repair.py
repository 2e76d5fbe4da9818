"""The command `repair`: set damaged ledgers aside and keep what is whole of them."""

from __future__ import annotations

import argparse

from benchmark.cli import options
from benchmark.cli.arguments import add_results, add_suite
from benchmark.cli.resume_hint import resume_command
from benchmark.result_folder import repair
from benchmark.suite.parsing import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load(parsed.suite, parsed.set)
    folder = options.check_results(parsed.results, suite.name, writing=False) / suite.name
    for line in repair.repair_suite(suite, folder, resume_command(parsed, "run")):
        print(line)
    return 0
