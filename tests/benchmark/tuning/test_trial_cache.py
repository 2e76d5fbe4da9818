"""The trial cache: what is known of a trial answers every job on it, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.reproducibility.seeding import trial_seed
from benchmark.tuning.evaluation import evaluation_record
from benchmark.tuning.trainer import Trainer
from benchmark.tuning.trial_cache import TrialCache, find_ledgers
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy
from tests.benchmark.tuning.cached_trials import CONFIG, OBJECTIVE, epoch, job
from tests.benchmark.tuning.toy_suites import suite_of


def test_saved_states_are_dropped_and_nothing_else(tmp_path):
    """Stacks' left-overs go, in every repetition; what is known stays."""
    cache = TrialCache()
    runs = [run for run in suite_of(tmp_path).runs() if run.algorithm.label == "random"]
    trials = [cache.trial(run, {"x": x}) for run in runs for x in (1, 2)]
    for one in trials:
        one.saved_state = object()
        one.add_epoch(epoch(0.5))

    cache.drop_saved_states()

    assert [one.saved_state for one in trials] == [None] * 4
    assert [len(one.epochs) for one in trials] == [1] * 4
    assert cache.trials_of(0) == trials[:2]
    assert cache.trials_of(1) == trials[2:]
    assert cache.trials_of(7) == []


def test_a_cache_keeps_a_configuration_of_its_own(tmp_path):
    """A caller's dictionary may change afterwards."""
    run = next(suite_of(tmp_path).runs())
    config = {"x": 1}
    one = TrialCache().trial(run, config)

    config["x"] = 2

    assert one.config == {"x": 1}


def evaluation(curve, start=0, trial=0, state="ok", seconds=6.0, x=7):
    """A record of these errors."""
    return {
        "kind": "evaluation",
        "state": state,
        "trial": trial,
        "config": {"x": x},
        "start_epoch": start,
        "epochs": start + len(curve),
        "valid_curve": curve,
        "test_curve": [value / 2 for value in curve],
        "train_seconds": seconds,
    }


def test_a_longer_curve_is_added_and_a_shorter_one_is_not(tmp_path):
    """Promotions go on with their trial's curve; seconds are shared out, divergence is the last epoch's."""
    run, cache = next(suite_of(tmp_path).runs()), TrialCache()

    cache.add_records(
        run, [evaluation([0.5, 0.4]), evaluation([0.6], trial=1, x=8), evaluation([0.3], start=2, seconds=1.0)]
    )
    cache.add_records(run, [evaluation([0.9])])
    cache.add_records(run, [evaluation([0.8, 0.7], trial=1, x=9, state="diverged")])

    assert cache.trial(run, {"x": 7}).epochs == [epoch(0.5, seconds=3.0), epoch(0.4, seconds=3.0), epoch(0.3)]
    assert cache.trial(run, {"x": 8}).epochs == [epoch(0.6, seconds=6.0)]
    assert [one.diverged for one in cache.trial(run, {"x": 9}).epochs] == [False, True]


def test_a_curve_with_a_gap_is_not_added(tmp_path):
    """Where the evaluation that a promotion goes on from is missing, nothing is known of its epochs."""
    run, cache = next(suite_of(tmp_path).runs()), TrialCache()

    cache.add_records(run, [{"kind": "end"}, evaluation([0.3], start=2), evaluation([0.5, 0.4], trial=1, x=8)])

    assert cache.trial(run, {"x": 7}).epochs == []
    assert len(cache.trial(run, {"x": 8}).epochs) == 2


def test_a_trial_is_shared_by_algorithms_and_fidelities_only(tmp_path):
    """Objective, repetition and configuration name a trial, the order of hyperparameters does not."""
    cache = TrialCache()
    runs = {(run.algorithm.label, run.repetition): run for run in suite_of(tmp_path).runs()}
    one = cache.trial(runs["random", 0], {"x": 1, "y": 2.0})

    assert cache.trial(runs["local", 0], {"y": 2.0, "x": 1}) is one
    assert cache.trial(runs["random", 1], {"x": 1, "y": 2.0}) is not one
    assert cache.trial(runs["random", 0], {"x": 1, "y": -2.0}) is not one
    assert cache.trial(runs["random", 0], {"x": 1.0, "y": 2.0}) is not one
    assert one.seed.spawn_key == trial_seed(5, OBJECTIVE, 0, {"x": 1, "y": 2.0}).spawn_key


