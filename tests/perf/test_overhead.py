"""What the harness itself costs per trial, beside Optuna; run by `make perf`, never asserted.

Both sides run in one process, each round a whole run of 100 trials on the book's 2-d space with an
objective that costs nothing; divide by 100 for the cost of a trial.
"""

import statistics
import time

import numpy as np
import optuna
import pytest

from algorithms.schedulers.basic import BasicScheduler
from algorithms.searchers.local_search import LocalSearch
from algorithms.searchers.random_search import RandomSearch
from benchmark.storage.ledger import Ledger
from benchmark.suite.model import Budget
from benchmark.tuning.tuner import Outcome, TuningLoop
from objectives.classification.lenet import SPACE

TRIALS = 100


def drive(searcher):
    """Run TRIALS trials through the whole loop: suggest, check, bookkeeping, update."""
    loop = TuningLoop(BasicScheduler(searcher), check=SPACE.check, max_epochs=10, budget=Budget(trials=TRIALS)).run()
    job = next(loop)
    while True:
        try:
            job = loop.send(Outcome(error=job.config["learning_rate"], epochs=10, end=job.start + 1.0))
        except StopIteration:
            return job.index


def optuna_random():
    """Run TRIALS trials of Optuna's RandomSampler through ask and tell, in memory."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(TRIALS):
        trial = study.ask()
        rate = trial.suggest_float("learning_rate", 1e-2, 1, log=True)
        trial.suggest_int("batch_size", 32, 255)
        study.tell(trial, rate)
    return TRIALS


@pytest.fixture(autouse=True)
def _quiet_optuna():
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.mark.benchmark(group="100 trials, 2-d space")
def test_incumbent_random_search(benchmark):
    """Our random search through the whole tuning loop."""
    assert benchmark(lambda: drive(RandomSearch(SPACE, rng=np.random.default_rng(0)))) == TRIALS - 1


@pytest.mark.benchmark(group="100 trials, 2-d space")
def test_incumbent_local_search(benchmark):
    """Our local search through the whole tuning loop."""
    assert benchmark(lambda: drive(LocalSearch(SPACE, rng=np.random.default_rng(0)))) == TRIALS - 1


@pytest.mark.benchmark(group="100 trials, 2-d space")
def test_optuna_random_sampler(benchmark):
    """Optuna's RandomSampler, in memory, ask and tell."""
    assert benchmark(optuna_random) == TRIALS


def test_ratio_to_optuna(capsys):
    """Ours and Optuna's random search in interleaved rounds: medians and their ratio, printed."""
    sides = {
        "incumbent": lambda: drive(RandomSearch(SPACE, rng=np.random.default_rng(0))),
        "optuna": optuna_random,
    }
    seconds = {name: [] for name in sides}
    for _ in range(15):
        for name, side in sides.items():
            began = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - began)
    micro = {name: statistics.median(rounds[2:]) / TRIALS * 1e6 for name, rounds in seconds.items()}
    with capsys.disabled():
        print(
            f"\nper trial, interleaved medians: {micro['incumbent']:.1f} us here, {micro['optuna']:.1f} us in Optuna",
            end=" ",
        )
        print(f"{optuna.__version__} (RandomSampler, in memory): {micro['optuna'] / micro['incumbent']:.1f} x")


@pytest.mark.benchmark(group="one durable record")
def test_durable_record(benchmark, tmp_path):
    """One evaluation's line appended and fsynced."""
    record = {
        "kind": "evaluation", "index": 0, "trial": 0, "digest": "0" * 16,
        "config": {"learning_rate": 0.123456789, "batch_size": 128}, "start_epoch": 0, "epochs": 10,
        "asked_epochs": 10, "state": "ok", "valid_error": 0.1234, "test_error": 0.1234,
        "valid_curve": [0.123456] * 10, "test_curve": [0.123456] * 10,
        "train_seconds": 1.23456789, "decide_seconds": 1e-4, "start": 12.3456789, "end": 13.456789,
    }  # fmt: skip
    with Ledger(tmp_path / "000.jsonl") as ledger:
        benchmark(lambda: ledger.append(record))
    assert ledger.records[-1] == record
