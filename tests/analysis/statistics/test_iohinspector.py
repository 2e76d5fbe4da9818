"""ERT, PAR-10 and anytime score against IOHinspector, where its definitions and ours are the same.

Its ERT and PAR-10 count one `eval_max` for every run without success, so all runs end there; its alignment
takes the last of tied evaluations, so only improvements are handed over. Its AOCC fills the stretch before
the first evaluation with the run's own worst value, so runs begin with an error that is worth nothing.
"""

from __future__ import annotations

import numpy as np
import pytest

from analysis.statistics.anytime import curve
from analysis.statistics.score import score
from analysis.statistics.targets import attempts, ert, par10

polars = pytest.importorskip("polars", reason="polars is not installed: make setup")
pytest.importorskip("iohinspector", reason="iohinspector is not installed: make setup")

TRIALS, RUNS = 40, 12


@pytest.fixture
def runs():
    """Runs of 40 trials whose first error is that of chance, 1."""
    rng = np.random.default_rng(0)
    t = np.arange(1.0, TRIALS + 1)
    errors = [np.append(1.0, rng.random(TRIALS - 1)) for _ in range(RUNS)]
    return [curve(t, error, error, carried=True) for error in errors]


def improvements(runs):
    """The runs as IOHinspector reads them."""
    rows = []
    for number, one in enumerate(runs):
        for place in np.flatnonzero(np.diff(one.valid, prepend=np.inf)):
            rows.append((number, "a", float(one.t[place]), float(one.valid[place]), 1.0 - float(one.valid[place])))
    names = ["data_id", "algorithm_name", "evaluations", "raw_y", "worth"]
    return polars.DataFrame(rows, schema=names, orient="row")


def test_expected_times_agree(runs):
    """ERT, PAR-10 and success rate are the same at 50 targets, some of them out of reach."""
    from iohinspector.metrics.fixed_target import aggregate_running_time

    theirs = aggregate_running_time(
        improvements(runs), free_vars=["algorithm_name"], f_min=1e-5, f_max=0.9, eval_max=TRIALS
    )
    assert len(theirs) == 50
    for row in theirs.to_dict("records"):
        ours = attempts(runs, row["raw_y"], "valid")
        assert ours.success.mean() == pytest.approx(row["success_ratio"])
        assert ert(ours) == pytest.approx(row["ERT"])
        assert par10(ours) == pytest.approx(row["PAR-10"])
    rates = theirs["success_ratio"]
    assert (rates.min(), rates.max()) == (0.0, 1.0)
    assert rates.nunique() > 5


def test_anytime_scores_agree(runs):
    """The mean of our scores is its AOCC of 1 - error."""
    from iohinspector.metrics.aocc import get_aocc

    theirs = get_aocc(improvements(runs), eval_max=TRIALS, fval_var="worth", free_vars=["algorithm_name"])
    ours = [score(one, best=0.0, chance=1.0, horizon=float(TRIALS)) for one in runs]
    assert np.mean(ours) == pytest.approx(theirs["AOCC"].item())


def test_before_the_first_evaluation_it_flatters(runs):
    """Runs that begin late with a good error are worth more there; here nothing is worth nothing."""
    from iohinspector.metrics.aocc import get_aocc

    late = [curve(one.t[20:], one.valid[20:], one.test[20:], carried=True) for one in runs]
    theirs = get_aocc(improvements(late), eval_max=TRIALS, fval_var="worth", free_vars=["algorithm_name"])
    ours = [score(one, best=0.0, chance=1.0, horizon=float(TRIALS)) for one in late]
    assert np.mean(ours) < theirs["AOCC"].item() - 0.1
