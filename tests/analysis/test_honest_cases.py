"""Cases in which nothing, or little, can be said: every table and figure has a defined answer, with k of n shown."""

import math
import warnings

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.figures import draw
from analysis.loading.results import load
from analysis.study import Study


class Case:
    """A planted suite of two algorithms, and what its tables say."""

    def __init__(self, suite, repetitions=8):
        self.suite = suite
        suite.set(repetitions=repetitions, budget={"trials": 2})
        suite.algorithm("local")

    def runs(self, algorithm, errors, **changes):
        """Runs of two evaluations each; an error of None is a crash."""
        for repetition, error in enumerate(errors):
            evaluations = [(error, error, 1.0), (error, error, 2.0)]
            self.suite.run(evaluations, repetition, algorithm=algorithm, **changes)

    def study(self):
        """The study, with every table computed under the eyes of the warnings filter."""
        made = Study(load(self.suite.folder), self.suite.folder)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert all(made.tables[name] is not None for name in made.tables)
        return made

    def row(self, table, **where):
        """The only row of a table with these values."""
        frame = self.study().tables[table]
        for name, value in where.items():
            frame = frame[frame[name] == value]
        assert len(frame) == 1, f"{len(frame)} rows of {table} with {where}"
        return frame.iloc[0]


@pytest.fixture(autouse=True)
def few_forests(monkeypatch):
    """Two forests are enough where importances are computed and not judged."""
    monkeypatch.setattr("analysis.tables.importance.FORESTS", 2)


@pytest.fixture
def case(suite):
    """Eight repetitions of random and local, nothing run yet."""
    return Case(suite)


def rising(count=8):
    """Errors that differ from repetition to repetition."""
    return [0.2 + 0.01 * repetition for repetition in range(count)]


def test_a_single_algorithm_has_statistics_and_nobody_to_be_compared_with(suite):
    """Means with intervals are there; pairs, differences, claims and speed-ups are empty, not invented."""
    suite.set(repetitions=8, budget={"trials": 2})
    for repetition, error in enumerate(rising()):
        suite.run([(error, error, 1.0)], repetition)
    tables = Study(load(suite.folder), suite.folder).tables
    [row] = tables["statistics"].query("endpoint == 'test_error'").to_dict("records")
    assert row["mean"] == pytest.approx(0.235)
    assert row["mean_lo"] < 0.235 < row["mean_hi"]
    assert all(tables[name].empty for name in ("pairwise", "differences", "claims", "speedups"))
    assert tables["ranks"]["mean_rank"].tolist() == [1.0]


@pytest.mark.slow
def test_a_single_repetition_has_values_and_no_intervals(suite):
    """One pair shows a difference but no spread, no interval and no verdict."""
    case = Case(suite, repetitions=1)
    case.runs("random", [0.4])
    case.runs("local", [0.2])
    row = case.row("statistics", algorithm="random", endpoint="test_error")
    assert row["mean"] == 0.4
    assert np.isnan(row[["std", "mean_lo", "mean_hi", "iqm_lo", "median_lo"]].to_numpy(dtype=float)).all()
    pair = case.row("pairwise", a="random", b="local")
    assert (pair["n"], pair["mean_difference"], pair["verdict"]) == (1, 0.2, "no difference shown")
    assert pair["detectable_sd"] == math.inf
    assert case.study().tables["claims"].empty


@pytest.mark.slow
def test_all_tied_is_no_difference(case):
    """The same error everywhere: no spread, intervals without width, p = 1, ranks shared, no claim."""
    case.runs("random", [0.25] * 8)
    case.runs("local", [0.25] * 8)
    row = case.row("statistics", algorithm="local", endpoint="valid_error")
    assert row[["mean", "mean_lo", "mean_hi", "median", "iqm_lo", "iqm_hi"]].tolist() == [0.25] * 6
    assert row["std"] == 0.0
    pair = case.row("pairwise", a="random", b="local")
    assert pair[["mean_difference", "mean_difference_lo", "mean_difference_hi", "p"]].tolist() == [0.0, 0.0, 0.0, 1.0]
    assert (pair["p_better"], pair["verdict"]) == (0.5, "no difference shown")
    assert case.study().tables["ranks"]["mean_rank"].tolist() == [1.5, 1.5]
    assert case.study().tables["claims"].empty


@pytest.mark.slow
def test_all_diverged_is_as_bad_as_chance(case, planted_evaluation):
    """Diverged trials have the chance error: a score of 0, and every table counts them."""
    for repetition in range(8):
        case.suite.run([planted_evaluation(0, 0.9, 0.9, 1.0, state="diverged")], repetition)
    case.runs("local", rising())
    assert case.row("statistics", algorithm="random", endpoint="score")["mean"] == 0.0
    assert case.row("totals", algorithm="random")["n_diverged"] == 8
    assert case.row("pairwise", a="random", b="local")["verdict"] == "b better"


