"""The outcome of one epoch of training, and how a training ends without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

NOT_GIVEN = float("nan")
"""Stands for a number that an epoch was not given; only this very object does, another NaN is a value."""


class TrainingCrashed(Exception):
    """Raised where the process that trained a trial has ended; the trial is recorded as crashed."""


class TrainingTimedOut(Exception):
    """Raised where a training is given up for the time it takes; the trial is recorded as a timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Errors or metrics, seconds and divergence of one epoch of training.

    Attributes:
        valid_error: wrong / total on the validation set; what algorithms see. With `metrics` it is the first metric
            as something to minimise, which the harness computes.
        test_error: wrong / total on the test set; recorded, never shown to an algorithm. None: there is no test
            set, or its error is not known.
        seconds: time of this epoch's training and validation (not of the test). Of objectives that are not the
            harness's own it is what they report: the harness measures for itself, and charges what they report
            only where the suite's clock is tabulated. Leave it out where there is nothing to report.
        diverged: weights are no longer finite; the errors are the chance error, and training ends.
        metrics: validation metrics by name, in their own direction and unit; None as a value: not measured. None
            for an objective that declares no metrics.
        test_metrics: likewise of the test set; None: there are none.
        skipped: nothing was measured after this epoch, because training went on to a later one.
        reported_seconds: what the objective reports, where `seconds` are the harness's; the harness sets it.
    """

    valid_error: float = NOT_GIVEN
    test_error: float | None = None
    seconds: float = NOT_GIVEN
    diverged: bool = False
    metrics: Mapping[str, float | None] | None = None
    test_metrics: Mapping[str, float | None] | None = None
    reported_seconds: float | None = None
    skipped: bool = False

    def __post_init__(self) -> None:
        if self.valid_error is NOT_GIVEN and self.metrics is None and not (self.diverged or self.skipped):
            raise TypeError("Epoch: valid_error is missing; an objective that declares metrics gives metrics instead")

    def timed(self, seconds: float) -> Epoch:
        """The epoch with the seconds that the harness has measured; those that it came with are what it reports."""
        reported = self.reported_seconds if self.seconds is NOT_GIVEN else self.seconds
        return replace(self, seconds=seconds, reported_seconds=reported)
