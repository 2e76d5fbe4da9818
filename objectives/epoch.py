"""The outcome of one epoch of training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Errors, measured seconds and divergence of one epoch of training.

    Attributes:
        valid_error: wrong / total on the validation set; what algorithms see.
        test_error: wrong / total on the test set; recorded, never shown to an algorithm.
        seconds: measured time of this epoch's training and validation (not of the test).
        diverged: weights are no longer finite; both errors are the chance error, and training ends.
    """

    valid_error: float
    test_error: float
    seconds: float
    diverged: bool = False
