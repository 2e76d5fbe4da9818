"""The command `audit`: train recorded trials again, replay the algorithms, and say what differs."""

from __future__ import annotations

import argparse
import sys

from benchmark.cli import options
from benchmark.cli.arguments import add_checked, add_quiet, add_results, add_suite, add_training
from benchmark.cli.signals import Stopped, stoppable
from benchmark.cli.suite_execution import load_suite, read_machine
from benchmark.cli.terminal import RUNS_FAILED, report_stop, stop_message
from benchmark.errors import BadInput
from benchmark.verification.sampling import DEFAULT, parse_sample


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    text = "recorded trials to train again: 5%% (default), a number, or all"
    add_checked(
        parser, "--sample", "SIZE", lambda option, text: parse_sample(text), text, default=parse_sample(DEFAULT)
    )
    add_checked(parser, "--seed", "S", options.whole_number(0, 10**9), "of the draw (default: 0)", default=0)
    text = "errors that differ by no more pass (default: only identical ones pass)"
    add_checked(parser, "--tolerance", "E", options.error_difference, text)
    add_training(parser)
    add_quiet(parser)
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load_suite(parsed)
    folder = options.check_results(parsed.results, suite.name, writing=True) / suite.name
    options.require_runs(folder, suite.name)
    options.check_data(parsed.data)
    from benchmark.driver.progress import choose_listener
    from benchmark.storage.ledger_format import LedgerError
    from benchmark.storage.resume_check import RunRefused
    from benchmark.verification.audit import AuditRequest, AuditResources, audit_suite
    from benchmark.verification.audit_report import describe_report
    from objectives.training.data_error import DataError

    machine, notes = read_machine(parsed, suite)
    resources = AuditResources(
        jobs=parsed.jobs or options.default_jobs(machine.device),
        machine=machine,
        capacity=parsed.stack,
        listener=lambda: choose_listener(quiet=parsed.quiet or sys.stdout is None),
    )
    request = AuditRequest(sample=parsed.sample, seed=parsed.seed, tolerance=parsed.tolerance)
    try:
        with stoppable(lambda: stop_message(parsed)):
            report = audit_suite(suite, folder, request, resources)
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    except (KeyboardInterrupt, Stopped) as stop:
        return report_stop(stop, stop_message(parsed))
    if not parsed.quiet or not report["passed"]:
        print("\n".join([*describe_report(report), *(f"note: {note}" for note in notes)]))
    return 0 if report["passed"] else RUNS_FAILED
