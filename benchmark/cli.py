"""The command line, see `--help` for its commands; bad input exits with code 2."""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from algorithms.imported import Imported
from benchmark import options
from benchmark.again import again
from benchmark.parser import COMMANDS, build_parser
from benchmark.refusal import BadInput, known, said, shown
from benchmark.shards import spread
from benchmark.signals import Stopped, exit_code, stoppable
from benchmark.streams import let_go, tell

if TYPE_CHECKING:
    from benchmark.engines.engine import Engine
    from benchmark.recheck import Recheck
    from benchmark.runner import Listener, Runner
    from benchmark.suite import Suite
    from objectives.objective import Machine

REFUSED, RUNS_FAILED = 2, 1


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # A folder's name may hold what the terminal does not know.
    try:
        try:
            return _command(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # A closed pipe is found here, not at the interpreter's end.
    except BadInput as error:
        tell(f"error: {' '.join(str(error).splitlines())}")
        return REFUSED
    except (KeyboardInterrupt, Stopped) as stop:
        return _stopped(stop, "stopped")
    except BrokenPipeError:  # `... | head`: whoever read has read enough.
        let_go()
        return RUNS_FAILED
    except OSError as error:  # No room for what is printed, no file handles left: nothing of a suite's own.
        let_go()
        where = f"{error.filename}: " if error.filename else ""
        tell(f"error: {where}{error.strerror or said(error)}; what is recorded stays, and the same command goes on")
        return RUNS_FAILED


def _command(arguments: list[str]) -> int:
    if arguments and arguments[0] not in ("-h", "--help"):
        known("command", arguments[0], COMMANDS)
    parsed = build_parser(__doc__).parse(arguments)
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "run": _run,
        "recheck": _run,
        "audit": _audit,
        "replay": _run,
        "harvest": _harvest,
        "status": _status,
        "list": _list,
        "reprice": _reprice,
        "calibrate": _calibrate,
        "plan": spread.plan,
        "merge": spread.merge,
        "repair": _repair,
    }
    return commands[parsed.command](parsed)


def _run(parsed: argparse.Namespace) -> int:
    with stoppable(lambda: _farewell(parsed)):
        return _run_suite(parsed)


def _reprice(parsed: argparse.Namespace) -> int:
    """Run the suite again with other prices, every trial taken from what is recorded."""
    from benchmark import suite as suites

    settings = ['clock="modelled"', f"calibration={json.dumps(parsed.calibration)}"]
    name = suites.load(parsed.suite, [*parsed.set, *settings]).name
    parsed.reuse = parsed.reuse or os.path.join("results", name)  # noqa: PTH118 (as _data)
    if os.path.realpath(parsed.reuse) == os.path.realpath(os.path.join(parsed.results, name)):  # noqa: PTH118 (as _data)
        raise BadInput(f"--results {shown(parsed.results)}: the results to reuse are there, need another folder")
    parsed.given, parsed.set = parsed.set, [*parsed.set, *settings]
    return _run(parsed)


def _run_suite(parsed: argparse.Namespace) -> int:
    from benchmark import suite as suites

    suite = suites.load(parsed.suite, parsed.set)
    if parsed.miss is not None:
        known("--miss", parsed.miss, ("refuse", "train"))
    results = options.results(parsed.results, suite.name, writing=True)
    from benchmark.engines.engine import EngineLost
    from benchmark.header import RunRefused
    from benchmark.ledger import LedgerError
    from benchmark.progress import listener_for
    from benchmark.recheck import Recheck
    from objectives.data import DataError

    listener = listener_for(quiet=parsed.quiet or sys.stdout is None)
    runner = _runner(parsed, suite, results, listener)
    try:
        reports = runner.run()
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    except EngineLost as error:
        told = f"{error}; every finished evaluation is stored. To go on: {again(parsed.command, parsed)}"
        tell(told)
        return RUNS_FAILED
    except (KeyboardInterrupt, Stopped) as stop:
        with suppress(OSError):  # The terminal may be what has gone (SIGHUP).
            listener.close()
        return _stopped(stop, _farewell(parsed))
    finally:
        listener.close()
    bad = [report for report in reports if report.state != "done"]
    for report in bad[:10]:
        tell(f"{report.run.path}: {report.state}: {(report.problem or '').strip()}")
    if bad:
        tell(f"{len(bad)} of {len(reports)} runs are not done; again: {again(parsed.command, parsed)}")
    elif isinstance(runner.suite, Recheck) and not parsed.quiet:
        print(f"rechecked {runner.suite.told()}; to see them: python -m analysis tables {runner.suite.of}")
    return RUNS_FAILED if bad else 0


