"""The command `repair`: set damaged ledgers aside and keep what is whole of them."""

from __future__ import annotations

import argparse

from benchmark.cli import options
from benchmark.cli.resume_hint import resume_command


def _repair(parsed: argparse.Namespace) -> int:
    from benchmark.result_folder import repair
    from benchmark.suite import parsing as suites

    suite = suites.load(parsed.suite, parsed.set)
    folder = options.results(parsed.results, suite.name, writing=False) / suite.name
    for line in repair.repair_suite(suite, folder, resume_command("run", parsed)):
        print(line)
    return 0
