"""The trial cache: what is known of a trial answers every job on it, and nothing else."""

import random
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.batching.run_group import execute_group
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.reproducibility.environment import describe_environment
from benchmark.reproducibility.seeding import trial_seed
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.suite import parsing as suites
from benchmark.tuning.evaluation import ImpureTrial, evaluation_record
from benchmark.tuning.execution import execute_run
from benchmark.tuning.run_settings import RunSettings
from benchmark.tuning.trainer import Trainer
from benchmark.tuning.trial_cache import CachedTrial, TrialCache, find_ledgers
from benchmark.tuning.tuner import Job
from objectives.epoch import Epoch
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy, invented_calibration

OBJECTIVE = "tests.benchmark.fakes.stacked_toy:StackedToy"
CONFIG = {"x": 7}
ALGORITHMS = {
    "random": {"searcher": "random"},
    "local": {"searcher": {"name": "local", "num_init_random": 1, "probab_local": 0.7}},
    "halving": {"scheduler": "successive_halving", "searcher": "random"},
}


def job(epochs, start_epoch=0, config=CONFIG, trial=0):
    """The job of training a trial to an epoch."""
    return Job(
        index=0,
        trial=trial,
        config=dict(config),
        suggestion=dict(config),
        start_epoch=start_epoch,
        epochs=epochs,
        start=0.0,
        decide_seconds=0.0,
    )


def epoch(value, *, diverged=False, seconds=1.0):
    """An epoch of this error."""
    return Epoch(valid_error=value, test_error=value / 2, seconds=seconds, diverged=diverged)


def trial(*epochs):
    """A trial that has gone through these epochs."""
    made = CachedTrial(config=dict(CONFIG), seed=trial_seed(0, OBJECTIVE, 0, CONFIG))
    for one in epochs:
        made.add_epoch(one)
    return made


def suite_of(folder, options=None, **changes):
    """A suite on the toy objective; its log is in the folder."""
    log = {"log": str(folder / "log")}
    table = {
        "seed": 5,
        "repetitions": 2,
        "clock": "modelled",
        "budget": {"trials": 5},
        "algorithms": ALGORITHMS,
        "objectives": {"toy": {"name": OBJECTIVE, **log, **(options or {})}},
        **changes,
    }
    return replace(suites.parse("toy", table), calibration=invented_calibration({OBJECTIVE: StackedToy()}))


def run(suite, results, **options):
    """Run a suite in this process's name and return its reports."""
    return Runner(suite, results, jobs=1, machine=Machine(), listener=Quiet(), **options).run()


def bare(folder):
    """Evaluations of all finished ledgers without what is measured."""
    dropped = ("train_seconds", "reported_seconds", "paid_seconds", "decide_seconds", "crc")
    return {
        path.relative_to(folder): [
            {name: value for name, value in record.items() if name not in dropped} for record in evaluations(path)
        ]
        for path in sorted(Path(folder).glob("runs/*/*/*.jsonl"))
    }


def evaluations(path):
    """The evaluations of a ledger."""
    return [record for record in read_ledger(path).records if record["kind"] == "evaluation"]


def paid(folder):
    """Seconds paid for training in a folder."""
    return sum(record["paid_seconds"] for path in folder.glob("runs/*/*/*.jsonl") for record in evaluations(path))


def trained(suite):
    """How often each epoch of each trial was trained, since the log was last removed."""
    log = Path(suite.objectives[0].part.options["log"])
    return Counter(log.read_text().splitlines()) if log.exists() else Counter()


# One trial.


@given(
    errors=st.lists(st.floats(0, 1), min_size=1, max_size=6),
    diverges=st.booleans(),
    cuts=st.lists(st.integers(1, 6), max_size=5),
)
def test_a_known_trial_answers_as_the_trainer_does(errors, diverges, cuts):
    """Whatever promotions are asked for, states, epochs and curves are those of a solo training."""
    epochs = [epoch(error) for error in errors]
    if diverges:
        epochs[-1] = Epoch(valid_error=0.9, test_error=0.9, seconds=1.0, diverged=True)

    class Known(StackedToy):
        TIMES_ITSELF = True

        def train(self, config, seed, machine):
            return iter(epochs)

    alone = Trainer(Known(epochs=6), suite_seed=0, objective_name="toy", repetition=0, machine=Machine())
    known, start = trial(*epochs), 0
    for end in sorted({cut for cut in cuts if diverges or cut <= len(errors)}):
        expected = alone.train(job(end, start))
        assert known.can_answer(end)
        found = known.answer(job(end, start))
        assert replace(found, paid_seconds=0.0) == replace(expected, paid_seconds=0.0)
        start = expected.epochs
    assert known.can_answer(len(errors) + 1) == diverges