def _runner(parsed: argparse.Namespace, suite: Suite, results: Path, listener: Listener) -> Runner:
    """What executes the suite, or the recheck of what it has recorded."""
    from benchmark.folder import write_plan
    from benchmark.runner import Runner
    from benchmark.shards import shard
    from objectives.objective import Machine

    device = options.device(parsed.device, suite.device)
    precision = options.precision(parsed.precision, device)
    machine = Machine(device=device, data=options.data(parsed.data), precision=precision)
    jobs = options.jobs(parsed.jobs, device)
    capacity = None if parsed.stack is None else options.number("stack", parsed.stack, 1, 4096)
    reuse = None if parsed.reuse is None else options.recorded("--reuse", parsed.reuse)
    tables = None if parsed.tables is None else options.tables(parsed.tables)
    write = write_plan
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
        shard=None if parsed.shard is None else shard.parse(parsed.shard, suite),
    )


def _engine(parsed: argparse.Namespace, jobs: int) -> Engine:
    """What spreads the runs; `jobs` when neither the command nor the cluster says how many."""
    from benchmark.engines import engine

    return engine.build(parsed.backend, None if parsed.jobs is None else jobs, jobs, parsed.scheduler, parsed.address)


def _recheck(parsed: argparse.Namespace, suite: Suite, folder: Path, machine: Machine) -> Recheck:
    """The recheck of what a suite has recorded."""
    from benchmark.header import RunRefused
    from benchmark.ledger import LedgerError
    from benchmark.recheck import prepare
    from objectives.data import DataError

    fresh = options.number("fresh", parsed.fresh, 1, 1000)
    try:
        return prepare(suite, folder, fresh, machine, allow_mixed=parsed.allow_mixed)
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error


def _audit(parsed: argparse.Namespace) -> int:
    from benchmark import suite as suites

    suite = suites.load(parsed.suite, parsed.set)
    folder = options.results(parsed.results, suite.name, writing=True) / suite.name
    from benchmark.auditing.audit import Means, Wish, audit
    from benchmark.auditing.findings import lines_of
    from benchmark.auditing.sample import parse
    from benchmark.header import RunRefused
    from benchmark.ledger import LedgerError
    from benchmark.progress import listener_for
    from objectives.data import DataError
    from objectives.objective import Machine

    wish = Wish(
        sample=parse(parsed.sample),
        seed=options.number("seed", parsed.seed, 0, 10**9),
        tolerance=None if parsed.tolerance is None else options.error("tolerance", parsed.tolerance),
    )
    device = options.device(parsed.device, suite.device)
    precision = options.precision(parsed.precision, device)
    means = Means(
        jobs=options.jobs(parsed.jobs, device),
        machine=Machine(device=device, data=options.data(parsed.data), precision=precision),
        capacity=None if parsed.stack is None else options.number("stack", parsed.stack, 1, 4096),
        listener=lambda: listener_for(quiet=parsed.quiet or sys.stdout is None),
    )
    try:
        with stoppable(lambda: _farewell(parsed)):
            report = audit(suite, folder, wish, means)
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    except (KeyboardInterrupt, Stopped) as stop:
        return _stopped(stop, _farewell(parsed))
    if not parsed.quiet or not report["passed"]:
        print("\n".join(lines_of(report)))
    return 0 if report["passed"] else RUNS_FAILED


