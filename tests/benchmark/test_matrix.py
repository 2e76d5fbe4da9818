"""The matrix: one export from every backend and from merged shards, whole, or killed at any moment and resumed.

Real trainings, promotions among two simulated workers, and a closed form, under the modelled clock. The moments of
kills are drawn; `INCUMBENT_KILL_POINTS` says how many suites are killed for every cell, `INCUMBENT_KILLS_IN_A_ROW` how
often each is killed before it may come to its end.
"""

import os
import random
import signal
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import product
from pathlib import Path

import pytest
from joblib import parallel_config

from benchmark.backends import loky
from benchmark.cli.main import main
from tests.benchmark.commands import (
    count_lines,
    find_marked_processes,
    launch_module,
    run,
    start_suite,
    wait_for_lines,
    wait_for_success,
    whole_lines,
    write_suite,
)
from tests.benchmark.export import export

KILL_POINTS = range(int(os.environ.get("INCUMBENT_KILL_POINTS", "1")))
KILLS = int(os.environ.get("INCUMBENT_KILLS_IN_A_ROW", "1"))
TRIES = 5

SUITE = """
seed = 11
repetitions = 3
clock = "modelled"
calibration = "prices.toml"
budget.epochs = 12
objectives.softmax = { epochs = 4 }
objectives.lenet = { epochs = 4 }
objectives.branin = { noise = 1.0, epochs = 4 }
algorithms.random.searcher = "random"
algorithms.local.searcher = { name = "local", num_init_random = 1, probab_local = 0.9 }
algorithms.asha = { scheduler = { name = "asha", eta = 2 }, searcher = "random", n_workers = 2 }
"""
RUNS, LINES, SHARDS = 27, 204, 3

BACKENDS = {
    "one": ("--jobs", "1"),
    "loky": ("--jobs", "2"),
    "dask": ("--backend", "dask", "--jobs", "2"),
    "ray": ("--backend", "ray", "--jobs", "2"),
}
LIBRARY = {"dask": "distributed", "ray": "ray"}


def cells(*rows, quick=()):
    """Parameters of cells, each with the backends that it needs; the quickest are slow, the others faults."""
    return [pytest.param(*row, marks=marks(row, quick), id="-".join(row)) for row in rows]


