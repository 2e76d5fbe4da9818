"""Memory that does not suffice, on a GPU, for a process, or for two side by side."""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cli.main import main
from tests import ROOT
from tests.benchmark.fakes.memory_hungry import MemoryHungry
from tests.benchmark.fakes.stacked_toy import invented_calibration
from tests.benchmark.fault_suites import command, evaluations

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.


# Memory.


MEMORY_HUNGRY = """
seed = 3
repetitions = 2
clock = "modelled"
calibration = "prices.toml"
budget.evaluations = 12
algorithms.random.searcher = "random"
algorithms.halving = {{ scheduler = "successive_halving", searcher = "random" }}
[objectives.greedy]
name = "tests.benchmark.fakes.memory_hungry:MemoryHungry"
choices = 30
{options}
"""


def run_memory_hungry(folder, options):
    """Run the greedy suite in a folder; returns its evaluations."""
    folder.mkdir()
    name = "tests.benchmark.fakes.memory_hungry:MemoryHungry"
    (folder / "prices.toml").write_text(invented_calibration({name: MemoryHungry()}).to_toml())
    (folder / "tiny.toml").write_text(MEMORY_HUNGRY.format(options=options))
    assert main(command(folder)) == 0
    return evaluations(folder)


@pytest.fixture(scope="module")
def roomy(tmp_path_factory):
    """The evaluations of the greedy suite where memory suffices."""
    return run_memory_hungry(tmp_path_factory.mktemp("memory") / "roomy", "")


@pytest.mark.parametrize(
    ("room", "halvings", "returned"),
    [
        (16, 0, "true"),
        (3, 3, "false"),
        (8, 1, "true"),
        (3, 3, "true"),
        (1, 4, "false"),
    ],
)
@pytest.mark.slow
def test_a_gpu_that_is_too_small_halves_the_stack_and_keeps_the_bits(roomy, tmp_path, capsys, room, halvings, returned):
    """The exception may be raised for all or returned for each; no trial is recorded as failed for it."""
    expected = roomy
    assert capsys.readouterr().err == ""

    assert run_memory_hungry(tmp_path / "small", f"room = {room}\nreturned = {returned}") == expected

    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        f"greedy: out of memory with {size} trials side by side, going on with {size // 2}; results do not change"
        for size in 2 * (16, 8, 4, 2)[:halvings]  # Each repetition is a task of its own.
    ]


@pytest.mark.parametrize("returned", ["true", "false"])
@pytest.mark.slow
def test_a_trial_that_fits_nowhere_is_recorded_as_error(roomy, tmp_path, capsys, returned):
    """Alone in the only slot, it fails for itself; all others have their results."""
    expected = roomy
    found = run_memory_hungry(tmp_path / "small", f"giant = 7\nreturned = {returned}")

    states = {"ok": 0, "error": 0}
    for name, told in found.items():
        for one, other in zip(told, expected[name], strict=False):
            if one["config"] != other["config"]:
                break  # The algorithm has learned of the failure, and goes another way.
            states[one["state"]] += 1
            assert (one["state"] == "error") == (one["config"]["x"] == 7)
            assert one["state"] == "ok" or "CUDA out of memory" in one["problem"]
            assert one["state"] == "error" or one == other
    assert min(states.values()) > 0
    assert "Traceback" not in capsys.readouterr().err


ADDRESS_SPACE = """
import resource, sys
from pathlib import Path
import torch, numpy, scipy.stats, sklearn  # What is loaded takes address space of its own.
from benchmark.cli import main
from benchmark.batching import run_group
from benchmark.driver import progress, runner
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 2**20 * int(sys.argv[1]),) * 2)
sys.exit(main.main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads the process's size from /proc")
def test_a_host_that_is_too_small_halves_the_stack_and_keeps_the_bits(roomy, tmp_path):
    """Under the operating system's limit on memory (RLIMIT_AS) fewer trials train side by side, to the same end."""
    expected = roomy
    here = tmp_path / "small"
    here.mkdir()
    name = "tests.benchmark.fakes.memory_hungry:MemoryHungry"
    (here / "prices.toml").write_text(invented_calibration({name: MemoryHungry()}).to_toml())
    (here / "tiny.toml").write_text(MEMORY_HUNGRY.format(options="megabytes = 100"))

    program = [sys.executable, "-c", ADDRESS_SPACE, "1000", *command(here)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stderr
    assert "out of memory with 16 trials side by side, going on with 8" in done.stderr
    assert evaluations(here) == expected


# Workers that the kernel kills for want of memory.


MEMORY_LIMITED = """
seed = 3
repetitions = {repetitions}
clock = "modelled"
budget.trials = 4
algorithms.random.searcher = "random"
[objectives.crowd]
name = "tests.benchmark.fakes.memory_limited:MemoryLimited"
folder = "{folder}"
most = {most}
"""


def run_memory_limited(folder, most, jobs, repetitions=6):
    """Run a suite whose trials need the room of others; its evaluations and what was said."""
    work = folder / "at-work"
    work.mkdir(parents=True)
    (folder / "tiny.toml").write_text(MEMORY_LIMITED.format(folder=work, most=most, repetitions=repetitions))
    words = [sys.executable, "-m", "benchmark", *command(folder, jobs)]
    words.remove("--quiet")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stderr
    return evaluations(folder), done.stderr


@pytest.mark.faults
def test_runs_that_memory_suffices_for_only_alone_end_as_they_should(tmp_path):
    """Two side by side are killed wherever they are; each in a process of its own, they leave the same records."""
    expected, _ = run_memory_limited(tmp_path / "roomy", most=2, jobs=1)

    found, said = run_memory_limited(tmp_path / "small", most=1, jobs=2)

    assert "the same command with fewer --jobs gives the same results" in said
    assert found == expected
    assert {record["state"] for told in found.values() for record in told} == {"ok"}
