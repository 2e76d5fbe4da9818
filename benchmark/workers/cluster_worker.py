"""Executes runs on a worker of a cluster, in child processes, so that the worker survives trials that kill theirs.

Neither Dask nor Ray may ever see a trial kill its worker: Dask trains the same trial four times and joblib then waits
for ever; Ray loses what else the worker had. Threads of one worker never share a process either, so trials keep their
own global states and thread pins however a cluster was started.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import Pipe
from pathlib import Path

from benchmark.errors import one_line
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Run
from benchmark.tuning.run_report import RunReport, failure_report, is_done, recorded_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers import worker_process
from benchmark.workers.cluster_child import RunRequest
from benchmark.workers.handshake import LOADED_DIGEST, Handshake, differences
from benchmark.workers.heartbeat import HeartbeatListener
from benchmark.workers.retry import DeathCounter
from benchmark.workers.watchdog import Watchdog, watch_trainings

SECONDS_BETWEEN_CHECKS = 0.25

SECONDS_TO_START = 120.0
"""For a child to load torch, from a file server that many load it from."""

START_CHILD = """
import json, sys
sys.path[:] = json.loads(sys.argv.pop())
from benchmark.workers.cluster_child import main
main()
"""
"""What a child's interpreter executes; `-m` would look for our modules in the current folder first."""

_idle: dict[str, list[Child]] = {}  # By token of the driver: another one may bring other code.
_idle_lock = threading.Lock()
# The kernel kills a child with the *thread* that started it, and a cluster's threads come and go.
_start_thread = ThreadPoolExecutor(max_workers=1)


class DriverGone(Exception):
    """The driver has ended, or another one has taken its folder, so that no report is waited for."""


class ChildDied(Exception):
    """A child process ended without an answer."""


class MachineDiffers(Exception):
    """A child differs from the driver in what decides results, or does not even start; the message says how."""


