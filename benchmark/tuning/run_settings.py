"""The settings under which runs are executed, and the evaluation that killed a run's process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.reproducibility.environment import SETTINGS_FIELD
from benchmark.reproducibility.process_state import describe_settings
from objectives.objective import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSettings:
    """Settings that the runs of one command have in common.

    Attributes:
        folder: the suite's results.
        machine: device and data folder.
        environment: versions and hardware for the headers.
        allow_mixed: continue runs that began in another environment, and mark them.
        capacity: slots of a stack; None leaves it to the objective. Results do not depend on it.
        reuse: a suite's results whose trials are taken instead of trained again.
        train: whether trials may be trained; otherwise a run that asks for one not recorded is refused.
        tables: folder of offline tables that answer instead of training.
        recycle: whether a table's repetitions may stand for others that it does not hold.
        fail_fast: stop a run, and those beside it, once an evaluation is recorded that came to no result.
        notes: the watchdog's folder, where trainings under a time limit leave their deadline.
    """

    folder: Path
    machine: Machine
    environment: dict[str, Any]
    allow_mixed: bool = False
    capacity: int | None = None
    reuse: Path | None = None
    train: bool = True
    tables: Path | None = None
    recycle: bool = False
    fail_fast: bool = False
    notes: Path | None = None

    def in_this_process(self) -> RunSettings:
        """Return them with the settings of the process that trains, which may differ from those of the driver."""
        settings = {SETTINGS_FIELD: describe_settings(self.machine.device)}
        return replace(self, environment={**self.environment, **settings})


@dataclass(frozen=True, slots=True, kw_only=True)
class FatalEvaluation:
    """The evaluation that killed its process, or for which it was killed, to be recorded instead of trained again."""

    index: int
    reason: str
    seconds: float
    state: str = "crashed"