def test_seconds_are_paid_once_and_charged_always():
    """The first answer pays for what was trained since the last, the next one pays nothing."""
    known = trial(epoch(0.5, seconds=2.0), epoch(0.4, seconds=3.0))

    first, second, third = (known.answer(job(epochs)) for epochs in (1, 2, 2))

    assert [training.paid_seconds for training in (first, second, third)] == [5.0, 0.0, 0.0]
    assert [training.train_seconds for training in (first, second, third)] == [2.0, 5.0, 5.0]


def test_a_problem_is_the_answer_to_what_is_not_known():
    """A trial that raised has no errors beyond its epochs, and keeps those that it had."""
    known = trial(epoch(0.5), epoch(0.4))
    known.problem = "ValueError: no"

    assert known.can_answer(9)
    lost = known.answer(job(4, start_epoch=2))
    assert (lost.state, lost.epochs, lost.valid_error, lost.valid_curve) == ("error", 2, None, [])
    assert lost.problem == "ValueError: no"
    kept = known.answer(job(2))
    assert (kept.state, kept.epochs, kept.valid_curve) == ("ok", 2, [0.5, 0.4])


@pytest.mark.parametrize(
    "other", [epoch(0.41), epoch(0.4, diverged=True), Epoch(valid_error=0.4, test_error=0.3, seconds=1.0)]
)
def test_rebuilding_must_repeat_every_epoch(other):
    """An epoch trained again may take longer; its errors and its end must be the same."""
    known = trial(epoch(0.5), epoch(0.4))
    known.epochs_trained = 0

    known.add_epoch(epoch(0.5, seconds=99.0))
    with pytest.raises(ImpureTrial, match=r"epoch 2 of \{'x': 7\}: recorded \(0\.4, 0\.2, False\), now"):
        known.add_epoch(other)

    assert len(known.epochs) == 2


def test_rebuilding_goes_on_beyond_what_is_known():
    """Known epochs are compared, later ones are added."""
    known = trial(epoch(0.5), epoch(0.4))
    known.epochs_trained = 0

    for value in (0.5, 0.4, 0.3):
        known.add_epoch(epoch(value))

    assert [one.valid_error for one in known.epochs] == [0.5, 0.4, 0.3]


def test_a_trial_that_came_out_otherwise_is_trusted_no_more():
    """The refusal says what was recorded, what came now and why that may be; every later job meets it again."""
    known = trial(epoch(0.5), epoch(0.4))
    known.epochs_trained = 0

    with pytest.raises(ImpureTrial) as refused:
        known.add_epoch(epoch(0.3))

    assert str(refused.value) == (
        "epoch 1 of {'x': 7}: recorded (0.5, 0.25, False), now (0.3, 0.15, False); "
        "its training does not repeat itself, or its code has changed"
    )
    assert known.ended
    assert known.can_answer(9)
    for epochs in (1, 9):
        with pytest.raises(ImpureTrial) as again:
            known.answer(job(epochs))
        assert again.value is refused.value


def test_a_trial_is_served_as_far_as_it_is_known():
    """Neither an unknown trial nor one in the middle has ended; a problem or divergence ends it."""
    assert not trial().ended
    assert not trial().can_answer(1)
    known = trial(epoch(0.5), epoch(0.4))
    assert [known.can_answer(epochs) for epochs in (1, 2, 3)] == [True, True, False]
    assert trial(epoch(0.5), epoch(0.9, diverged=True)).can_answer(3)
    known.problem = "ValueError: no"
    assert known.ended


def test_a_lost_training_is_paid_for_once():
    """What was trained before the problem is charged and paid with the answer that tells of it."""
    known = trial(epoch(0.5, seconds=2.0))
    known.problem = "ValueError: no"

    first, second = (known.answer(job(3, start_epoch=1)) for _ in range(2))

    assert [(lost.paid_seconds, lost.train_seconds) for lost in (first, second)] == [(2.0, 2.0), (0.0, 0.0)]
    assert (first.test_error, first.test_curve) == (None, [])