@pytest.mark.slow
def test_all_crashed_is_worse_than_anything(case):
    """Nothing but crashes: no mean, a median of infinity, the last rank, and a defined verdict."""
    case.runs("random", [None] * 8)
    case.runs("local", rising())
    row = case.row("statistics", algorithm="random", endpoint="test_error")
    assert (row["n"], row["median"]) == (8, math.inf)
    assert not np.isfinite(row["mean"])
    pair = case.row("pairwise", a="random", b="local")
    assert (pair["n"], pair["p_better"], pair["verdict"]) == (8, 0.0, "b better")
    assert case.row("ranks", algorithm="random")["mean_rank"] == 2.0
    assert len(case.study().tables["failures"]) == 16
    targets = case.study().tables["targets"]
    assert (
        targets[targets["algorithm"] == "random"].empty
        or (targets.loc[targets["algorithm"] == "random", "ert"] == math.inf).all()
    )


@pytest.mark.slow
def test_crashed_and_missing_runs_are_told_apart(case):
    """A failed run stays in n as the worst; partial and missing ones leave the pair out, and k of n is there."""
    case.runs("random", rising())
    case.runs("local", rising(4))
    case.suite.run([(0.1, 0.1, 1.0)], 4, algorithm="local", state="failed")
    case.suite.run([(0.1, 0.1, 1.0)], 5, algorithm="local", state="partial")
    row = case.row("statistics", algorithm="local", endpoint="test_error")
    assert row[["n", "n_planned", "n_failed"]].tolist() == [5, 8, 1]
    assert case.row("pairwise", a="random", b="local")["n"] == 5
    totals = case.row("totals", algorithm="local")
    assert totals[["n_runs", "n_missing", "n_partial", "n_failed"]].tolist() == [8, 2, 1, 1]
    states = case.study().tables["failures"].query("algorithm == 'local'")["state"]
    assert sorted(states) == ["failed", "missing", "missing", "partial"]


@pytest.mark.slow
def test_unequal_horizons_are_compared_where_both_are(case):
    """One algorithm stops three times as early: the difference ends with it, and its score is carried on."""
    for repetition, error in enumerate(rising()):
        case.suite.run([(error, error, 1.0), (error / 2, error / 2, 3.0)], repetition)
        case.suite.run([(error + 0.1, error, 0.5), (error, error, 1.0)], repetition, algorithm="local")
    differences = case.study().tables["differences"].query("axis == 'runtime' and error == 'valid'")
    assert differences["t"].tolist()[-1] == 1.0
    scores = case.study().tables["scores"]
    assert set(scores["horizon"]) == {2.0}
    assert scores["score"].between(0, 1).all()


def test_nothing_finished_yet_has_empty_answers(case, capsys):
    """Only partial runs: tables with n = 0, figures that say so, and a note; nothing is computed from half runs."""
    case.runs("random", [0.3], state="partial")
    row = case.row("statistics", algorithm="random", endpoint="test_error")
    assert row[["n", "n_planned"]].tolist() == [0, 8]
    assert np.isnan(row["mean"])
    assert case.row("pairwise", a="random", b="local")["n"] == 0
    assert main(["tables", case.suite.folder.name, "--results", str(case.suite.folder.parent)]) == 0
    out = capsys.readouterr().out
    assert "note: 1 of 16 runs partial (not finished)" in out
    assert "note: 15 of 16 runs missing (not begun)" in out


@pytest.mark.slow
@pytest.mark.parametrize("errors", [[None] * 8, rising(1)], ids=["crashed", "one"])
def test_every_figure_is_drawn(case, errors):
    """Against a complete algorithm, one that crashed, tied, finished or hardly began is drawn without a warning."""
    case.runs("random", rising())
    case.runs("local", errors)
    assert len(draw(case.study())) >= 24


def test_a_competitor_changes_only_what_depends_on_it(case):
    """Rows of others are the same to the bit with a third algorithm, but for Holm, verdicts and ranks."""
    rng = np.random.default_rng(4)
    case.runs("random", rng.uniform(0.3, 0.5, 8).tolist())
    case.runs("local", rng.uniform(0.2, 0.5, 8).tolist())
    before = {name: table.copy() for name, table in case.study().tables.items()}
    case.suite.algorithm("third")
    case.runs("third", rng.uniform(0.1, 0.5, 8).tolist())
    after = case.study().tables
    for name in ("trials", "runs", "trajectory", "summary", "statistics", "scores", "bands", "targets", "timeline"):
        kept = after[name][after[name]["algorithm"] != "third"].reset_index(drop=True)
        assert kept.to_csv() == before[name].reset_index(drop=True).to_csv(), name
    for name in ("pairwise", "differences", "claims", "speedups"):
        kept = after[name]
        for side in ("a", "b"):
            kept = kept[kept[side] != "third"]
        shared = [column for column in kept.columns if column not in ("p_holm", "verdict")]
        assert kept[shared].to_csv(index=False) == before[name][shared].to_csv(index=False), name
