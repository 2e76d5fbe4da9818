"""The outcome of one epoch of training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Errors, measured seconds and divergence of one epoch of training.

    Attributes:
        valid_error: wrong / total on the validation set; what algorithms see.
        test_error: wrong / total on the test set; recorded, never shown to an algorithm. None: there is no test
            set, or its error is not known.
        seconds: measured time of this epoch's training and validation (not of the test).
        diverged: weights are no longer finite; the errors are the chance error, and training ends.
    """

    valid_error: float
    test_error: float | None
    seconds: float
    diverged: bool = False
