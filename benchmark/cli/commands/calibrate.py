"""The command `calibrate`: measure a suite's modelled prices on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.calibration import calibration_file
from benchmark.cli import options
from objectives.objective import Machine


def _calibrate(parsed: argparse.Namespace) -> int:
    from benchmark.suite import parsing as suites

    suite = suites.load(parsed.suite, parsed.set, without=("clock", "calibration"))
    from benchmark.calibration import measure as calibrate
    from benchmark.suite.model import is_dotted
    from benchmark.tuning.factory import build_objective

    effort = calibrate.MeasurementEffort(
        configs=options.number("configs", parsed.configs, 3, 10_000),
        rounds=options.number("rounds", parsed.rounds, 1, 1000),
        rows=options.number("rows", parsed.rows, 1, 10**9),
    )
    objectives = [
        calibrate.MeasuredObjective(
            label=entry.label,
            name=entry.part.name,
            options=entry.part.options,
            objective=build_objective(entry),
            third_party=is_dotted(entry.part.name),
        )
        for entry in suite.objectives
    ]
    machine = Machine(device=options.device(parsed.device, suite.device), data=options.data(parsed.data))
    out = None if parsed.out is None else Path(parsed.out)
    path, calibration = calibration_file.open_calibration(parsed.name, out, machine)
    calibration = calibrate.calibrate(calibration, objectives, machine, effort, lambda line: print(line, flush=True))
    calibration_file.write_calibration(path, calibration)
    print(f"calibration {calibration.name} of {calibration.device}: {path}")
    return 0
