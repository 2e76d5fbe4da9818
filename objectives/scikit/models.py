"""The models and their spaces: those of Bayesmark (Turner et al., 2021) as far as it has them.

Differs from Bayesmark: the forest's fractions are uniform instead of logit-uniform; gradient boosting is ours
(Bayesmark has AdaBoost); logistic regression is one classifier for each class, and ridge regression on numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scipy import stats

from objectives.space import Categorical, Config, Integer, Space

MODELS = ("svm", "random_forest", "gradient_boosting", "knn", "logistic")

KNN = {"n_neighbors": Integer(1, 25), "p": Integer(1, 4)}
SVM = {"C": stats.loguniform(1, 1e3), "gamma": stats.loguniform(1e-4, 1e-3), "tol": stats.loguniform(1e-5, 1e-1)}
FOREST = {
    "max_depth": Integer(1, 15),
    "max_features": stats.uniform(0.01, 0.98),
    "min_samples_split": stats.uniform(0.01, 0.98),
    "min_samples_leaf": stats.uniform(0.01, 0.48),
    "min_weight_fraction_leaf": stats.uniform(0.01, 0.48),
    "min_impurity_decrease": stats.uniform(0, 0.5),
}
BOOSTING = {
    "n_estimators": Integer(10, 50, log=True),
    "learning_rate": stats.loguniform(1e-3, 1),
    "max_depth": Integer(1, 4),
    "subsample": stats.uniform(0.5, 0.5),
}
LOGISTIC = {"C": stats.loguniform(1e-2, 1e2), "intercept_scaling": stats.loguniform(1e-2, 1e2)}
RIDGE = {"alpha": stats.loguniform(1e-2, 1e2), "fit_intercept": Categorical([True, False])}

SPACES: Mapping[str, tuple[Space, Space]] = {
    "svm": (Space(SVM), Space(SVM)),
    "random_forest": (Space(FOREST), Space(FOREST)),
    "gradient_boosting": (Space(BOOSTING), Space(BOOSTING)),
    "knn": (Space(KNN), Space(KNN)),
    "logistic": (Space(LOGISTIC), Space(RIDGE)),
}
"""The spaces of each model as a classifier and as a regressor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model to build: as a classifier, or as a regressor of numbers."""

    name: str
    classifies: bool

    @property
    def space(self) -> Space:
        return SPACES[self.name][0 if self.classifies else 1]

    def build(self, config: Config, seed: int) -> Any:
        """Return the estimator of a configuration, untrained; it computes in one thread."""
        return BUILDERS[self.name, self.classifies](dict(config), seed)


def _svm(classifies: bool) -> Callable[[dict[str, Any], int], Any]:
    def build(config: dict[str, Any], seed: int) -> Any:
        from sklearn.svm import SVC, SVR

        model = (SVC if classifies else SVR)(**config)
        model.random_state = seed  # SVR takes none, and would draw one from numpy's global generator.
        return model

    return build


def _forest(classifies: bool) -> Callable[[dict[str, Any], int], Any]:
    def build(config: dict[str, Any], seed: int) -> Any:
        from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

        kind = RandomForestClassifier if classifies else RandomForestRegressor
        return kind(n_estimators=10, **config, random_state=seed, n_jobs=1)

    return build


def _boosting(classifies: bool) -> Callable[[dict[str, Any], int], Any]:
    def build(config: dict[str, Any], seed: int) -> Any:
        from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor

        kind = GradientBoostingClassifier if classifies else GradientBoostingRegressor
        return kind(**config, random_state=seed)

    return build


def _knn(classifies: bool) -> Callable[[dict[str, Any], int], Any]:
    def build(config: dict[str, Any], seed: int) -> Any:
        from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

        return (KNeighborsClassifier if classifies else KNeighborsRegressor)(**config, n_jobs=1)

    return build


def _logistic(classifies: bool) -> Callable[[dict[str, Any], int], Any]:
    def build(config: dict[str, Any], seed: int) -> Any:
        from sklearn.linear_model import LogisticRegression, Ridge
        from sklearn.multiclass import OneVsRestClassifier

        if not classifies:
            return Ridge(**config)
        return OneVsRestClassifier(LogisticRegression(**config, solver="liblinear", random_state=seed), n_jobs=1)

    return build


BUILDERS: Mapping[tuple[str, bool], Callable[[dict[str, Any], int], Any]] = {
    (name, classifies): make(classifies)
    for name, make in (
        ("svm", _svm),
        ("random_forest", _forest),
        ("gradient_boosting", _boosting),
        ("knn", _knn),
        ("logistic", _logistic),
    )
    for classifies in (True, False)
}
