"""The command `field`: pack the runs of a suite into a field, or check one by executing some of its runs again."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.cli.arguments import add_checked, add_jobs, add_results, add_suite
from benchmark.cli.options import check_data, check_results, choice, default_jobs, require_runs, whole_number
from benchmark.cli.parser import Checked
from benchmark.cli.suite_execution import execute_suite, load_suite
from benchmark.cli.terminal import RUNS_FAILED
from benchmark.errors import shell_command

if TYPE_CHECKING:
    from benchmark.arena.field.field_file import Field
    from benchmark.driver.runner import Listener, Runner
    from benchmark.suite.model import Run, Suite

MOST_RUNS = 100_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = "pack: make the file from results; check: execute runs again and compare"
    parser.add_argument("action", metavar="ACTION", action=Checked, check=choice("pack", "check"), help=text)
    add_suite(parser)
    parser.add_argument("--out", metavar="FILE", help="pack: the file to write (default: RESULTS/SUITE/field.npz)")
    parser.add_argument("--field", metavar="FILE", help="check: the field (default: the shipped one)")
    text = "check: how many runs (default: 20)"
    add_checked(parser, "--runs", "N", whole_number(1, MOST_RUNS), text, default=20)
    text = "check: seed of the draw of runs (default: 0)"
    add_checked(parser, "--seed", "N", whole_number(0, 2**31), text, default=0)
    add_jobs(parser)
    parser.add_argument("--quiet", action="store_true", help="print nothing but problems")
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load_suite(parsed)
    return _pack(parsed, suite) if parsed.action == "pack" else _check(parsed, suite)


def _pack(parsed: argparse.Namespace, suite: Suite) -> int:
    folder = check_results(parsed.results, suite.name, writing=parsed.out is None) / suite.name
    require_runs(folder, suite.name)
    from benchmark.arena.field.field_file import write_field
    from benchmark.arena.field.packing import pack_field

    field = pack_field(suite, folder)
    path = folder / "field.npz" if parsed.out is None else Path(parsed.out)
    write_field(path, field)
    done = int((field.state == 0).sum())
    print(f"{path}: {describe_size(field)}, {path.stat().st_size:,} bytes")
    if done < len(field.state):
        print(f"note: {len(field.state) - done} of {len(field.state)} runs are not done")
    return 0


def describe_size(field: Field) -> str:
    """How many of what a field holds."""
    sizes = f"{len(field.objectives)} objectives x {len(field.algorithms)} algorithms x {field.repetitions} repetitions"
    return f"{sizes}, {len(field.time):,} improvements of {int(field.trials.sum()):,} trials"


def _check(parsed: argparse.Namespace, suite: Suite) -> int:
    from benchmark.arena.field.agreement import check_agreement, check_algorithms
    from benchmark.arena.field.field_place import load_field

    path, field = load_field(parsed.field, suite.name)
    check_agreement(suite, field, path)
    check_algorithms(suite, field, path)
    from benchmark.arena.field.field_check import draw_runs

    runs = draw_runs(suite, field, parsed.runs, parsed.seed)
    with tempfile.TemporaryDirectory() as folder:
        code = _execute(parsed, suite, Path(folder), runs)
        return code or _compare(field, suite, Path(folder), runs)


def _execute(parsed: argparse.Namespace, suite: Suite, results: Path, runs: list[Run]) -> int:
    """Execute the drawn runs; returns the exit code."""

    def build_runner(listener: Listener) -> Runner:
        from benchmark.arena.field.chosen_runs import ChosenRuns
        from objectives.objective import Machine

        machine = Machine(device="cpu", data=check_data(None))
        return ChosenRuns(
            suite, results, jobs=parsed.jobs or default_jobs("cpu"), machine=machine, listener=listener, chosen=runs
        )

    return execute_suite(parsed, build_runner)


def _compare(field: Field, suite: Suite, results: Path, runs: list[Run]) -> int:
    """Print what differs; returns the exit code."""
    from benchmark.arena.field.field_check import find_differences

    differences = find_differences(field, suite, results / suite.name, runs)
    for difference in differences:
        label = f"{difference.run.objective.label} / {difference.run.algorithm.label} / {difference.run.repetition}"
        print(f"{label}: {difference.name} is {difference.now}, the field has {difference.recorded}")
    wrong = len({difference.run.path for difference in differences})
    algorithms = len({run.algorithm.label for run in runs})
    print(f"{len(runs) - wrong} of {len(runs)} runs, of {algorithms} algorithms, equal the field to the byte")
    if wrong:
        print(f"run the suite and pack the field anew: {shell_command('benchmark', 'field', 'pack', suite.name)}")
    return RUNS_FAILED if wrong else 0
