"""Learning curves: every epoch of every trial once, read again from the ledgers."""

import pytest

from analysis.loading.results import load
from analysis.tables.curves import CURVES, curves_table
from benchmark.errors import BadInput


def table(suite, repetition=0):
    """The curves of a suite."""
    return curves_table(load(suite.folder), suite.folder, repetition)


def test_a_promoted_trial_is_one_curve(suite, planted_evaluation):
    """What was trained further continues where it was; the final incumbent is marked."""
    first = planted_evaluation(0, 0.5, 0.6, 1.0, valid_curve=[0.7, 0.5], test_curve=[0.8, 0.6])
    other = planted_evaluation(1, 0.4, 0.4, 2.0, valid_curve=[0.6, 0.4], test_curve=[0.6, 0.4])
    further = {"trial": 0, "start_epoch": 2, "epochs": 3, "valid_curve": [0.3], "test_curve": [0.35]}
    suite.run([first, other, planted_evaluation(2, 0.3, 0.35, 3.0, **further)])
    found = table(suite)
    assert tuple(found.columns) == CURVES
    assert found[["trial", "epoch"]].to_numpy().tolist() == [[0, 1], [0, 2], [0, 3], [1, 1], [1, 2]]
    assert found["valid_error"].tolist() == [0.7, 0.5, 0.3, 0.6, 0.4]
    assert found["test_error"].tolist() == [0.8, 0.6, 0.35, 0.6, 0.4]
    assert found["incumbent"].tolist() == [True, True, True, False, False]


def test_a_trial_trained_from_the_start_again_has_each_epoch_once(suite, planted_evaluation):
    """Without resuming the last training counts."""
    again = {"trial": 0, "epochs": 2, "valid_curve": [0.65, 0.4], "test_curve": [0.65, 0.4]}
    suite.run(
        [
            planted_evaluation(0, 0.6, 0.6, 1.0, epochs=1, valid_curve=[0.6], test_curve=[0.6]),
            planted_evaluation(1, 0.4, 0.4, 2.0, **again),
        ]
    )
    assert table(suite)["valid_error"].tolist() == [0.65, 0.4]


def test_crashed_trials_and_other_repetitions_have_no_rows(suite, planted_evaluation):
    """A crashed trial has no curve, nor has a ledger without any; one repetition is read."""
    suite.run([planted_evaluation(0, None, None, 1.0), planted_evaluation(1, 0.5, 0.5, 2.0)], 0, state="failed")
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, valid_curve=[0.5], test_curve=[0.5])], 1, state="partial")
    assert table(suite).empty
    assert table(suite, 1)["repetition"].tolist() == [1]


def test_the_incumbent_is_that_within_the_budget(suite, planted_evaluation):
    """A better trial that completes too late is not the incumbent."""
    suite.set(budget={"runtime": 1.5})
    curves = {"valid_curve": [0.5], "test_curve": [0.5]}
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, **curves), planted_evaluation(1, 0.1, 0.1, 2.0, **curves)])
    assert table(suite)["incumbent"].tolist() == [True, False]


@pytest.mark.parametrize("curve", ["no list", [0.5, "0.4"], [None], 3])
def test_a_curve_that_is_none_is_refused(suite, planted_evaluation, curve):
    """The message names the run, the field and the value."""
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, valid_curve=curve)])
    with pytest.raises(BadInput, match=r"bowl/random, repetition 0, index 0: valid_curve = .*: need a list of numbers"):
        table(suite)
