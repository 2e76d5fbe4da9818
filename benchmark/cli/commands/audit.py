"""The command `audit`: train recorded trials again and say what differs."""

from __future__ import annotations

import argparse
import sys

from benchmark.cli import options
from benchmark.cli.signals import Stopped, stoppable
from benchmark.cli.terminal import RUNS_FAILED, _farewell, _stopped
from benchmark.errors import BadInput
from objectives.objective import Machine


def _audit(parsed: argparse.Namespace) -> int:
    from benchmark.suite import parsing as suites

    suite = suites.load(parsed.suite, parsed.set)
    folder = options.results(parsed.results, suite.name, writing=True) / suite.name
    from benchmark.driver.progress import listener_for
    from benchmark.storage.ledger_format import LedgerError
    from benchmark.storage.resume_check import RunRefused
    from benchmark.verification.audit import AuditRequest, AuditResources, audit_suite
    from benchmark.verification.audit_report import describe_report
    from benchmark.verification.sampling import parse_sample
    from objectives.training.data import DataError

    wish = AuditRequest(
        sample=parse_sample(parsed.sample),
        seed=options.number("seed", parsed.seed, 0, 10**9),
        tolerance=None if parsed.tolerance is None else options.error("tolerance", parsed.tolerance),
    )
    device = options.device(parsed.device, suite.device)
    precision = options.precision(parsed.precision, device)
    means = AuditResources(
        jobs=options.jobs(parsed.jobs, device),
        machine=Machine(device=device, data=options.data(parsed.data), precision=precision),
        capacity=None if parsed.stack is None else options.number("stack", parsed.stack, 1, 4096),
        listener=lambda: listener_for(quiet=parsed.quiet or sys.stdout is None),
    )
    try:
        with stoppable(lambda: _farewell(parsed)):
            report = audit_suite(suite, folder, wish, means)
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    except (KeyboardInterrupt, Stopped) as stop:
        return _stopped(stop, _farewell(parsed))
    if not parsed.quiet or not report["passed"]:
        print("\n".join(describe_report(report)))
    return 0 if report["passed"] else RUNS_FAILED