def test_a_dropped_repetition_is_gone(tmp_path):
    """Its trials are let go; others stay."""
    cache = TrialCache()
    zero, one = (next(run for run in suite_of(tmp_path).runs() if run.repetition == number) for number in (0, 1))
    trials = cache.trial(zero, CONFIG), cache.trial(one, CONFIG)

    cache.drop_repetition(0)
    cache.drop_repetition(0)

    assert cache.trial(zero, CONFIG) is not trials[0]
    assert cache.trial(one, CONFIG) is trials[1]


@given(
    epochs=st.integers(1, 8),
    resume=st.booleans(),
    asked=st.lists(st.integers(1, 8), min_size=1, max_size=6),
    diverging=st.none() | st.integers(1, 8),
    raising=st.none() | st.integers(1, 8),
    x=st.sampled_from([1, 3, 4]),
    keep=st.integers(0, 6),
)
def test_the_records_of_any_promotions_give_the_curve_back(epochs, resume, asked, diverging, raising, x, keep):
    """The cache learns from a run's evaluations, cut anywhere, exactly the epochs that they reached."""
    objective = StackedToy(epochs=8, diverging=diverging, raising=raising)
    run = next(suite_of(Path()).runs())
    seed = trial_seed(run.suite_seed, OBJECTIVE, run.repetition, {"x": x})
    records, start, reached = [], 0, 0
    alone = Trainer(objective, suite_seed=5, objective_name=OBJECTIVE, repetition=0, machine=Machine())
    for end in sorted(set(asked)):
        asking = job(end, start if resume else 0, {"x": x})
        training = alone.train(asking)
        records.append(evaluation_record(asking, training, 1.0, None))
        start = training.epochs
    records = records[:keep]
    reached = max([record["epochs"] for record in records if record["state"] != "error"], default=0)
    cache = TrialCache()

    cache.add_records(run, [{"kind": "header"}, *records, {"kind": "end"}])

    known = cache.trial(run, {"x": x})
    expected = []
    for number in range(1, reached + 1):
        expected.append(objective.epoch({"x": x}, seed, number))
    assert [(e.valid_error, e.test_error, e.diverged) for e in known.epochs] == [
        (e.valid_error, e.test_error, e.diverged) for e in expected
    ]
    assert sum(e.seconds for e in known.epochs) == pytest.approx(reached)
    assert (known.epochs_trained, known.saved_state, known.unpaid_seconds, known.problem) == (0, None, 0.0, None)


def test_crashed_evaluations_teach_nothing(tmp_path):
    """What killed a process is no result of the trial."""
    run = next(suite_of(tmp_path).runs())
    cache = TrialCache()

    for state in ("crashed", "error"):
        record = {"kind": "evaluation", "state": state, "trial": 0, "config": CONFIG, "start_epoch": 0, "epochs": 0}
        cache.add_records(run, [record])

    assert cache.trial(run, CONFIG).epochs == []


def test_only_ledgers_of_the_objective_and_repetition_are_read(tmp_path):
    """Finished, partial and failed ones, of any algorithm; not what was torn off, nor other repetitions."""
    run = next(run for run in suite_of(tmp_path).runs() if run.repetition == 1)
    wanted = ["toy/a/001.jsonl", "toy/b/001.jsonl.part", "toy/c/001.jsonl.failed"]
    others = ["toy/a/002.jsonl", "toy/a/0010.jsonl", "toy/b/001.jsonl.part.torn-1", "toy2/a/001.jsonl", "toy/001.jsonl"]
    for name in wanted + others:
        path = tmp_path / "runs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    assert find_ledgers(tmp_path, run) == [tmp_path / "runs" / name for name in wanted]
