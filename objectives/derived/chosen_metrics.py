"""An objective with the metrics that a suite chooses of those which it has or offers."""

from __future__ import annotations

from dataclasses import dataclass

from objectives.derived.derived import Derived
from objectives.metric import Metric


@dataclass(frozen=True, kw_only=True)
class ChosenMetrics(Derived):
    """Records some metrics of an objective, the first one of its own first.

    Those that it offers besides follow from the configuration and the run's clock; no training knows them.

    Args:
        names: of the metrics, the objective's first one first.
    """

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        offered = [metric.name for metric in (*self.inner.metrics, *self.inner.offered_metrics)]
        unknown = next((name for name in self.names if name not in offered), None)
        if unknown is not None:
            raise ValueError(f"metrics: {unknown!r}: there are {', '.join(offered)}")
        if self.names[0] != offered[0]:
            raise ValueError(f"metrics: {self.names[0]!r} comes first: algorithms see {offered[0]!r}, so begin with it")

    @property
    def metrics(self) -> tuple[Metric, ...]:
        named = {metric.name: metric for metric in (*self.inner.metrics, *self.inner.offered_metrics)}
        return tuple(named[name] for name in self.names)
