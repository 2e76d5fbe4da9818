"""What every reader makes of another tool's recording: studies, their trials, and what the trials reported.

A reader is a module with two functions: `can_read(path) -> bool`, which says whether a file or folder is certainly
this tool's, and `read(path) -> list[ForeignStudy]`, in the order of the studies' names. It leaves unknown what the
tool does not record, and raises `BadInput` for what it cannot read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

TrialState = Literal["completed", "pruned", "failed", "running", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignMetric:
    """A metric of a study: its name, and whether it is minimised ("min") or maximised ("max")."""

    name: str
    goal: Literal["min", "max"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a trial reported after an epoch.

    Attributes:
        epoch: counted from 1; 1 where the tool knows no epochs.
        seconds: on the study's clock when it was reported. None: the tool did not record it; what was reported is
            then part of the learning curve that the trial's next timed report ends.
        values: by the name of the metric, in its own direction; NaN and infinities are allowed.
    """

    epoch: int
    seconds: float | None
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignTrial:
    """A trial of a study.

    Attributes:
        number: of the trial in its study.
        config: value by hyperparameter.
        start, end: readings of the study's clock; None where the tool did not record them. A trial without an end
            ends with its last timed report.
        reports: in the order of their epochs. Every timed one can be an incumbent when it was reported; so a reader
            gives times only to what the tool itself would let be its best.
        state: "failed": nothing came of it after what it reported. "pruned": what it reported is kept, and by the
            tool's own rule it is no candidate for the incumbent; a trial that a scheduler stopped, and whose reports
            the tool counts, is "completed". "running": it had not ended when the file was read. "unknown": the tool
            does not record how it ended, so that it counts by what it reported.
    """

    number: int
    config: Mapping[str, Any]
    start: float | None = None
    end: float | None = None
    reports: tuple[Report, ...]
    state: TrialState


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignStudy:
    """One run of another tool, or of an algorithm in it.

    Attributes:
        name: of the study; what `--group` is matched against.
        tool: which recorded it, as in `READERS`.
        version: of the tool; None where it is not recorded.
        algorithm: what the tool calls its method; None where it does not say.
        objective, repetition: what the recording itself says of them; None where it does not.
        metrics: the first is what incumbents are chosen by.
        space: an axis by hyperparameter, as `suite.json` writes it (kind, low, high, log, choices, when); None where
            the tool does not record one.
        seed: of the algorithm; None where it is not recorded.
        clock: in words, what `seconds` of reports and trials are.
        files: that were read, whose digests are recorded.
        notes: sentences on what was left out or could not be known.
    """

    name: str
    tool: str
    version: str | None = None
    algorithm: str | None = None
    objective: str | None = None
    repetition: str | None = None
    metrics: tuple[ForeignMetric, ...]
    space: Mapping[str, Mapping[str, Any]] | None = None
    seed: int | None = None
    clock: str
    trials: tuple[ForeignTrial, ...]
    files: tuple[Path, ...]
    notes: tuple[str, ...] = field(default=())