def marks(row, quick):
    """Marks of a cell: most take long; clusters need their libraries, and all cores to themselves."""
    clusters = [name for name in row if name in LIBRARY]
    missing = [name for name in clusters if find_spec(LIBRARY[name]) is None]
    size = [pytest.mark.slow] if row in quick else [pytest.mark.faults]
    alone = [pytest.mark.clusters] if clusters else []
    return [*size, *alone, pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The export of the suite, run by this process from beginning to end."""
    folder = write_suite(tmp_path_factory.mktemp("whole"), SUITE)
    assert main(command(folder, *here())) == 0
    assert (len(whole_lines(folder)), count_lines(folder)) == (RUNS, LINES)
    return export(folder / "tiny")


def command(folder, *options):
    """Words that run a folder's suite into the folder."""
    return ["run", str(folder / "tiny.toml"), "--results", str(folder), "--device", "cpu", *options]


def here():
    """Options of a command that runs in this process."""
    return ("--jobs", "1", "--quiet")


def check(folder, whole):
    """Hold the export of a folder's suite against the unbroken one."""
    found = export(folder / "tiny")
    assert found.difference(whole) is None
    assert found.sha256 == whole.sha256


@dataclass(slots=True)
class BrokenOff:
    """A suite whose command is killed, once or again and again.

    Attributes:
        folder: the suite's file and results.
        commands: the processes that were killed; others that they had started may still be there.
        acknowledged: the whole lines of its ledgers when it was last killed.
    """

    folder: Path
    commands: list[subprocess.Popen] = field(default_factory=list)
    acknowledged: Mapping[str, bytes] = field(default_factory=dict)

    def kill(self, options, more, *, group):
        """Start its command, and kill it by kill -9 when its ledgers have so many lines more than before."""
        command = start_suite(self.folder, *options, INCUMBENT_MARK=str(self.folder))
        self.commands.append(command)
        wait_for_lines(command, self.folder, count_lines(self.folder) + more)
        before, self.acknowledged = self.acknowledged, whole_lines(self.folder)
        (os.killpg if group else os.kill)(command.pid, signal.SIGKILL)
        command.wait()
        assert kept(before, self.acknowledged)
        assert not group or find_marked_processes(self.folder) == []

    def runs(self):
        """How many of its runs are complete."""
        return len(list(self.folder.glob("tiny/runs/*/*/*.jsonl")))

    def resume(self, *options):
        """Run it to its end, at once, and give its folder; what was acknowledged is still there, no process is."""
        run(self.folder, *options)
        assert kept(self.acknowledged, whole_lines(self.folder))
        assert find_marked_processes(self.folder) == []
        for command in self.commands:
            command.communicate()
        return self.folder


def kept(before, after):
    """Whether all lines that ledgers had are in them still."""
    return all(after[name].startswith(data) for name, data in before.items())


def broken_off(place, options, rng, *, group, parts=1):
    """A suite, or one of several parts of it, killed when its ledgers have a drawn number of lines, and after more.

    They are at most the half in all: the last lines come within milliseconds, so that a kill would come too late.

    Args:
        place: below which the folder is made.
        options: of the command.
        rng: draws the numbers.
        group: whether what the command has started dies with it, or is left to notice by itself.
        parts: into how many the suite is split.
    """
    most = LINES // parts // 2 // KILLS
    for attempt in range(TRIES):
        suite = BrokenOff(write_suite(place / str(attempt), SUITE))
        while len(suite.commands) < KILLS and suite.runs() < RUNS // parts:
            suite.kill(options, rng.randint(1, most), group=group)
        if suite.runs() < RUNS // parts:
            return suite
        most = max(1, most // 2)
    return pytest.fail(f"{TRIES} commands had come to their end before they were killed")


# Backends, whole and killed.


@pytest.mark.parametrize("backend", cells(*((name,) for name in BACKENDS)))
def test_every_backend_gives_the_same_export(whole, tmp_path, backend):
    """One process of another hash seed, two of loky, two workers of Dask, two of Ray."""
    run(write_suite(tmp_path, SUITE), *BACKENDS[backend], PYTHONHASHSEED="77")

    check(tmp_path, whole)


@pytest.mark.parametrize("point", KILL_POINTS)
@pytest.mark.parametrize(
    ("backend", "killed"),
    cells(("one", "all"), *product(("loky", "dask", "ray"), ("all", "driver"))),
)
def test_killed_and_resumed_it_gives_the_same_export(whole, tmp_path, backend, killed, point):
    """Killed at drawn moments, alone or with all that it has started, the same command goes on at once."""
    rng = random.Random(f"{backend} {killed} {point}")

    suite = broken_off(tmp_path, BACKENDS[backend], rng, group=killed == "all")

    check(suite.resume(*BACKENDS[backend]), whole)


@pytest.mark.parametrize("point", KILL_POINTS)
@pytest.mark.parametrize(
    ("first", "second"),
    cells(("loky", "one"), ("dask", "loky"), ("ray", "one"), ("one", "ray"), ("loky", "dask"), ("dask", "ray")),
)
def test_another_backend_may_resume(whole, tmp_path, first, second, point):
    """Killed on one backend, a suite goes on at another."""
    rng = random.Random(f"{first} {second} {point}")

    suite = broken_off(tmp_path, BACKENDS[first], rng, group=rng.random() < 0.5)

    check(suite.resume(*BACKENDS[second]), whole)


# Shards, whole and killed.


@pytest.mark.parametrize("point", KILL_POINTS)
@pytest.mark.parametrize("how", cells(("whole",), ("killed",), quick=[("whole",)]))
def test_merged_shards_give_the_same_export(whole, tmp_path, how, point):
    """Three shards in folders of their own, one of them killed and resumed, merged in a drawn order."""
    rng = random.Random(f"shards {point}")
    victim = rng.randrange(SHARDS) if how == "killed" else None
    folders = []
    for number in range(SHARDS):
        place, share = tmp_path / f"shard{number}", ("--shard", f"{number + 1}/{SHARDS}")
        if number == victim:
            suite = broken_off(place, (*here(), *share), rng, group=True, parts=SHARDS)
            folders.append(suite.resume(*here(), *share))
        else:
            folder = write_suite(place, SUITE)
            assert main(command(folder, *here(), *share)) == 0
            folders.append(folder)
    rng.shuffle(folders)

    assert main(["merge", str(tmp_path / "merged"), *(str(folder / "tiny") for folder in folders)]) == 0

    check(tmp_path / "merged", whole)


# Jobs, threads and order. That two jobs, a shuffled order and eight threads, each alone, change nothing under both
# clocks is in test_runner; here they change together, on every backend.

JOBS, THREADS, ORDERS = ("1", "2", "4"), ("1", "8"), ("suite", "shuffled")


@pytest.mark.parametrize(
    ("backend", "jobs", "threads", "order"), cells(*product(("loky", "dask", "ray"), JOBS, THREADS, ORDERS))
)
def test_jobs_threads_and_order_change_nothing(whole, tmp_path, backend, jobs, threads, order):
    """Processes told to use one thread or eight, in the suite's order or another; one of loky is the command's own."""
    write_suite(tmp_path, SUITE)
    seed = f"{jobs}{threads}" if order == "shuffled" else "none"
    words = [str(tmp_path / "tiny.toml"), str(tmp_path), backend, jobs, seed]

    number = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), threads)
    # Else MKL would take no more threads than there are cores.
    told = wait_for_success(launch_module("tests.benchmark.fakes.shuffled_run", *words, **number, MKL_DYNAMIC="FALSE"))

    assert f"{threads} threads outside of trials" in told
    check(tmp_path, whole)


@pytest.mark.parametrize("jobs", [1, 2])
def test_trials_never_train_in_threads(monkeypatch, jobs):
    """Threads of one process share global states and thread pins: a caller who chose them for joblib is overruled."""
    where = lambda *_: [(os.getpid(), threading.current_thread() is threading.main_thread())]  # noqa: E731 (pickled)
    monkeypatch.setattr(loky, "execute_group", where)

    with parallel_config(backend="threading", n_jobs=4):
        found = list(loky.Loky(jobs).execute_groups(iter([([], None)] * 8), None))

    assert len(found) == 8
    assert all(alone for ((_, alone),) in found)
    assert (os.getpid() in {process for ((process, _),) in found}) == (jobs == 1)


def test_threads_are_not_offered(tmp_path, capsys):
    """`--backend threading` is refused, with what there is."""
    folder = write_suite(tmp_path, SUITE)

    assert main(command(folder, "--backend", "threading")) == 2

    assert "--backend = 'threading': not one of loky, dask, ray" in capsys.readouterr().err
    assert not (folder / "tiny").exists()
