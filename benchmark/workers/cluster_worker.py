"""What a worker of a cluster does: it has runs executed in child processes, and survives those that die.

Neither Dask nor Ray may ever see a trial kill its worker: Dask trains the same trial four times and joblib
then waits for good; Ray loses what else the worker had. Threads of one worker never share a process either,
so trials keep their own global states and thread pins however a cluster was started.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing import Pipe
from pathlib import Path

from benchmark.errors import one_line
from benchmark.storage.ledger_format import count_evaluations
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Run
from benchmark.tuning.run_report import RunReport, failure_report, recorded_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers.cluster_child import RunRequest
from benchmark.workers.handshake import LOADED_DIGEST, Handshake, differences
from benchmark.workers.heartbeat import Listening
from benchmark.workers.watchdog import Watchdog

DEATHS_BEFORE_ALONE = 2
SECONDS_BETWEEN_LOOKS = 0.25

SECONDS_TO_START = 120.0
"""For a child to load torch, from a file server that many load it from."""

_idle: dict[str, list[Child]] = {}  # By driver: another one may bring other code.
_hold = threading.Lock()
# The kernel kills a child with the *thread* that started it, and a cluster's threads come and go.
_starter = ThreadPoolExecutor(max_workers=1)


class DriverGone(Exception):
    """The driver has ended, or another one has taken its folder; nobody waits for an answer."""


class ChildDied(Exception):
    """A child process ended without an answer."""


class MachineDiffers(Exception):
    """A child differs from the driver in what decides results, or does not even start; says how."""


class Child:
    """A process that executes runs, with the pipe to it."""

    def __init__(self, terms: Handshake) -> None:
        self.terms = terms
        self.connection, far = Pipe()
        paths = os.pathsep.join([*terms.paths, os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmark.workers.cluster_child", str(far.fileno()), str(os.getpid())],
            cwd=terms.place,
            env={**os.environ, "PYTHONPATH": paths},
            stdin=subprocess.DEVNULL,
            pass_fds=[far.fileno()],
            start_new_session=True,
        )
        far.close()

    def compare(self) -> None:
        """Hold its card against the driver's.

        Raises:
            Unlike: they differ, or it gives none.
        """
        try:
            self._send((self.terms.device, self.terms.libraries, self.terms.modules))
            if not self.connection.poll(SECONDS_TO_START):
                raise ChildDied
            unlike = differences(self.terms.card, self.connection.recv())
        except (ChildDied, EOFError, OSError) as error:
            raise MachineDiffers(
                "a process for trials does not start there; the workers' own output says why"
            ) from error
        if unlike:
            raise MachineDiffers("; ".join(unlike))

    def ask(self, errand: RunRequest) -> list[RunReport]:
        """The reports of an errand.

        Raises:
            ChildDied: it ended instead.
            DriverGone: nobody waits any more.
        """
        driver = Listening(self.terms.folder, self.terms.label, self.terms.token)
        self._send(errand)
        try:
            while not self.connection.poll(SECONDS_BETWEEN_LOOKS):
                if not (driver.felt() and _runs(self.terms.driver)):
                    raise DriverGone
                if self.process.poll() is not None and not self.connection.poll():
                    raise ChildDied
            reports: list[RunReport] = self.connection.recv()
        except (EOFError, OSError) as error:
            raise ChildDied from error
        return reports

    def _send(self, what: object) -> None:
        try:
            self.connection.send(what)
        except OSError as error:
            raise ChildDied from error

    def end(self) -> None:
        """Kill it, and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.connection.close()


def _runs(process: int | None) -> bool:
    """Whether a process of this machine is there; one that is on another counts as such."""
    if process is None:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def probe(terms: Handshake, path: Path, text: str) -> list[str]:
    """Why this worker cannot work for that driver; empty when it can.

    Args:
        terms: the driver's.
        path: a file that the driver has written in the folder of results, or above it.
        text: what is in it.
    """
    try:
        if path.read_text() != text:
            return [f"{path} is another file there"]
    except OSError as error:
        return [f"{path.parent} is not the same folder there ({error.strerror}); results need a folder that all share"]
    if not os.access(path.parent, os.W_OK):
        return [f"{path.parent} cannot be written there"]
    if not Path(terms.place).is_dir():
        return [f"the working folder {terms.place} is not there"]
    if terms.card["source"] != LOADED_DIGEST:
        return [*differences({"source": terms.card["source"]}, {"source": LOADED_DIGEST}), "restart the workers"]
    try:
        with _child(terms):
            return []
    except MachineDiffers as error:
        return [str(error)]


