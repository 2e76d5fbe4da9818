"""Replays the records of a resumed run, which must propose again exactly what it recorded."""

from __future__ import annotations

import math

from benchmark.storage.ledger_format import Record
from benchmark.tuning.tuner import Job, Outcome

REPLAYED = ("index", "trial", "config", "start_epoch", "start")
"""Fields that a resumed run must propose again exactly as recorded, besides `asked_epochs`."""


class ReplayMismatch(Exception):
    """A resumed run proposed something else than it had recorded."""


def replay_evaluation(job: Job, record: Record) -> Outcome:
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
    error = math.inf if record["valid_error"] is None else record["valid_error"]
    return Outcome(error=error, epochs=record["epochs"], end=record["end"], state=record["state"])
