"""The command `status`: how far a suite is."""

from __future__ import annotations

import argparse

from benchmark.cli import options
from benchmark.cli.resume_hint import resume_command


def _status(parsed: argparse.Namespace) -> int:
    from benchmark.result_folder import status
    from benchmark.suite import parsing as suites

    suite = suites.load(parsed.suite, parsed.set)
    folder = options.results(parsed.results, suite.name, writing=False) / suite.name
    for line in status.describe_status(suite, folder, resume_command("run", parsed)):
        print(line)
    return 0