class Child:
    """A process that executes runs, and the pipe to it."""

    def __init__(self, handshake: Handshake) -> None:
        self.handshake = handshake
        self.connection, childs_end = Pipe()
        # The worker's own path of modules, then the driver's: the user's modules come after everything else.
        paths = list(dict.fromkeys([*map(os.path.abspath, sys.path), *handshake.module_folders]))
        arguments = [str(childs_end.fileno()), str(os.getpid()), json.dumps(paths)]
        self.process = subprocess.Popen(
            [sys.executable, "-c", START_CHILD, *arguments],
            cwd=handshake.working_folder,
            env={**os.environ, worker_process.SAFE_PATH: "1"},
            stdin=subprocess.DEVNULL,
            pass_fds=[childs_end.fileno()],
            start_new_session=True,
        )
        childs_end.close()

    def compare(self) -> None:
        """Compare the child with the driver.

        Raises:
            MachineDiffers: they differ, or the child does not start.
        """
        try:
            self._send((self.handshake.device, self.handshake.libraries, self.handshake.modules))
            if not self.connection.poll(SECONDS_TO_START):
                raise ChildDied
            problems = differences(self.handshake.description, self.connection.recv())
        except (ChildDied, EOFError, OSError) as error:
            raise MachineDiffers(
                "a process for trials does not start there; the workers' own output says why"
            ) from error
        if problems:
            raise MachineDiffers("; ".join(problems))

    def execute(self, request: RunRequest) -> list[RunReport]:
        """Execute the requested runs and return their reports.

        Raises:
            ChildDied: the process ended instead.
            DriverGone: no driver waits for the reports.
        """
        driver = HeartbeatListener(self.handshake.folder, self.handshake.label, self.handshake.token)
        self._send(request)
        try:
            while not self.connection.poll(SECONDS_BETWEEN_CHECKS):
                if not (driver.is_driver_alive() and _is_running(self.handshake.driver)):
                    raise DriverGone
                if self.process.poll() is not None and not self.connection.poll():
                    raise ChildDied
            reports: list[RunReport] = self.connection.recv()
        except (EOFError, OSError) as error:
            raise ChildDied from error
        return reports

    def _send(self, message: object) -> None:
        try:
            self.connection.send(message)
        except OSError as error:
            raise ChildDied from error

    def kill(self) -> None:
        """Kill the process and everything that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.connection.close()


def _is_running(process: int | None) -> bool:
    """Return whether a process of this machine is running; None, one on another machine, counts as running."""
    if process is None:
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def probe(handshake: Handshake, path: Path, text: str) -> list[str]:
    """Return the reasons why this worker cannot work for a driver; an empty list when it can.

    Args:
        handshake: what the driver expects.
        path: file that the driver has written in the folder of results, or above it.
        text: its content.
    """
    try:
        if path.read_text() != text:
            return [f"{path} is another file there"]
    except OSError as error:
        return [f"{path.parent} is not the same folder there ({error.strerror}); results need a folder that all share"]
    if not os.access(path.parent, os.W_OK):
        return [f"{path.parent} cannot be written there"]
    if not Path(handshake.working_folder).is_dir():
        return [f"the working folder {handshake.working_folder} is not there"]
    source = handshake.description["source"]
    if source != LOADED_DIGEST:
        return [*differences({"source": source}, {"source": LOADED_DIGEST}), "restart the workers"]
    try:
        with _borrow_child(handshake):
            return []
    except MachineDiffers as error:
        return [str(error)]


def serve_group(
    runs: Sequence[Run],
    settings: RunSettings,
    handshake: Handshake,
    fatal_evaluations: dict[Path, FatalEvaluation] | None = None,
) -> list[RunReport]:
    """Execute runs of one objective in child processes; those that have ended already are only reported.

    Args:
        runs: of one objective.
        settings: where and how, with an absolute folder.
        handshake: what the driver expects of this worker.
        fatal_evaluations: evaluations to record as crashed.

    Raises:
        DriverGone: no driver waits for the reports.
    """
    ended = [run for run in runs if is_done(run, settings.folder)]
    reports = [recorded_report(run, settings.folder) for run in ended]
    pending = [run for run in runs if run not in ended]
    try:
        for run in [run for run in pending if run.path in (fatal_evaluations or {})]:
            pending.remove(run)
            request = RunRequest(runs=(run,), settings=settings, fatal=(fatal_evaluations or {})[run.path])
            reports += _execute_single(run, request, handshake)
        return reports + _execute_pending(pending, settings, handshake)
    except MachineDiffers as error:  # A worker that has come later than the others, or code that has changed meanwhile.
        problem = RunRefused(f"a worker is not like the driver: {error}")
        reported = {report.run.path for report in reports}
        return reports + [failure_report(run, problem) for run in runs if run.path not in reported]


def _execute_pending(pending: list[Run], settings: RunSettings, handshake: Handshake) -> list[RunReport]:
    """Execute runs side by side; a run that was in flight at several deaths without progress is isolated."""
    reports: list[RunReport] = []
    deaths = DeathCounter(settings.folder)
    timed_out: FatalEvaluation | None = None
    while pending:
        try:
            with watch_trainings(settings, pending[0].timeout, print) as (watched, watchdog):
                try:
                    request = RunRequest(runs=tuple(pending), settings=watched, fatal=timed_out)
                    return reports + _execute(request, handshake)
                finally:
                    timed_out = _timed_out_evaluation(watchdog)
        except ChildDied:
            ended = [run for run in pending if is_done(run, settings.folder)]
            reports += [recorded_report(run, settings.folder) for run in ended]
            pending = [run for run in pending if run not in ended]
        if timed_out is None:  # Otherwise the watchdog knows which evaluation it was.
            deaths.count(run.path for run in pending)
            for run in [run for run in pending if deaths.needs_isolation(run.path)]:
                pending.remove(run)
                request = RunRequest(runs=(run,), settings=settings, isolated=True)
                reports += _execute_single(run, request, handshake)
                if settings.fail_fast and reports[-1].state != "done":
                    return reports
    return reports


def _execute_single(run: Run, request: RunRequest, handshake: Handshake) -> list[RunReport]:
    try:
        return _execute(request, handshake)
    except ChildDied:
        return [failure_report(run, RuntimeError("the process that supervised the run died"))]


def _timed_out_evaluation(watchdog: Watchdog | None) -> FatalEvaluation | None:
    """Return the evaluation for which the watchdog killed a child; a run under a time limit trains alone."""
    overdue = [] if watchdog is None else watchdog.pop_overdue()
    return overdue[0].as_fatal_evaluation() if overdue else None


def _execute(request: RunRequest, handshake: Handshake) -> list[RunReport]:
    with _borrow_child(handshake) as child:
        return child.execute(request)


@contextmanager
def _borrow_child(handshake: Handshake) -> Iterator[Child]:
    """Give an idle child or a new one for one request, and keep it for the next unless something went wrong."""
    child = _take_child(handshake)
    try:
        yield child
    except BaseException:
        child.kill()
        raise
    with _idle_lock:
        _idle.setdefault(handshake.token, []).append(child)


def _take_child(handshake: Handshake) -> Child:
    """Return an idle child of this driver, or a new one; children of other drivers are killed."""
    with _idle_lock:
        for token in [token for token in _idle if token != handshake.token]:
            for old in _idle.pop(token):
                old.kill()
        while _idle.get(handshake.token):
            child = _idle[handshake.token].pop()
            if child.process.poll() is None:
                return child
            child.kill()
    child = _start_child(handshake)
    try:
        child.compare()
    except BaseException:
        child.kill()
        raise
    return child


def _start_child(handshake: Handshake) -> Child:
    try:
        return _start_thread.submit(Child, handshake).result()
    except OSError as error:
        raise MachineDiffers(f"a process for trials does not start there ({one_line(error)})") from error
