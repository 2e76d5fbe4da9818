"""scikit-learn's models against its own cross-validation, and what the objective records besides."""

import warnings
from itertools import product

import numpy as np
import pytest
from sklearn import datasets
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from objectives.objective import Machine
from objectives.scikit.models import MODELS
from objectives.scikit.objective import DATA, SklearnModel, load_rows, score

pytestmark = pytest.mark.usefixtures("one_thread")


def train(objective, config, seed=1):
    (epoch,) = objective.train(config, np.random.SeedSequence(seed), Machine())
    return epoch


PAIRS = [pair for pair in product(MODELS, ["wine", "diabetes"]) if pair != ("svm", "diabetes")]
"""All but one: scikit-learn's copy of a support vector regressor draws from numpy's global generator."""


@pytest.mark.slow
@pytest.mark.parametrize(("model", "data"), PAIRS)
def test_equals_scikit_learns_own_cross_validation(model, data):
    """Validation is `cross_val_predict` over the same folds, the test a fit on all of them."""
    objective, rows = SklearnModel(model=model, data=data), load_rows(data)
    config = objective.space.sample(np.random.default_rng(3))
    number = int(np.random.SeedSequence(1).generate_state(1)[0] & 0x7FFFFFFF)
    estimator = objective.estimator.build(config, number)
    judge = accuracy_score if DATA[data] else r2_score

    epoch = train(objective, config)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        predicted = cross_val_predict(estimator, rows.x, rows.y, cv=PredefinedSplit(rows.folds))
        fitted = estimator.fit(rows.x, rows.y)
    name = objective.metrics[0].name
    assert epoch.metrics[name] == pytest.approx(judge(rows.y, predicted), abs=1e-12)
    assert epoch.test_metrics[name] == pytest.approx(judge(rows.test_y, fitted.predict(rows.test_x)), abs=1e-12)


@pytest.mark.parametrize("data", DATA)
def test_rows_are_divided(data):
    """Every row is there once; folds are of equal size and hold every class."""
    rows = load_rows(data)
    bunch = getattr(datasets, f"load_{data}")()
    together = np.concatenate([rows.x, rows.test_x])
    assert sorted(map(tuple, together)) == sorted(map(tuple, bunch.data))
    assert abs(len(rows.test_y) * 5 - len(bunch.target)) < 5
    sizes = np.bincount(rows.folds)
    assert sizes.max() - sizes.min() <= 1
    if DATA[data]:
        classes = set(bunch.target)
        assert all(set(rows.y[rows.folds != fold]) == classes for fold in range(5))
        assert rows.chance == pytest.approx(np.bincount(rows.y).max() / len(rows.y))


def test_the_seed_is_the_models():
    """Forests of two seeds differ, and one repeats itself."""
    objective = SklearnModel(model="random_forest", data="wine")
    config = dict.fromkeys(objective.space, 0.05) | {"max_depth": 5, "max_features": 0.5}
    accuracies = [train(objective, config, seed).metrics["accuracy"] for seed in (1, 1, 2, 3)]
    assert accuracies[0] == accuracies[1]
    assert len(set(accuracies)) > 1


def test_times_are_metrics_on_request():
    """Seconds of fitting and predicting are metrics that are measured; without the option there is one metric."""
    objective = SklearnModel(model="knn", data="iris", times=True)
    epoch = train(objective, {"n_neighbors": 3, "p": 2})
    assert [metric.name for metric in objective.metrics] == ["accuracy", "fit_seconds", "predict_seconds"]
    assert [metric.measured for metric in objective.metrics] == [False, True, True]
    assert 0 < epoch.metrics["fit_seconds"] < epoch.seconds
    assert list(epoch.test_metrics) == ["accuracy"]
    assert list(train(SklearnModel(model="knn", data="iris"), {"n_neighbors": 3, "p": 2}).metrics) == ["accuracy"]


def test_scores_by_hand():
    """Three of four right; and the mean of the truth as the answer leaves all of its variance."""
    assert score(np.array([1, 2, 3, 3]), np.array([1, 2, 3, 1]), classes=True) == 0.75
    truth = np.array([1.0, 2.0, 6.0])
    assert score(truth, np.full(3, 3.0), classes=False) == 0.0
    assert score(truth, np.array([1.0, 2.0, 5.0]), classes=False) == pytest.approx(1 - 1 / 14)


def test_bad_options():
    """Names are those of the documents."""
    for options in ({"model": "svc"}, {"data": "boston"}, {"times": 1}):
        with pytest.raises(ValueError, match=next(iter(options))):
            SklearnModel(**options)
