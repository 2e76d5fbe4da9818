"""Signals: a suite stops soon after one, with all finished evaluations stored and no process left behind."""

import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from benchmark.cli import signals
from benchmark.cli.main import main
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from objectives.objective import Machine
from tests import ROOT
from tests.benchmark.commands import wait_for_session_end
from tests.benchmark.fakes.stacked_toy import toy_prices

CODES = {signal.SIGHUP: 129, signal.SIGINT: 130, signal.SIGTERM: 143}
POINTS = int(os.environ.get("INCUMBENT_SIGNALS", "20"))
MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "start", "end", "crc")

ALONE = """
seed = 3
repetitions = 400
budget.trials = 5
algorithms.random.searcher = "random"
[objectives.hanging]
name = "tests.benchmark.fakes.hanging:Hanging"
pace = 0.02
{options}
"""

STACKED = """
seed = 3
repetitions = 400
clock = "modelled"
calibration = "prices.toml"
budget.evaluations = 30
algorithms.random.searcher = "random"
algorithms.halving = {{ scheduler = "successive_halving", searcher = "random" }}
[objectives.slots]
name = "tests.benchmark.fakes.stacked_toy:StackedToy"
choices = 100000
{options}
"""

KINDS = {"alone": ALONE, "stacked": STACKED}


def written(folder, kind, options=""):
    """Write a suite that would take minutes into a folder; returns the file."""
    (folder / "prices.toml").write_text(toy_prices())
    (folder / "tiny.toml").write_text(KINDS[kind].format(options=options))
    return folder / "tiny.toml"


def command(folder, jobs, *options):
    """The command line that runs the suite of a folder into the folder."""
    words = [sys.executable, "-m", "benchmark", "run", str(folder / "tiny.toml"), "--results", str(folder)]
    return [*words, "--jobs", str(jobs), "--device", "cpu", "--quiet", *options]


def started(folder, jobs, *options):
    """A driver in a session of its own."""
    return subprocess.Popen(
        command(folder, jobs, *options),
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # Ignored where the tests are a shell's job.
    )


def evaluations(folder):
    """How many evaluations the ledgers of a folder hold; what is torn does not count."""
    return sum(len(found) for found in recorded(folder).values())


def recorded(folder):
    """The evaluations that the ledgers of a folder hold in whole lines, without what is measured."""
    found = {}
    for path in folder.glob("runs/*/*/*.jsonl*"):
        try:
            lines = path.read_bytes().split(b"\n")[:-1]
        except FileNotFoundError:
            continue  # It has just got its final name.
        told = [record for record in map(json.loads, lines) if record["kind"] == "evaluation"]
        bare = [{key: value for key, value in record.items() if key not in MEASURED} for record in told]
        found[str(path.relative_to(folder)).removesuffix(".part")] = bare
    return found


def wait_until(true, driver, seconds=60):
    """Wait until something is true of a driver that is still there."""
    deadline = time.monotonic() + seconds
    while not true():
        assert driver.poll() is None, driver.communicate()[1]
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)


def ended(driver, folder):
    """How a driver that was asked to stop has ended: its code and what it said; nobody is left behind."""
    _, message = driver.communicate(timeout=signals.SECONDS_TO_STOP + 10)
    assert wait_for_session_end(driver.pid, seconds=2) == []
    for path in folder.glob("runs/*/*/*.jsonl"):
        read_ledger(path)
    return driver.returncode, message


FAST = [(signal.SIGHUP, 1, "alone")]
SLOW = [(signal.SIGTERM, 2, "stacked"), (signal.SIGINT, 2, "alone")]
WAYS = ("sleep", "locked", "stop")
CASES = [
    pytest.param(*case, marks=() if case in FAST else pytest.mark.slow if case in SLOW else pytest.mark.faults)
    for case in itertools.product(CODES, (1, 2), KINDS)
]


@pytest.mark.parametrize(("number", "jobs", "kind"), CASES)
def test_a_signal_stops_a_suite(tmp_path, number, jobs, kind):
    """The exit code is the signal's, one line says how to continue, and every evaluation seen before is stored."""
    written(tmp_path, kind)
    driver = started(tmp_path, jobs)
    wait_until(lambda: evaluations(tmp_path / "tiny") > 10, driver)
    before = recorded(tmp_path / "tiny")
    driver.send_signal(number)

    code, message = ended(driver, tmp_path / "tiny")

    assert code == CODES[number]
    [line] = message.splitlines()
    assert line.startswith("stopped; every finished evaluation is stored. To go on: ")
    assert "-m benchmark run " in line
    after = recorded(tmp_path / "tiny")
    assert all(after[name][: len(told)] == told for name, told in before.items())


@pytest.mark.faults
def test_a_suite_stopped_at_any_point_continues_to_the_records_of_an_unbroken_one(tmp_path):
    """One or two signals at random moments, to the driver or its group, leave the records of the unbroken run."""
    options = ("--set", "repetitions=6", "--set", "budget.evaluations=12", "--set", "objectives.slots.choices=10")
    rng = random.Random(POINTS)
    suite = suites.load(str(written(tmp_path, "stacked")), list(options[1::2]))
    Runner(suite, tmp_path / "unbroken", jobs=1, machine=Machine(), listener=Quiet()).run()
    codes = []
    for _ in range(POINTS):
        driver = started(tmp_path, rng.choice((1, 2)), *options)
        time.sleep(rng.uniform(0, 6))
        for _ in range(rng.choice((1, 2))):
            if driver.poll() is None:
                (os.killpg if rng.random() < 0.5 else os.kill)(driver.pid, rng.choice(list(CODES)))
            time.sleep(rng.uniform(0, 1))
        code, message = ended(driver, tmp_path / "tiny")
        loading = "Fatal Python error" in message  # With exit code 1, where Python's own start was interrupted.
        codes.append(-signal.SIGINT if loading else code)
        assert "Traceback" not in message or "import" in message
    assert main(command(tmp_path, 1, *options)[3:]) == 0

    assert recorded(tmp_path / "tiny") == recorded(tmp_path / "unbroken" / "tiny")
    assert set(codes) <= {0, 129, 130, 143, -1, -2, -15}  # Negative: while Python itself was still loading.