def _harvest(parsed: argparse.Namespace) -> int:
    from benchmark import suite as suites
    from benchmark.harvest import harvest
    from benchmark.ledger import LedgerError

    suite = suites.load(parsed.suite, parsed.set)
    folder = options.results(parsed.results, suite.name, writing=parsed.out is None) / suite.name
    out = options.out(str(folder / "offline") if parsed.out is None else parsed.out)
    try:
        for label, table in harvest(suite, folder, out):
            trials = int((table.reached > 0).sum())
            size = f"{len(table.configs)} configurations x {len(table.repetitions)} repetitions"
            print(f"{out / label}.npz: {size}, {trials} trials ({trials / table.reached.size:.0%})")
    except LedgerError as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise BadInput(f"--out {shown(str(out))}: cannot be written ({error.strerror})") from error
    return 0


def _status(parsed: argparse.Namespace) -> int:
    from benchmark import status
    from benchmark import suite as suites

    suite = suites.load(parsed.suite, parsed.set)
    folder = options.results(parsed.results, suite.name, writing=False) / suite.name
    for line in status.lines(suite, folder, again("run", parsed)):
        print(line)
    return 0


def _repair(parsed: argparse.Namespace) -> int:
    from benchmark import repair
    from benchmark import suite as suites

    suite = suites.load(parsed.suite, parsed.set)
    folder = options.results(parsed.results, suite.name, writing=False) / suite.name
    for line in repair.lines(suite, folder, again("run", parsed)):
        print(line)
    return 0


def _list(parsed: argparse.Namespace) -> int:
    from benchmark import suite as suites
    from benchmark.build import ALL_SCHEDULERS, ALL_SEARCHERS
    from objectives import OBJECTIVES

    for title, registry in (("objectives", OBJECTIVES), ("searchers", ALL_SEARCHERS), ("schedulers", ALL_SCHEDULERS)):
        print(f"{title}:")
        for name, thing in registry.items():
            print(f"  {name:20} {_summary(thing)}")
    print("suites:")
    for name in suites.suite_names():
        print(f"  {name:20} {suites.load(name).title}")
    return 0


def _summary(thing: object) -> str:
    """One line on a part: the first of its docstring, or what its library is and how to install it."""
    if not isinstance(thing, Imported):
        return (thing.__doc__ or "").strip().splitlines()[0]
    missing = None in thing.versions().values()
    return thing.summary + (f" (not installed: pip install '.[{thing.extra}]')" if missing else "")


def _calibrate(parsed: argparse.Namespace) -> int:
    from benchmark import suite as suites

    suite = suites.load(parsed.suite, parsed.set, without=("clock", "calibration"))
    from benchmark import calibrate
    from benchmark.build import build_objective
    from objectives.objective import Machine

    effort = calibrate.Effort(
        configs=options.number("configs", parsed.configs, 3, 10_000),
        rounds=options.number("rounds", parsed.rounds, 1, 1000),
        rows=options.number("rows", parsed.rows, 1, 10**9),
    )
    objectives = {entry.label: (entry, build_objective(entry)) for entry in suite.objectives}
    machine = Machine(device=options.device(parsed.device, suite.device), data=options.data(parsed.data))
    out = None if parsed.out is None else Path(parsed.out)
    path, calibration = calibrate.begin(parsed.name, out, machine)
    calibration = calibrate.calibrate(calibration, objectives, machine, effort, lambda line: print(line, flush=True))
    calibrate.write(path, calibration)
    print(f"calibration {calibration.name} of {calibration.device}: {path}")
    return 0


def _farewell(parsed: argparse.Namespace) -> str:
    return f"stopped; every finished evaluation is stored. To go on: {again(parsed.command, parsed)}"


def _stopped(stop: BaseException, message: str) -> int:
    try:
        print(message, file=sys.stderr, flush=True)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # The terminal has gone, which the interpreter would find again at its end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    return exit_code(stop)
