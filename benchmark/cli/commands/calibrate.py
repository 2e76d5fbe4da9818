"""The command `calibrate`: measure a suite's modelled prices on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.cli import options
from benchmark.cli.arguments import add_checked, add_machine, add_suite
from benchmark.cli.suite_execution import read_machine
from benchmark.cli.terminal import print_error
from benchmark.suite.parsing import load
from benchmark.tuning.factory import check_names

EFFORT = {
    "configs": (3, 10_000, 48, "configurations, a third held out"),
    "rounds": (1, 1000, 5, "how often each is timed"),
    "rows": (1, 10**9, 6000, "a longer epoch is timed in part"),
}
"""Least and largest value, default and help of the options that say how much is measured."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    add_machine(parser)
    parser.add_argument("--name", metavar="NAME", help="of the calibration (default: the file's, else the device's)")
    parser.add_argument("--out", metavar="FILE", help="written, or added to if it is there (default: NAME.toml here)")
    for name, (low, high, default, text) in EFFORT.items():
        text = f"{text} (default: {default})"
        add_checked(parser, f"--{name}", "N", options.whole_number(low, high), text, default=default)


def execute(parsed: argparse.Namespace) -> int:
    suite = load(parsed.suite, parsed.set, without=("clock", "calibration"))
    check_names(suite)
    options.check_data(parsed.data)
    from benchmark.calibration import calibration_file
    from benchmark.calibration.measure import MeasuredObjective, MeasurementEffort, calibrate
    from benchmark.construction.objective_factory import build_objective

    effort = MeasurementEffort(configs=parsed.configs, rounds=parsed.rounds, rows=parsed.rows)
    objectives = [
        MeasuredObjective(
            label=entry.label,
            name=entry.part.name,
            options=entry.part.options,
            objective=build_objective(entry),
        )
        for entry in suite.objectives
    ]
    machine, notes = read_machine(parsed, suite)
    out = None if parsed.out is None else Path(parsed.out)
    path, calibration = calibration_file.open_calibration(parsed.name, out, machine)
    calibration = calibrate(calibration, objectives, machine, effort, lambda line: print(line, flush=True))
    calibration_file.write_calibration(path, calibration)
    for note in notes:
        print_error(f"note: {note}")
    print(f"calibration {calibration.name} of {calibration.device}: {path}")
    return 0