@pytest.mark.slow
def test_a_second_signal_ends_a_command_that_ignored_the_first(tmp_path):
    """A trial that catches the exception keeps the process alive; a second signal ends it with the first one's code."""
    written(tmp_path, "alone", f'how = "stubborn"\nlimit = 0.0\nmark = "{tmp_path}"')
    driver = started(tmp_path, 1)
    wait_until((tmp_path / str(driver.pid)).exists, driver)
    driver.send_signal(signal.SIGTERM)
    time.sleep(signals.ONE_REQUEST + 0.5)
    assert driver.poll() is None
    driver.send_signal(signal.SIGINT)

    code, message = ended(driver, tmp_path / "tiny")

    assert code == 143
    assert len(message.splitlines()) == 1
    assert "-m benchmark run " in message.partition("To go on: ")[2]


@pytest.mark.faults
@pytest.mark.parametrize("how", ["stubborn", "native"])
def test_a_trial_that_ignores_signals_is_ended_in_time(tmp_path, how):
    """One signal ends the process even where no handler can run, or where its exception is caught."""
    written(tmp_path, "alone", f'how = "{how}"\nlimit = 0.0\nmark = "{tmp_path}"')
    driver = started(tmp_path, 1)
    wait_until((tmp_path / str(driver.pid)).exists, driver)
    driver.send_signal(signal.SIGHUP)

    code, message = ended(driver, tmp_path / "tiny")

    assert code == 129
    assert len(message.splitlines()) == 1


@pytest.mark.faults
def test_workers_that_hang_do_not_delay_a_suite_that_stops(tmp_path):
    """Workers that hold the interpreter's lock, or are stopped, are killed when the suite stops."""
    for how in ("locked", "stop"):
        written(tmp_path, "alone", f'how = "{how}"\nlimit = 0.0\nmark = "{tmp_path}"')
        driver = started(tmp_path, 2, "--results", str(tmp_path / how))
        wait_until(lambda driver=driver: len(list(tmp_path.glob("[0-9]*"))) >= 2, driver)
        driver.send_signal(signal.SIGTERM)

        assert ended(driver, tmp_path / how / "tiny")[0] == 143
        for mark in tmp_path.glob("[0-9]*"):
            mark.unlink()


@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=getattr(pytest.mark, "faults" if how == "locked" else "slow")) for how in WAYS]
)
def test_no_worker_outlives_a_killed_driver(tmp_path, how):
    """Two seconds after the driver was killed its workers are gone, whatever they were doing."""
    written(tmp_path, "alone", f'how = "{how}"\nlimit = 0.0\nmark = "{tmp_path}"')
    driver = started(tmp_path, 2)
    wait_until(lambda: len(list(tmp_path.glob("[0-9]*"))) == 2, driver)
    driver.kill()
    driver.communicate()

    assert wait_for_session_end(driver.pid, seconds=2) == []


def test_a_signal_to_be_ignored_stays_ignored():
    """A signal that `nohup` ignores stays ignored; the others raise once, and their handlers are restored."""
    before = [signal.getsignal(number) for number in signals.STOPPING]
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.stoppable(lambda: "never said"):
            signal.raise_signal(signal.SIGHUP)
            with pytest.raises(signals.Stopped) as stop:
                signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, ignored)
    assert signals.exit_code(stop.value) == 143
    assert str(stop.value) == "SIGTERM"
    assert [signal.getsignal(number) for number in signals.STOPPING] == before


def test_a_signal_to_a_forked_child_stops_the_child_alone(monkeypatch):
    """A trial's `multiprocessing.Pool` ends its processes by SIGTERM; the command goes on, whatever thread forked."""
    ended = []
    monkeypatch.setattr(signals, "SECONDS_TO_STOP", 0.05)
    monkeypatch.setattr(signals, "_end_at_once", lambda *arguments: ended.append(arguments))
    statuses = []

    def fork_and_stop():
        child = os.fork()
        if child == 0:
            try:
                time.sleep(30)
            finally:
                os._exit(1)
        os.kill(child, signal.SIGTERM)
        statuses.append(os.waitpid(child, 0)[1])

    with signals.stoppable(str):
        fork_and_stop()
        thread = threading.Thread(target=fork_and_stop)
        thread.start()
        thread.join()
        time.sleep(0.1)
        assert signal.getsignal(signal.SIGTERM) is signals._stop
    assert [os.waitstatus_to_exitcode(status) for status in statuses] == [-signal.SIGTERM] * 2
    assert ended == []


def test_a_closed_terminal_changes_no_exit_code(tmp_path):
    """A message that cannot be written or flushed any more is not a second error."""
    program = (
        "import signal, sys; from benchmark.cli import main, suite_execution\n"
        "class Gone:\n"
        "    def write(self, text): raise OSError(5, 'Input/output error')\n"
        "    flush = lambda self: None\n"
        "def run(parsed, build_runner): signal.raise_signal(signal.SIGHUP)\n"
        "suite_execution._execute = run; sys.stderr = Gone()\n"
        "sys.exit(main.main(['run', 'smoke']))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False, timeout=60)

    assert done.returncode == 129
