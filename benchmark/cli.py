"""The command line: `run`, `reprice`, `status`, `list`, `calibrate`. Bad input is refused with exit code 2."""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benchmark import options
from benchmark.refusal import BadInput, known, nearest, shown

COMMANDS = ("run", "reprice", "status", "list", "calibrate")
REFUSED, INTERRUPTED, TERMINATED, RUNS_FAILED = 2, 130, 143, 1


class Terminated(BaseException):
    """The process was asked to end (SIGTERM); like Ctrl-C it stops the suite in good order."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose refusals are one line and name the nearest match."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see `{self.prog} --help`")

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """Parse all arguments.

        Raises:
            BadInput: an unknown option, or one that the parser refuses.
        """
        parsed, rest = self.parse_known_args(arguments)
        if rest:
            words = sorted(parsed.options)
            raise BadInput(f"option {shown(rest[0])}: unknown, allowed are {', '.join(words)}{nearest(rest[0], words)}")
        return parsed


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
        print(f"error: {' '.join(str(error).splitlines())}", file=sys.stderr)
        return REFUSED
    except (KeyboardInterrupt, Terminated) as stop:
        return _stopped(stop, "stopped")
    except BrokenPipeError:  # `... list | head`: whoever read has read enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return RUNS_FAILED


def _command(arguments: list[str]) -> int:
    if arguments and arguments[0] not in ("-h", "--help"):
        known("command", arguments[0], COMMANDS)
    parsed = _parser().parse(arguments)
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "run": _run,
        "status": _status,
        "list": _list,
        "reprice": _reprice,
        "calibrate": _calibrate,
    }
    return commands[parsed.command](parsed)


def _parser() -> Parser:
    parser = Parser(prog="python -m benchmark", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", metavar=f"{{{','.join(COMMANDS)}}}")
    commands.required = True
    run = commands.add_parser("run", help="run a suite, or go on with it", allow_abbrev=False)
    run.add_argument("suite", metavar="SUITE", help="a name (see `list`) or a path to a TOML file")
    run.add_argument("--jobs", metavar="N", help="processes (default: one a core, or one a GPU); results do not change")
    run.add_argument("--data", metavar="DIR", help="folder with the data sets (default: $INCUMBENT_DATA, else data/)")
    run.add_argument("--device", metavar="DEVICE", help="cpu, cuda or cuda:N (default: the suite's)")
    run.add_argument(
        "--stack", metavar="N", help="trials side by side (default: the objective's); results do not change"
    )
    run.add_argument("--reuse", metavar="DIR", help="a suite's results (DIR/runs) whose trials need no training")
    run.add_argument("--precision", metavar="P", help="of our kernels on a GPU: ieee (default), tf32x3 or tf32")
    run.add_argument("--quiet", action="store_true", help="print nothing but problems")
    run.add_argument("--allow-mixed", action="store_true", help="continue runs of another machine, and mark them")
    reprice = commands.add_parser("reprice", help="a suite's results on another calibration", allow_abbrev=False)
    reprice.add_argument("suite", metavar="SUITE", help="as for run")
    reprice.add_argument("--calibration", metavar="NAME", required=True, help="prices: a name or a path to a TOML file")
    reprice.add_argument(
        "--reuse", metavar="DIR", help="the suite's results (default: results/SUITE); nothing is trained"
    )
    reprice.add_argument("--quiet", action="store_true", help="as for run")
    status = commands.add_parser("status", help="how far a suite is", allow_abbrev=False)
    status.add_argument("suite", metavar="SUITE", help="as for run")
    _add_calibrate(commands.add_parser("calibrate", help="measure a suite's modelled prices", allow_abbrev=False))
    reprice.add_argument("--results", metavar="DIR", default="results/repriced", help="default: results/repriced")
    reprice.set_defaults(jobs="1", data=None, device="cpu", precision=None, stack=None, allow_mixed=False)
    for command in (run, status):
        command.add_argument("--results", metavar="DIR", default="results", help="where results go (default: results)")
    for command in (run, status, reprice, commands.choices["calibrate"]):
        command.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="override a suite's key")
    commands.add_parser("list", help="objectives, algorithms and suites", allow_abbrev=False)
    for command in commands.choices.values():
        words = [word for action in command._actions for word in action.option_strings]
        command.set_defaults(options=[word for word in words if word.startswith("--")])
    return parser


def _add_calibrate(command: argparse.ArgumentParser) -> None:
    command.add_argument("suite", metavar="SUITE", help="as for run; its objectives are measured on this device")
    command.add_argument("--data", metavar="DIR", help="as for run")
    command.add_argument("--device", metavar="DEVICE", help="as for run")
    command.add_argument("--name", metavar="NAME", help="of the calibration (default: the file's, else the device's)")
    command.add_argument("--out", metavar="FILE", help="written, or added to if it is there (default: NAME.toml here)")
    command.add_argument("--configs", metavar="N", default="48", help="configurations, a third held out (default: 48)")
    command.add_argument("--rounds", metavar="N", default="5", help="how often each is timed (default: 5)")
    command.add_argument("--rows", metavar="N", default="6000", help="a longer epoch is timed in part (default: 6000)")


def _run(parsed: argparse.Namespace) -> int:
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        return _run_suite(parsed)
    finally:
        signal.signal(signal.SIGTERM, before)


def _reprice(parsed: argparse.Namespace) -> int:
    """Run the suite again with other prices, every trial taken from what is recorded."""
    from benchmark import suite as suites

    settings = ['clock="modelled"', f"calibration={json.dumps(parsed.calibration)}"]
    name = suites.load(parsed.suite, [*parsed.set, *settings]).name
    parsed.reuse = parsed.reuse or os.path.join("results", name)  # noqa: PTH118 (as _data)
    if os.path.realpath(parsed.reuse) == os.path.realpath(os.path.join(parsed.results, name)):  # noqa: PTH118 (as _data)
        raise BadInput(f"--results {shown(parsed.results)}: the results to reuse are there, need another folder")
    parsed.set = [*parsed.set, *settings]
    return _run(parsed)


def _run_suite(parsed: argparse.Namespace) -> int:
    from benchmark import suite as suites

    suite = suites.load(parsed.suite, parsed.set)
    results = options.results(parsed.results, suite.name, writing=True)
    from benchmark.header import RunRefused
    from benchmark.ledger import LedgerError
    from benchmark.progress import listener_for
    from benchmark.runner import Runner
    from objectives.data import DataError
    from objectives.objective import Machine

    device = options.device(parsed.device, suite.device)
    precision = options.precision(parsed.precision, device)
    machine = Machine(device=device, data=options.data(parsed.data), precision=precision)
    listener = listener_for(quiet=parsed.quiet or sys.stdout is None)
    runner = Runner(
        suite,
        results,
        jobs=options.jobs(parsed.jobs, device),
        machine=machine,
        listener=listener,
        allow_mixed=parsed.allow_mixed,
        capacity=None if parsed.stack is None else options.number("stack", parsed.stack, 1, 4096),
        reuse=None if parsed.reuse is None else options.recorded("--reuse", parsed.reuse),
        train=parsed.command == "run",
    )
    try:
        reports = runner.run()
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    except (KeyboardInterrupt, Terminated) as stop:
        listener.close()
        return _stopped(
            stop, f"stopped; every finished evaluation is stored. To go on: {_again(parsed.command, parsed)}"
        )
    finally:
        listener.close()
    bad = [report for report in reports if report.state != "done"]
    for report in bad[:10]:
        print(f"{report.run.path}: {report.state}: {(report.problem or '').strip()}", file=sys.stderr)
    if bad:
        print(
            f"{len(bad)} of {len(reports)} runs are not done; again: {_again(parsed.command, parsed)}", file=sys.stderr
        )
    return RUNS_FAILED if bad else 0


def _status(parsed: argparse.Namespace) -> int:
    from benchmark import status
    from benchmark import suite as suites

    suite = suites.load(parsed.suite, parsed.set)
    folder = options.results(parsed.results, suite.name, writing=False) / suite.name
    for line in status.lines(suite, folder, _again("run", parsed)):
        print(line)
    return 0


def _list(parsed: argparse.Namespace) -> int:
    from algorithms import SCHEDULERS, SEARCHERS
    from benchmark import suite as suites
    from objectives import OBJECTIVES

    for title, registry in (("objectives", OBJECTIVES), ("searchers", SEARCHERS), ("schedulers", SCHEDULERS)):
        print(f"{title}:")
        for name, thing in registry.items():
            print(f"  {name:20} {(thing.__doc__ or '').strip().splitlines()[0]}")
    print("suites:")
    for name in suites.suite_names():
        print(f"  {name:20} {suites.load(name).title}")
    return 0


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


def _again(command: str, parsed: argparse.Namespace) -> str:
    """The command line that goes on with the suite."""
    words = ["python", "-m", "benchmark", command, parsed.suite]
    if command == "reprice":
        return shlex.join([*words, *_options(parsed, ("calibration", "reuse", "results"))])
    if parsed.results != "results":
        words += ["--results", parsed.results]
    for setting in parsed.set:
        words += ["--set", setting]
    words += _options(parsed, ("jobs", "data", "device", "precision", "stack", "reuse"))
    words += [f"--{name}" for name in ("quiet", "allow-mixed") if getattr(parsed, name.replace("-", "_"), False)]
    return shlex.join(words)


def _options(parsed: argparse.Namespace, names: tuple[str, ...]) -> list[str]:
    given = [(name, getattr(parsed, name, None)) for name in names]
    return [word for name, value in given if value is not None for word in (f"--{name}", value)]


def _stopped(stop: BaseException, message: str) -> int:
    print(message, file=sys.stderr)
    return INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    raise Terminated
