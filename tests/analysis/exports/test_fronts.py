"""Exports of several metrics: what Optuna takes for best is our front, and papers have hypervolumes and trade-offs."""

from __future__ import annotations

import pytest

from analysis.exports import latex, markdown
from analysis.exports.paper import MOST_TRADE_OFFS, fronts
from analysis.study import Study
from tests.analysis.figures.planted_fronts import BYTES, GAIN, METRICS, SMALL, plant

pytestmark = pytest.mark.slow  # Each reads a suite and makes the statistics of what it exports.


@pytest.mark.parametrize("constraints", [(), SMALL])
def test_optunas_best_trials_are_the_front(suite, exported, constraints):
    """Of every run, by Optuna's own rule, under constraints too; values in each metric's own direction."""
    optuna = pytest.importorskip("optuna", reason="optuna is not installed: make setup")
    from tests.analysis.exports.test_optuna import studies

    front = plant(suite, METRICS[:2], recorded=[BYTES], constraints=constraints).tables["front"]
    _, folder = exported(suite.folder, "optuna")
    for name, study in studies(folder / "bowl.log").items():
        algorithm, repetition = name.split("/")
        mine = front[(front["algorithm"] == algorithm) & (front["repetition"] == int(repetition))]
        assert [direction.name for direction in study.directions] == ["MINIMIZE", "MAXIMIZE"]
        assert study.user_attrs["metrics"] == ["loss", "gain"]
        best = {tuple(trial.values) for trial in study.best_trials}
        assert best == set(mine[["valid:loss", "valid:gain"]].itertuples(index=False, name=None))
        assert all(trial.state == optuna.trial.TrialState.COMPLETE for trial in study.trials)


def test_optunas_best_trial_is_the_feasible_incumbent(suite, exported):
    """Of a single metric with constraints."""
    pytest.importorskip("optuna", reason="optuna is not installed: make setup")
    from tests.analysis.exports.test_optuna import studies

    runs = plant(suite, METRICS[:1], recorded=[BYTES], constraints=SMALL).tables["runs"]
    _, folder = exported(suite.folder, "optuna")
    read = studies(folder / "bowl.log")
    for row in runs.to_dict("records"):
        study = read[f"{row['algorithm']}/{row['repetition']:03d}"]
        feasible = [trial.value for trial in study.trials if max(trial.system_attrs["constraints"]) <= 0.0]
        assert min(feasible, default=float("inf")) == row["final_valid_error"]


def test_papers_have_hypervolumes_and_trade_offs(suite, tmp_path):
    """In LaTeX and in Markdown, with units and labels as text."""
    study = plant(suite, [METRICS[0], {**GAIN, "unit": "$_x^"}], names=("random", "lo_cal"))
    for module in (latex, markdown):
        module.write(study, tmp_path)
    [front] = fronts(study)
    tex = (tmp_path / "front-bowl.tex").read_text()
    assert tex.count(r" \\") == len(front.rows) + 1
    assert r"gain (higher is better) {[}\$\_x\textasciicircum{}]" in tex
    assert "Test hypervolume of the validation front" in (tmp_path / "hypervolume-results.tex").read_text()
    text = (tmp_path / "results.md").read_text()
    assert "## Hypervolume" in text
    assert text.count(r"lo\_cal |") >= sum(row[2] == "lo_cal" for row in front.rows)


def test_long_fronts_are_thinned_evenly(suite, monkeypatch):
    """Both ends stay, and the caption says so."""
    study = plant(suite, names=("random", "local", "third"))
    [whole] = fronts(study)
    assert 3 < len(whole.rows) < MOST_TRADE_OFFS
    monkeypatch.setattr("analysis.exports.paper.MOST_TRADE_OFFS", 3)
    [front] = fronts(study)
    assert len(front.rows) == 3
    assert (front.rows[0], front.rows[-1]) == (whole.rows[0], whole.rows[-1])
    assert f"3 of {len(whole.rows)}, evenly spaced" in front.caption


def test_a_suite_of_one_metric_has_no_such_files(varied, tmp_path):
    """LaTeX's are those of errors alone."""
    latex.write(Study(varied.results, varied.folder), tmp_path)
    assert sorted(path.name for path in tmp_path.glob("*.tex")) == ["net.tex", "results.tex"]
