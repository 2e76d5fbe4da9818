"""Objectives without a test set: validation errors count, test columns are empty, and the reader is told."""

import math

import pytest

from analysis.commands.closing_notes import notes
from analysis.figures import makers
from analysis.loading.results import load
from analysis.report.findings import findings
from analysis.study import Study
from benchmark.errors import BadInput

REPETITIONS = 6


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two algorithms on `plain`, which has no test set and where trials crash and diverge, and on `bowl`, which has."""
    from tests.analysis.conftest import PlantedSuite, evaluation

    suite = PlantedSuite(tmp_path_factory.mktemp("results"))
    suite.objective("plain")
    suite.algorithm("other")
    suite.set(repetitions=REPETITIONS, endpoint="test_error", control="random")
    for repetition in range(REPETITIONS):
        for algorithm, error in (("random", 0.4), ("other", 0.3)):
            error += 0.01 * repetition
            plain = [
                evaluation(0, 0.9, 0.9, 1.0, state="diverged", valid_curve=[0.9], test_curve=[0.9]),
                evaluation(1, None, None, 2.0),
                evaluation(2, error, None, 3.0, valid_curve=[0.8, error], test_curve=[None, None]),
            ]
            suite.run(plain, repetition, objective="plain", algorithm=algorithm)
            suite.run([(error, 0.5 - error, 1.0)], repetition, algorithm=algorithm)
    return Study(load(suite.folder), suite.folder)


def test_every_column_of_test_errors_is_empty(study):
    """Also of trials that diverged or crashed; the validation errors are as recorded."""
    trials = study.tables["trials"]
    mine = trials[trials["objective"] == "plain"]
    assert mine["test_error"].isna().all()
    assert mine["valid_error"].tolist()[:3] == [0.9, math.inf, 0.4]
    for table, column in (("runs", "final_test_error"), ("trajectory", "test_mean"), ("summary", "test_mean")):
        rows = study.tables[table]
        assert rows.loc[rows["objective"] == "plain", column].isna().all(), table
        assert rows.loc[rows["objective"] == "bowl", column].notna().all(), table


def test_algorithms_are_compared_by_the_validation_error_there_alone(study):
    """On `bowl` the endpoint stays the test error, by which the other algorithm wins."""
    pairs = study.tables["pairwise"].set_index("objective")
    assert pairs["endpoint"].to_dict() == {"bowl": "test_error", "plain": "valid_error"}
    assert pairs["mean_difference"].round(9).to_dict() == {"bowl": -0.1, "plain": 0.1}
    assert study.tables["ranks"].groupby("objective")["endpoint"].first().to_dict() == pairs["endpoint"].to_dict()
    statistics = study.tables["statistics"].set_index(["objective", "endpoint"])
    assert (statistics.loc[("plain", "test_error"), "n"] == 0).all()
    assert (statistics.loc[("plain", "valid_error"), "n"] == REPETITIONS).all()


def test_the_reader_is_told(study):
    """A note in the terminal and a sentence on the page, for that objective alone."""
    for told in (notes(study.results), [finding.whole for finding in findings(study)]):
        about = [line for line in told if "no test error is recorded" in line]
        assert len(about) == 1
        assert "plain: " in about[0]


def test_figures_show_a_single_panel(study):
    """There is no panel of test errors, and no figure of the gap between the two."""
    known = dict(makers(study))
    assert [len(known[f"anytime-{label}"]().axes) for label in ("plain", "bowl")] == [1, 2]
    assert known["gap-plain"]() is None
    assert known["curves-plain"]() is not None


@pytest.mark.parametrize(("state", "valid", "test"), [("error", None, 0.5), ("ok", None, None), ("ok", None, 0.5)])
def test_errors_that_do_not_go_with_the_state_are_refused(suite, planted_evaluation, state, valid, test):
    """A test error may be unknown beside a validation error, and nothing else may be missing."""
    suite.run([planted_evaluation(0, valid, test, 1.0, state=state)])
    with pytest.raises(BadInput, match="does not go with state"):
        load(suite.folder)