def test_an_answer_has_both_curves_of_what_was_asked():
    """Errors are those of the last epoch asked for, curves begin where the job does."""
    found = trial(epoch(0.5), epoch(0.4), epoch(0.3)).answer(job(2, start_epoch=1))

    assert (found.state, found.epochs, found.problem) == ("ok", 2, None)
    assert (found.valid_error, found.test_error) == (0.4, 0.2)
    assert (found.valid_curve, found.test_curve, found.train_seconds) == ([0.4], [0.2], 1.0)


# The cache.


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


# From one folder to another.


def test_known_results_are_reused_without_training(tmp_path):
    """Everything comes from the other folder: the same ledgers, no epoch trained, nothing paid."""
    suite = suite_of(tmp_path)
    run(suite, tmp_path / "first")
    assert paid(tmp_path / "first/toy") == sum(trained(suite).values()) > 0
    (tmp_path / "log").unlink()

    reports = run(suite, tmp_path / "second", reuse=tmp_path / "first/toy")

    assert {report.state for report in reports} == {"done"}
    assert bare(tmp_path / "second/toy") == bare(tmp_path / "first/toy")
    assert trained(suite) == Counter()
    assert paid(tmp_path / "second/toy") == 0


def test_what_the_other_folder_lacks_is_trained(tmp_path):
    """Another algorithm and a larger budget train what is missing, once; the results are those from nothing."""
    few = {label: ALGORITHMS[label] for label in ("random", "halving")}
    old = suite_of(tmp_path, budget={"trials": 2}, algorithms=few)
    new = suite_of(tmp_path, budget={"trials": 7})
    run(new, tmp_path / "unbroken")
    full = trained(new)
    (tmp_path / "log").unlink()
    run(old, tmp_path / "first")
    before = trained(old)
    (tmp_path / "log").unlink()

    run(new, tmp_path / "second", reuse=tmp_path / "first/toy")

    assert bare(tmp_path / "second/toy") == bare(tmp_path / "unbroken/toy")
    assert set(trained(new).values()) == {1}
    assert 0 < trained(new).total() < full.total()
    assert paid(tmp_path / "second/toy") == trained(new).total()
    rebuilt = before & trained(new)
    longest = {}
    for line in trained(new):
        x, number, key = line.split(" ", 2)
        longest[x, key] = max(longest.get((x, key), 0), int(number))
    for line in rebuilt:
        x, _, key = line.split(" ", 2)
        assert f"{x} {longest[x, key]} {key}" not in before, "trained again without going beyond"


def test_torn_and_failed_ledgers_of_the_other_folder_are_reused(tmp_path):
    """Whatever whole records are there serve, however the other suite ended."""
    suite = suite_of(tmp_path)
    run(suite, tmp_path / "first")
    rng = random.Random(1)
    for number, path in enumerate(sorted((tmp_path / "first/toy").glob("runs/*/*/*.jsonl"))):
        data = path.read_bytes()
        path.with_name(f"{path.name}.{['part', 'failed'][number % 2]}").write_bytes(data[: rng.randrange(len(data))])
        path.unlink()
    everything = trained(suite).total()
    (tmp_path / "log").unlink()

    reports = run(suite, tmp_path / "second", reuse=tmp_path / "first/toy")
    third = run(suite, tmp_path / "third")

    assert {report.state for report in reports + third} == {"done"}
    assert bare(tmp_path / "second/toy") == bare(tmp_path / "third/toy")
    assert paid(tmp_path / "second/toy") < everything


def rewritten(folder, change):
    """Write every ledger of a folder anew with another header, as it were recorded elsewhere."""
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        header, *records = read_ledger(path).records
        path.unlink()
        with Ledger(path) as ledger:
            ledger.append(change(header))
            for record in records[:-1]:
                ledger.append(record)
            ledger.complete(records[-1])


def other(part, **changes):
    """A function that changes a part of a header."""
    return lambda header: {**header, part: {**header[part], **changes}}


