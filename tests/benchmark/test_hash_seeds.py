"""Hash seeds and numbers of threads: they change no record, and a planted bug that lets them would show."""

import os
import subprocess
import sys

import pytest

from benchmark.storage.ledger_format import read_ledger
from tests import ROOT
from tests.benchmark.suite_machine import evaluations

TRAINING = """
seed = 7
repetitions = 2
budget.trials = 4
algorithms.random.searcher = "random"
[objectives]
softmax = { epochs = 2 }
lenet = { epochs = 2 }
dropout_mlp = { epochs = 2 }
"""

PROGRAM = """
import contextlib, sys
plant = sys.argv[1]
if plant == "set-order":
    from objectives.space import Space
    def sample(self, rng):
        drawn = {name: rng.random() for name in set(self._axes)}
        import numpy
        return self.decode(numpy.array([drawn[name] for name in self._axes]))
    Space.sample = sample
if plant == "unpinned":
    import torch
    from benchmark.batching import run_group
    from benchmark.tuning import execution
    unpinned = lambda device: contextlib.nullcontext()
    execution.deterministic_arithmetic = run_group.deterministic_arithmetic = unpinned
    torch.set_num_threads(int(sys.argv[2]))
    torch.set_num_threads = lambda count: None
from benchmark.cli.main import main
sys.exit(main(sys.argv[3:]))
"""


def trained(folder, plant, number):
    """What a process with this hash seed and this number of threads records, a bug planted or none."""
    folder.mkdir()
    (folder / "tiny.toml").write_text(TRAINING)
    words = ["run", str(folder / "tiny.toml"), "--results", str(folder), "--device", "cpu", "--jobs", "1", "--quiet"]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(number))
    program = [sys.executable, "-c", PROGRAM, plant, str(number), *words]
    subprocess.run(program, cwd=ROOT, env={**os.environ, **threads, "PYTHONHASHSEED": str(number)}, check=True)
    found = {
        p.relative_to(folder): evaluations(read_ledger(p).records) for p in sorted(folder.glob("tiny/runs/*/*/*.jsonl"))
    }
    return {
        name: [{key: value for key, value in record.items() if key not in ("start", "end")} for record in told]
        for name, told in found.items()
    }


@pytest.mark.faults
@pytest.mark.parametrize("bug", ["none", "set-order", "unpinned"])
def test_hash_seeds_and_threads_change_nothing_unless_a_bug_is_planted(tmp_path, bug):
    """Two processes record the same; iterating a set, or threads as the environment has them, would be seen."""
    one, two = (trained(tmp_path / str(number), bug, number) for number in (1, 2))

    assert len(one) == 6
    assert (one == two) == (bug == "none")
