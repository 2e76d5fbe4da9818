"""The command `status`: how far a suite is."""

from __future__ import annotations

import argparse

from benchmark.cli import options
from benchmark.cli.arguments import add_results, add_suite
from benchmark.cli.resume_hint import resume_command
from benchmark.result_folder import status
from benchmark.result_folder.watch import shown_lines, watch
from benchmark.suite.parsing import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    parser.add_argument("--watch", action="store_true", help="show the progress again and again until all is done")
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load(parsed.suite, parsed.set)
    folder = options.check_results(parsed.results, suite.name, writing=False) / suite.name
    parsed.words = [word for word in parsed.words if word != "--watch"]
    go_on = resume_command(parsed, "run")
    try:
        if parsed.watch:
            with shown_lines() as (show, seconds):
                watch(suite, folder, go_on, show, seconds)
    except KeyboardInterrupt:  # The way to end it.
        return 0
    for line in status.describe_status(suite, folder, go_on):
        print(line)
    return 0
