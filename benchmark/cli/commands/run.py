"""The commands `run`, `recheck`, `replay` and `reprice`, which execute a suite's runs."""

from __future__ import annotations

import argparse
import json
import os
import sys
from contextlib import suppress
from pathlib import Path

from benchmark.backends import factory
from benchmark.backends.base import Backend
from benchmark.cli import options
from benchmark.cli.resume_hint import resume_command
from benchmark.cli.signals import Stopped, stoppable
from benchmark.cli.terminal import RUNS_FAILED, _farewell, _stopped, print_error
from benchmark.driver.runner import Listener, Runner
from benchmark.errors import BadInput, require_choice, short_repr
from benchmark.suite.model import Suite
from benchmark.verification.recheck import RecheckSuite
from objectives.objective import Machine


def _run(parsed: argparse.Namespace) -> int:
    with stoppable(lambda: _farewell(parsed)):
        return _run_suite(parsed)


def _reprice(parsed: argparse.Namespace) -> int:
    """Run the suite again with other prices, every trial taken from what is recorded."""
    from benchmark.suite import parsing as suites

    settings = ['clock="modelled"', f"calibration={json.dumps(parsed.calibration)}"]
    name = suites.load(parsed.suite, [*parsed.set, *settings]).name
    parsed.reuse = parsed.reuse or os.path.join("results", name)  # noqa: PTH118 (as _data)
    if os.path.realpath(parsed.reuse) == os.path.realpath(os.path.join(parsed.results, name)):  # noqa: PTH118 (as _data)
        raise BadInput(f"--results {short_repr(parsed.results)}: the results to reuse are there, need another folder")
    parsed.given, parsed.set = parsed.set, [*parsed.set, *settings]
    return _run(parsed)


def _run_suite(parsed: argparse.Namespace) -> int:
    from benchmark.suite import parsing as suites

    suite = suites.load(parsed.suite, parsed.set)
    if parsed.miss is not None:
        require_choice("--miss", parsed.miss, ("refuse", "train"))
    results = options.results(parsed.results, suite.name, writing=True)
    from benchmark.backends.base import BackendLost
    from benchmark.driver.progress import listener_for
    from benchmark.storage.ledger_format import LedgerError
    from benchmark.storage.resume_check import RunRefused
    from benchmark.verification.recheck import RecheckSuite
    from objectives.training.data import DataError

    listener = listener_for(quiet=parsed.quiet or sys.stdout is None)
    runner = _runner(parsed, suite, results, listener)
    try:
        reports = runner.run()
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    except BackendLost as error:
        told = f"{error}; every finished evaluation is stored. To go on: {resume_command(parsed.command, parsed)}"
        print_error(told)
        return RUNS_FAILED
    except (KeyboardInterrupt, Stopped) as stop:
        with suppress(OSError):  # The terminal may be what has gone (SIGHUP).
            listener.close()
        return _stopped(stop, _farewell(parsed))
    finally:
        listener.close()
    bad = [report for report in reports if report.state != "done"]
    for report in bad[:10]:
        print_error(f"{report.run.path}: {report.state}: {(report.problem or '').strip()}")
    if bad:
        print_error(f"{len(bad)} of {len(reports)} runs are not done; again: {resume_command(parsed.command, parsed)}")
    elif isinstance(runner.suite, RecheckSuite) and not parsed.quiet:
        print(f"rechecked {runner.suite.told()}; to see them: python -m analysis tables {runner.suite.of}")
    return RUNS_FAILED if bad else 0


def _runner(parsed: argparse.Namespace, suite: Suite, results: Path, listener: Listener) -> Runner:
    """What executes the suite, or the recheck of what it has recorded."""
    from benchmark.driver.runner import Runner
    from benchmark.planning import shard
    from benchmark.result_folder.suite_json_writer import write_suite_json
    from objectives.objective import Machine

    device = options.device(parsed.device, suite.device)
    precision = options.precision(parsed.precision, device)
    machine = Machine(device=device, data=options.data(parsed.data), precision=precision)
    jobs = options.jobs(parsed.jobs, device)
    capacity = None if parsed.stack is None else options.number("stack", parsed.stack, 1, 4096)
    reuse = None if parsed.reuse is None else options.recorded("--reuse", parsed.reuse)
    tables = None if parsed.tables is None else options.tables(parsed.tables)
    write = write_suite_json
    if parsed.command == "recheck":
        results /= suite.name
        suite = recheck = _recheck(parsed, suite, results, machine)
        write = recheck.write
    return Runner(
        suite,
        results,
        jobs=jobs,
        machine=machine,
        listener=listener,
        allow_mixed=parsed.allow_mixed,
        capacity=capacity,
        reuse=reuse,
        engine=_engine(parsed, jobs),
        train=parsed.command in ("run", "recheck") or parsed.miss == "train",
        tables=tables,
        recycle=parsed.recycle,
        write=write,
        shard=None if parsed.shard is None else shard.parse_shard(parsed.shard, suite),
    )


def _engine(parsed: argparse.Namespace, jobs: int) -> Backend:
    """What spreads the runs; `jobs` when neither the command nor the cluster says how many."""
    return factory.build_backend(
        parsed.backend, None if parsed.jobs is None else jobs, jobs, parsed.scheduler, parsed.address
    )


def _recheck(parsed: argparse.Namespace, suite: Suite, folder: Path, machine: Machine) -> RecheckSuite:
    """The recheck of what a suite has recorded."""
    from benchmark.storage.ledger_format import LedgerError
    from benchmark.storage.resume_check import RunRefused
    from benchmark.verification.recheck import prepare_recheck
    from objectives.training.data import DataError

    fresh = options.number("fresh", parsed.fresh, 1, 1000)
    try:
        return prepare_recheck(suite, folder, fresh, machine, allow_mixed=parsed.allow_mixed)
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
