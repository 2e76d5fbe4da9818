"""Executes a suite for the commands `run`, `recheck`, `replay` and `reprice`, and says how its runs ended."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmark.cli import options
from benchmark.cli.resume_hint import resume_command
from benchmark.cli.signals import Stopped, stoppable
from benchmark.cli.terminal import RUNS_FAILED, print_error, report_stop, stop_message
from benchmark.errors import BadInput
from benchmark.storage.suite_json import NAME, refuse_imported
from benchmark.suite.parsing import load
from benchmark.tuning.factory import check_names

if TYPE_CHECKING:
    from benchmark.driver.runner import Listener, Runner
    from benchmark.result_folder.outcomes import Outcomes
    from benchmark.suite.model import Suite
    from benchmark.tuning.run_report import RunReport
    from objectives.objective import Machine

GO_ON = "every finished evaluation is stored. To go on (without --fail-fast past any failure)"
"""What a suite that its first failure has stopped says before the command."""

MOST_NAMED = 10
"""Runs that are not done and are named one by one."""


def execute_suite(parsed: argparse.Namespace, build_runner: Callable[[Listener], Runner]) -> int:
    """Build the runner, execute what is missing, and report; returns the exit code.

    Args:
        parsed: the command line, with `quiet`.
        build_runner: called once everything light has been checked; imports what trains.
    """
    with stoppable(lambda: stop_message(parsed)):
        return _execute(parsed, build_runner)


def _execute(parsed: argparse.Namespace, build_runner: Callable[[Listener], Runner]) -> int:
    from benchmark.backends.base import BackendLost
    from benchmark.driver.fail_fast import SuiteStopped
    from benchmark.driver.progress import choose_listener
    from benchmark.storage.ledger_format import LedgerError
    from benchmark.storage.resume_check import RunRefused
    from objectives.training.data_error import DataError

    listener = choose_listener(quiet=parsed.quiet or sys.stdout is None)
    try:
        runner = build_runner(listener)
        reports = runner.run()
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    except BackendLost as error:
        _print_failures(listener.outcomes)
        print_error(f"{error}; every finished evaluation is stored. To go on: {resume_command(parsed)}")
        return RUNS_FAILED
    except SuiteStopped as stop:
        listener.close()
        print_error(f"stopped at the first failure: {stop}; {GO_ON}: {resume_command(parsed)}")
        return RUNS_FAILED
    except (KeyboardInterrupt, Stopped) as stop:
        with suppress(OSError):  # The terminal may be what has gone (SIGHUP).
            listener.close()
        _print_failures(listener.outcomes)
        return report_stop(stop, stop_message(parsed))
    finally:
        listener.close()
    _print_failures(runner.follower.outcomes)
    for line in runner.follower.route_notes if parsed.quiet else ():  # Otherwise said at once.
        print_error(line)
    for line in runner.follower.outcomes.describe_early_ends():
        print_error(f"note: {line}")
    code = _report_unfinished(parsed, reports)
    return RUNS_FAILED if runner.follower.outcomes.cells_without_success() else code


def _print_failures(outcomes: Outcomes) -> None:
    for line in (*outcomes.describe(), *outcomes.describe_cells_without_success()):
        print_error(line)


def _report_unfinished(parsed: argparse.Namespace, reports: list[RunReport]) -> int:
    unfinished = [report for report in reports if report.state != "done"]
    for report in unfinished[:MOST_NAMED]:
        print_error(f"{report.run.path}: {report.state}: {(report.problem or '').strip()}")
    if unfinished:
        print_error(f"{len(unfinished)} of {len(reports)} runs are not done; again: {resume_command(parsed)}")
    return RUNS_FAILED if unfinished else 0


def load_suite(parsed: argparse.Namespace, *overrides: str) -> Suite:
    """The suite of the command line, with its parts' names checked; imports nothing heavy."""
    _refuse_imported(parsed, parsed.suite)
    suite = load(parsed.suite, [*parsed.set, *overrides])
    _refuse_imported(parsed, suite.name)
    check_names(suite)
    return suite


def _refuse_imported(parsed: argparse.Namespace, name: str) -> None:
    """Refuse the name of a suite in whose folder are the studies of another tool."""
    if NAME.fullmatch(name) and hasattr(parsed, "results"):
        refuse_imported(Path(parsed.results, name), parsed.words[0])


def read_machine(parsed: argparse.Namespace, suite: Suite) -> tuple[Machine, Sequence[str]]:
    """The machine to train on: device, data folder and precision, as the command line or the suite says.

    Returns:
        The machine, and what the user should know of the choice of its device.
    """
    from objectives.objective import Machine

    data = options.check_data(parsed.data)
    if parsed.device is None and all(entry.table is not None for entry in suite.objectives):
        return Machine(data=data), ()  # Nothing is trained.
    route = options.check_route(parsed.route)
    choice = options.check_device(parsed.device, suite.device)
    precision = options.check_precision(parsed.precision, choice.device)
    return Machine(device=choice.device, data=data, precision=precision, route=route), choice.notes


def execution_options(parsed: argparse.Namespace, suite: Suite) -> dict[str, Any]:
    """The runner's arguments that `add_execution` has put on the command line."""
    from benchmark.backends.factory import build_backend

    machine, notes = read_machine(parsed, suite)
    jobs = parsed.jobs or options.default_jobs(machine.device)
    return {
        "machine": machine,
        "notes": notes,
        "jobs": jobs,
        "backend": build_backend(parsed.backend, parsed.jobs, jobs, parsed.scheduler, parsed.address),
        "allow_mixed": parsed.allow_mixed,
        "capacity": parsed.stack,
        "reuse": parsed.reuse,
    }