def serve_group(
    runs: Sequence[Run],
    settings: RunSettings,
    terms: Handshake,
    fatal_evaluations: dict[Path, FatalEvaluation] | None = None,
) -> list[RunReport]:
    """Have runs of one objective executed; those that have ended already are only reported.

    Args:
        runs: of one objective.
        settings: where, with an absolute folder.
        terms: what the driver expects.
        fatal_evaluations: evaluations to record as crashed.

    Raises:
        DriverGone: nobody waits any more.
    """
    ended = [run for run in runs if (settings.folder / run.path).exists()]
    reports = [recorded_report(run, settings.folder) for run in ended]
    pending = [run for run in runs if run not in ended]
    try:
        for run in [run for run in pending if run.path in (fatal_evaluations or {})]:
            pending.remove(run)
            errand = RunRequest(runs=(run,), settings=settings, fatal=(fatal_evaluations or {})[run.path])
            reports += _asked_alone(run, errand, terms)
        return reports + _executed(pending, settings, terms)
    except MachineDiffers as error:  # A worker that has come later than the others, or code that has changed meanwhile.
        problem = RunRefused(f"a worker is not like the driver: {error}")
        reported = {report.run.path for report in reports}
        return reports + [failure_report(run, problem) for run in runs if run.path not in reported]


def _executed(pending: list[Run], settings: RunSettings, terms: Handshake) -> list[RunReport]:
    """Execute runs side by side; those in flight at several deaths without getting on, alone."""
    reports: list[RunReport] = []
    deaths: Counter[tuple[Path, int]] = Counter()
    overdue: FatalEvaluation | None = None
    while pending:
        try:
            with _watched(pending, settings) as (noted, watchdog):
                try:
                    return reports + _asked(RunRequest(runs=tuple(pending), settings=noted, fatal=overdue), terms)
                finally:
                    overdue = None if watchdog is None else _timed_out(watchdog)
        except ChildDied:
            ended = [run for run in pending if (settings.folder / run.path).exists()]
            reports += [recorded_report(run, settings.folder) for run in ended]
            pending = [run for run in pending if run not in ended]
        for run in list(pending) if overdue is None else ():
            place = run.path, count_evaluations(settings.folder / run.path)
            deaths[place] += 1
            if deaths[place] >= DEATHS_BEFORE_ALONE:
                pending.remove(run)
                reports += _asked_alone(run, RunRequest(runs=(run,), settings=settings, aside=True), terms)
    return reports


@contextmanager
def _watched(runs: list[Run], settings: RunSettings) -> Iterator[tuple[RunSettings, Watchdog | None]]:
    """Conditions under which this machine's watchdog knows what is trained, where the suite limits its time."""
    if runs[0].timeout is None:
        yield settings, None
        return
    with Watchdog(print) as watchdog:
        yield replace(settings, notes=watchdog.notes), watchdog


def _asked_alone(run: Run, errand: RunRequest, terms: Handshake) -> list[RunReport]:
    try:
        return _asked(errand, terms)
    except ChildDied:
        return [failure_report(run, RuntimeError("the process that kept watch over it died"))]


def _timed_out(watchdog: Watchdog) -> FatalEvaluation | None:
    """What the watchdog killed a child for: runs under a limit train alone, so it is one evaluation at most."""
    found = [
        FatalEvaluation(index=o.index, reason=o.reason, seconds=o.seconds, state="timeout") for o in watchdog.found()
    ]
    return found[0] if found else None


def _asked(errand: RunRequest, terms: Handshake) -> list[RunReport]:
    with _child(terms) as child:
        return child.ask(errand)


@contextmanager
def _child(terms: Handshake) -> Iterator[Child]:
    """A child for one errand: an idle one, or a new one; it is kept for the next unless something went wrong."""
    child = _taken(terms)
    try:
        yield child
    except BaseException:
        child.end()
        raise
    with _hold:
        _idle.setdefault(terms.token, []).append(child)


def _taken(terms: Handshake) -> Child:
    with _hold:
        for token in [token for token in _idle if token != terms.token]:
            for old in _idle.pop(token):
                old.end()
        while _idle.get(terms.token):
            child = _idle[terms.token].pop()
            if child.process.poll() is None:
                return child
            child.end()
    child = _started(terms)
    try:
        child.compare()
    except BaseException:
        child.end()
        raise
    return child


def _started(terms: Handshake) -> Child:
    try:
        return _starter.submit(Child, terms).result()
    except OSError as error:
        raise MachineDiffers(f"a process for trials does not start there ({one_line(error)})") from error