def refusals(suite, results, reuse):
    """Why results are not reused: refused as a whole, or by every single run."""
    try:
        reports = run(suite, results, reuse=reuse)
    except RunRefused as error:
        return [str(error)]
    assert {report.state for report in reports} == {"refused"}
    assert len(reports) == len(list(suite.runs()))
    return [report.problem for report in reports]


MISMATCHES = {
    "data": (other("data", toy="1" * 64), "data|toy was"),
    "arithmetic": (other("environment", arithmetic="tf32"), r"arithmetic was 'tf32' and is now 'reference'"),
    "device": (other("environment", device="other"), "device was 'other'"),
    "torch": (other("environment", torch="0.0.1"), r"torch was '0\.0\.1'"),
    "seed": (other("run", suite_seed=6), "suite_seed was 6 and is now 5"),
    "repetition": (other("run", repetition=9), "repetition was 9"),
}


@pytest.mark.parametrize("name", MISMATCHES)
def test_results_of_other_trials_are_refused(tmp_path, name):
    """Data, arithmetic, device, versions or seed that differ end the runs before anything is trained."""
    change, message = MISMATCHES[name]
    suite = suite_of(tmp_path)
    run(suite, tmp_path / "first")
    rewritten(tmp_path / "first/toy", change)
    (tmp_path / "log").unlink()

    problems = refusals(suite, tmp_path / "second", tmp_path / "first/toy")

    assert all(re.search(message, problem) for problem in problems)
    assert trained(suite) == Counter()
    assert bare(tmp_path / "second") == {}


def test_results_of_other_options_are_refused(tmp_path):
    """The same label with other options is another objective."""
    run(suite_of(tmp_path, {"choices": 9}), tmp_path / "first")
    (tmp_path / "log").unlink()
    suite = suite_of(tmp_path, {"choices": 10})

    problems = refusals(suite, tmp_path / "second", tmp_path / "first/toy")

    assert all("options.choices was 9 and is now 10" in problem for problem in problems)
    assert trained(suite) == Counter()


def test_other_algorithms_budgets_and_prices_are_no_mismatch(tmp_path):
    """What decides no bit of a trial may differ."""
    old = suite_of(tmp_path, budget={"trials": 4}, n_workers=3, resume=False, clock="measured")
    run(old, tmp_path / "first")
    (tmp_path / "log").unlink()
    new = suite_of(tmp_path, budget={"trials": 1}, algorithms={"own": ALGORITHMS["local"]})

    reports = run(new, tmp_path / "second", reuse=tmp_path / "first/toy")

    assert {report.state for report in reports} == {"done"}
    assert trained(new) == Counter()


def test_old_ledgers_of_the_same_folder_do_not_pass_for_this_suites(tmp_path):
    """An algorithm that is no longer in the suite was run with another seed: its trials are others."""
    old = suite_of(tmp_path, seed=4, algorithms={"old": ALGORITHMS["random"]})
    new = suite_of(tmp_path, seed=5, algorithms={"new": ALGORITHMS["random"]})
    run(new, tmp_path / "clean")
    run(old, tmp_path / "used")

    try:
        run(new, tmp_path / "used")
    except RunRefused:
        return  # To refuse is as good as to look away.

    found = bare(tmp_path / "used/toy")
    clean = bare(tmp_path / "clean/toy")
    assert {path: records for path, records in found.items() if path.parent.name == "new"} == clean


def test_a_run_by_itself_takes_the_trials_that_others_recorded(tmp_path):
    """A run added to a finished suite trains only what no other algorithm of its repetition has."""
    suite = suite_of(tmp_path)
    runs = [run for run in suite.runs() if run.repetition == 0]
    settings = RunSettings(folder=tmp_path / "toy", machine=Machine(), environment=describe_environment("cpu", 1))
    execute_group(runs[:-1], settings)
    before = trained(suite)

    execute_group(runs[-1:], settings)

    for line in trained(suite) - before:
        x, number, key = line.split(" ", 2)
        assert before[line] == 0 or any(
            before[f"{x} {later} {key}"] == 0 and trained(suite)[f"{x} {later} {key}"]
            for later in range(int(number), 5)
        )
    alone = RunSettings(folder=tmp_path / "alone", machine=Machine(), environment=describe_environment("cpu", 1))
    for one in runs:
        execute_run(one, alone)
    assert bare(tmp_path / "toy") == bare(tmp_path / "alone")
