"""Turns the records of a run into what its algorithm learns, when they are written and when they are replayed."""

from __future__ import annotations

import math
from collections.abc import Mapping

from benchmark.storage.ledger_format import Record
from benchmark.tuning.tuner import Job, Outcome
from objectives.metric import Metric

REPLAYED = ("index", "trial", "config", "start_epoch", "start")
"""Fields that a resumed run must propose again exactly as recorded, besides `asked_epochs`."""


class ReplayMismatch(Exception):
    """A resumed run proposed something else than it had recorded."""


class RecordedOutcomes:
    """Reads the outcomes of a run's evaluations from their records, in order.

    Args:
        first: the metric that plain algorithms minimise, which is all that there is where records hold no metrics.
    """

    def __init__(self, first: Metric) -> None:
        self.first = first
        self.latest: dict[int, Mapping[str, float | None]] = {}

    def replay(self, job: Job, record: Record) -> Outcome:
        """Return the recorded outcome of a job.

        Raises:
            ReplayMismatch: something else was recorded than is proposed now.
        """
        proposed = {name: getattr(job, name) for name in REPLAYED} | {"asked_epochs": job.epochs}
        for name, value in proposed.items():
            if record[name] != value:
                raise ReplayMismatch(
                    f"evaluation {job.index}: {name} was recorded as {record[name]!r}, now {value!r} is proposed; "
                    "the algorithm does not repeat itself, or its code has changed"
                )
        return self.outcome(record)

    def outcome(self, record: Record) -> Outcome:
        """Return the outcome of the evaluation that is recorded next."""
        error = record["valid_error"]
        return Outcome(
            error=math.inf if error is None else error,
            epochs=record["epochs"],
            end=record["end"],
            state=record["state"],
            metrics=None if error is None else self._metrics(record),
        )

    def _metrics(self, record: Record) -> Mapping[str, float | None]:
        """Return the metrics at the last epoch, which an evaluation before it has trained where this one none."""
        curves = record.get("valid_metrics")
        if curves is None:
            return {self.first.name: self.first.from_error(record["valid_error"])}
        if any(curves.values()):
            self.latest[record["trial"]] = {name: curve[-1] for name, curve in curves.items()}
        return self.latest.get(record["trial"], {})
