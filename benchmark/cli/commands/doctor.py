"""The command `doctor`: what this machine has, how the objectives train on it, whether that is sound, and how fast."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from benchmark.cli.arguments import add_machine
from benchmark.cli.options import check_data, check_device, check_precision
from benchmark.cli.suite_execution import load_suite
from benchmark.cli.terminal import RUNS_FAILED
from benchmark.errors import BadInput, shell_command, short_repr

if TYPE_CHECKING:
    from benchmark.diagnosis.examination import Examined


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = "whose objectives are looked at (default: the networks of this project on the digits)"
    parser.add_argument("suite", metavar="SUITE", nargs="?", help=text)
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="override a suite's key")
    add_machine(parser)


def execute(parsed: argparse.Namespace) -> int:
    if parsed.suite is None and parsed.set:
        raise BadInput(f"--set {short_repr(parsed.set[0])}: overrides a suite's key, give SUITE with it")
    suite = None if parsed.suite is None else load_suite(parsed)
    data = check_data(parsed.data)
    choice = check_device(parsed.device, "auto" if suite is None else suite.device)
    precision = check_precision(parsed.precision, choice.device)
    from benchmark.construction.objective_factory import build_objective
    from benchmark.diagnosis.examination import build_networks, describe_machine, examine_objectives
    from objectives.objective import Machine

    for name, facts in describe_machine(choice):
        print(f"{name:11} {facts}", flush=True)
    if suite is None:
        objectives = build_networks()
    else:
        objectives = {entry.label: build_objective(entry) for entry in suite.objectives}
    machine = Machine(device=choice.device, data=data, precision=precision)
    problems = 0
    for examined in examine_objectives(objectives, machine):
        print(_describe(examined), flush=True)
        problems += examined.problem is not None
    return _conclude(choice.device, problems)


def _describe(examined: Examined) -> str:
    """One line on an objective, and another where a faster route was passed over."""
    label, route, speed = examined.label, examined.route, examined.speed
    if route is None or speed is None:
        return f"{label:11} {examined.problem or examined.way}"
    times = f"{speed.route:,.0f} steps a second, {speed.route / speed.reference:.1f} times the reference loop"
    line = f"{label:11} {route.name}: {times}; {examined.check}; {route.why}"
    return line if route.reason is None else f"{line}\n{'':11} not by a faster route: {route.reason}"


def _conclude(device: str, problems: int) -> int:
    if problems:
        count = "1 objective has" if problems == 1 else f"{problems} objectives have"
        print(f"{count} a problem on {device}; suites train by the routes named here")
        return RUNS_FAILED
    print(f"all is well on {device}; next: {shell_command('benchmark', 'run', 'smoke', '--device', device)}")
    return 0
