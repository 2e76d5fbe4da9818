"""A model of scikit-learn, cross-validated on one of its data sets, as an objective."""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.objective import Machine, Objective
from objectives.scikit.models import MODELS, Model
from objectives.space import Config, Space

DATA: Mapping[str, bool] = {"digits": True, "breast_cancer": True, "wine": True, "diabetes": False, "iris": True}
"""The data sets, and whether they are of classes or of numbers."""

FOLDS = 5
TEST_SHARE = 5
"""One of so many rows is for the test."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """A data set in an order that follows from its content.

    Attributes:
        x, y: what is cross-validated.
        folds: (n,) number of the fold of each of these rows.
        test_x, test_y: the others.
        digest: SHA-256 of the whole set as it came.
        chance: score of always answering the most frequent class, or the mean.
    """

    x: np.ndarray
    y: np.ndarray
    folds: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    digest: str
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SklearnModel(Objective):
    """A model of scikit-learn on a data set that it brings along: 2 to 6 hyperparameters, cross-validated.

    The validation metric is that of five folds together, accuracy for classes and R2 for numbers; the test metric is
    that of the model trained on all five, on a fifth of the rows that no fold has. Rows and folds are fixed; the
    trial's seed is the model's. Every trial takes one second by declaration: no calibration is needed.

    Args:
        model: "svm", "random_forest", "gradient_boosting", "knn" or "logistic" (ridge regression for numbers).
        data: "digits", "breast_cancer", "wine", "diabetes" (numbers) or "iris".
        times: record the seconds of fitting all folds and of predicting them as metrics too; they are measured.

    Raises:
        ValueError: an option outside these.
    """

    TIMES_ITSELF: ClassVar[bool] = True

    model: str = "svm"
    data: str = "digits"
    times: bool = False

    def __post_init__(self) -> None:
        for field, value, allowed in (("model", self.model, MODELS), ("data", self.data, tuple(DATA))):
            if value not in allowed:
                raise ValueError(f"{field} = {value!r}: not one of {', '.join(allowed)}")
        if not isinstance(self.times, bool):
            raise ValueError(f"times = {self.times!r}: need true or false")

    @property
    def estimator(self) -> Model:
        return Model(name=self.model, classifies=DATA[self.data])

    @property
    def space(self) -> Space:
        return self.estimator.space

    @property
    def default(self) -> Config | None:
        return None

    @property
    def max_epochs(self) -> int:
        return 1

    @property
    def metrics(self) -> tuple[Metric, ...]:
        name = "accuracy" if DATA[self.data] else "r2"
        first = Metric(name, goal="max", best=1.0, chance=load_rows(self.data).chance)
        seconds = [Metric(f"{part}_seconds", unit="s", measured=True) for part in ("fit", "predict")]
        return (first, *seconds) if self.times else (first,)

    @property
    def chance_error(self) -> float | None:
        return self.metrics[0].chance_error

    @property
    def best_error(self) -> float | None:
        return self.metrics[0].best_error

    @property
    def nominal_seconds(self) -> float:
        return 1.0

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        rows = load_rows(self.data)
        number = int(seed.generate_state(1)[0] & 0x7FFFFFFF)
        name = self.metrics[0].name
        began = time.perf_counter()
        predicted = np.empty_like(rows.y)
        fit_seconds = predict_seconds = 0.0
        for fold in range(FOLDS):
            held_out = rows.folds == fold
            fitted, spent = self._fit(config, number, rows.x[~held_out], rows.y[~held_out])
            fit_seconds += spent
            started = time.perf_counter()
            predicted[held_out] = fitted.predict(rows.x[held_out])
            predict_seconds += time.perf_counter() - started
        valid = score(rows.y, predicted, classes=DATA[self.data])
        seconds = time.perf_counter() - began
        fitted, _ = self._fit(config, number, rows.x, rows.y)
        test = score(rows.test_y, fitted.predict(rows.test_x), classes=DATA[self.data])
        times = {"fit_seconds": fit_seconds, "predict_seconds": predict_seconds} if self.times else {}
        yield Epoch(metrics={name: valid, **times}, test_metrics={name: test}, seconds=seconds)

    def prepare(self, machine: Machine) -> dict[str, str]:
        """Load the data and fit a model once; return the digest of the data."""
        rows = load_rows(self.data)
        config = self.space.sample(np.random.default_rng(0))
        self._fit(config, 0, rows.x, rows.y)
        return {self.data: rows.digest}

    def _fit(self, config: Config, seed: int, x: np.ndarray, y: np.ndarray) -> tuple[Any, float]:
        """Fit a model; return it with the seconds. One that has not converged is as good as it is."""
        model = self.estimator.build(config, seed)
        began = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(x, y)
        return model, time.perf_counter() - began


def score(truth: np.ndarray, predicted: np.ndarray, *, classes: bool) -> float:
    """Return the share of right answers, or R2: one less the share of the variance that is left."""
    if classes:
        return float(np.count_nonzero(truth == predicted) / len(truth))
    return float(1 - np.sum((truth - predicted) ** 2) / np.sum((truth - truth.mean()) ** 2))


@cache
def load_rows(name: str) -> Rows:
    """Load a data set and divide it: every fifth row of an order by hash is for the test, folds go round the rest.

    The hash is of the row's number, so that no generator's stream is involved which a library could change.
    """
    from sklearn import datasets

    bunch = getattr(datasets, f"load_{name}")()
    x, y = np.ascontiguousarray(bunch.data, dtype=np.float64), np.ascontiguousarray(bunch.target)
    order = np.array(sorted(range(len(y)), key=lambda i: hashlib.sha256(f"{name}/{i}".encode()).digest()))
    x, y, place = x[order], y[order], np.arange(len(y))
    test = place % TEST_SHARE == 0
    counts = np.unique(y[~test], return_counts=True)[1]
    return Rows(
        x=x[~test],
        y=y[~test],
        folds=np.arange(np.count_nonzero(~test)) % FOLDS,
        test_x=x[test],
        test_y=y[test],
        digest=hashlib.sha256(bunch.data.tobytes() + bunch.target.tobytes()).hexdigest(),
        chance=float(counts.max() / counts.sum()) if DATA[name] else 0.0,
    )
