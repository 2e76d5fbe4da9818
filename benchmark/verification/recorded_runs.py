"""Reads a suite's recorded runs for an audit: their trials, whether their algorithms repeat them, on which machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any

from benchmark.backends.base import map_in_loky
from benchmark.batching.run_group import trains_side_by_side
from benchmark.construction.objective_factory import build_objective
from benchmark.construction.preparation import prepare_objective
from benchmark.driver.code_changes import describe_code
from benchmark.errors import BadInput
from benchmark.reproducibility.environment import (
    DECIDES_BITS,
    SETTINGS_FIELD,
    describe_environment,
    deterministic_arithmetic,
)
from benchmark.storage.ledger_format import (
    FORMAT,
    LedgerError,
    Record,
    evaluations_of,
    read_ledger,
)
from benchmark.storage.resume_check import FIELD, changed_sources, check_header
from benchmark.suite.model import Run, Suite
from benchmark.tuning.factory import library_versions
from benchmark.tuning.run_report import run_file
from benchmark.verification.replay_check import first_divergence
from benchmark.verification.sampling import RecordedTrial
from benchmark.verification.trial_comparison import Divergence
from objectives.objective import Machine, Objective

NOT_COMPARED = ("jobs", "route", "route_reason")
"""Fields of the machine card that no result depends on."""

NESTED = ("data.", f"{SETTINGS_FIELD}.")
"""How the names of differences begin that decide bits too."""

ABSENT_IS_NONE = ("switches",)
"""Fields that a ledger has only where there is something to record; a missing other one says nothing of the machine."""

WHOLE_NUMBERS = ("index", "trial", "start_epoch", "epochs", "asked_epochs")
NUMBERS = ("train_seconds", "decide_seconds")
PRESENT = ("digest", "start", "end", "valid_error", "test_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """A recorded run, replayed.

    Attributes:
        path: of its ledger in the suite's folder, as it is named there.
        state: "done", "partial" or "failed".
        evaluations: how many are recorded.
        data: checksums of the data that it was trained on.
        cards: of the machines that recorded it, the header's first.
        kinds: of its trials, by number; see `RecordedTrial`.
        divergence: where its algorithm does not repeat what is recorded.
    """

    run: Run
    path: str
    state: str
    evaluations: int
    data: Mapping[str, str]
    cards: tuple[Record, ...]
    kinds: Mapping[int, str]
    divergence: Divergence | None

    @property
    def cell(self) -> tuple[str, str, int]:
        """Objective, algorithm and repetition."""
        return self.run.objective.label, self.run.algorithm.label, self.run.repetition

    def trials(self) -> list[RecordedTrial]:
        """List the trials that can be trained again."""
        objective, algorithm, repetition = self.cell
        return [
            RecordedTrial(objective=objective, algorithm=algorithm, kind=kind, repetition=repetition, trial=trial)
            for trial, kind in self.kinds.items()
        ]


def recorded_fields(card: Record, current: Record) -> dict[str, tuple[Any, Any]]:
    """Pair the fields of a recorded machine card with those of this machine's, leaving out what is not recorded.

    A run on a table trains nothing, so that its card names no device; earlier versions recorded less; and sources that
    only one of two cards names are an earlier ledger's or a longer suite's.
    """
    names = {*card, *(name for name in ABSENT_IS_NONE if name in current)} - {
        SETTINGS_FIELD,
        *NOT_COMPARED,
        *(() if changed_sources(card, current) else (FIELD,)),
    }
    pairs = {name: (card.get(name), current.get(name)) for name in sorted(names)}
    before, now = (described.get(SETTINGS_FIELD) or {} for described in (card, current))
    shared = [name for name in before if name in now]
    return pairs | {f"{SETTINGS_FIELD}.{name}": (before[name], now[name]) for name in shared}


class CurrentMachine:
    """This machine, described as the ledgers' headers describe theirs."""

    def __init__(self, suite: Suite, objectives: Mapping[str, Objective], machine: Machine, labels: set[str]) -> None:
        self.objectives, self.machine = objectives, machine
        described = describe_environment(machine.device, 1) | describe_code(suite)
        self.card = {name: value for name, value in described.items() if name not in NOT_COMPARED}
        self.data = {label: prepare_objective(label, objectives[label], machine) for label in sorted(labels)}

    def describe(self) -> Record:
        return {"environment": self.card, "data": self.data, "precision": self.machine.precision}

    def differences(self, recorded: RecordedRun, card: Record) -> dict[str, dict[str, Any]]:
        """Return the fields of a recorded machine card that differ from this machine's."""
        label = recorded.run.objective.label
        objective = self.objectives[label]
        stacked = trains_side_by_side(recorded.run, objective)
        current = {**self.card, "arithmetic": objective.arithmetic(self.machine, stacked=stacked)}
        current["libraries"] = {**(card.get("libraries") or {}), **library_versions(recorded.run.algorithm)} or None
        pairs = recorded_fields(card, current)
        data = {**self.data[label], **objective.repetition_data(recorded.run.repetition)}
        pairs |= {f"data.{name}": (digest, data.get(name)) for name, digest in recorded.data.items()}
        return {
            name: {"recorded": old, "now": new, "decides_bits": name in DECIDES_BITS or name.startswith(NESTED)}
            for name, (old, new) in pairs.items()
            if old != new
        }


def read_recorded_runs(suite: Suite, folder: Path, jobs: int, device: str) -> list[RecordedRun]:
    """Read every recorded run and replay its algorithm against the record.

    Raises:
        BadInput: no trial is recorded.
        RunRefused: a ledger of another suite.
        LedgerError: a damaged ledger.
    """
    tasks = ((run, folder, device) for run in suite.runs())
    runs = [run for run in map_in_loky(_read_recorded_run, tasks, jobs, 2 * jobs, ordered=True) if run is not None]
    if not any(run.kinds for run in runs):
        raise BadInput(f"{folder}: nothing is recorded there; run the suite {suite.name} first")
    return runs


def _read_recorded_run(run: Run, folder: Path, device: str) -> RecordedRun | None:
    file = run_file(run, folder)
    if file is None:
        return None
    records = read_ledger(file.path).records
    if not records:
        return None
    header = records[0]
    check_header(header, header | {"run": run.identity()}, file.path, allow_mixed=True)
    evaluations = _checked_evaluations(records, file.path)
    kinds: dict[int, str] = {}
    for record in evaluations:
        promoted = record["trial"] in kinds and record["state"] == "ok"
        kinds[record["trial"]] = "promoted" if promoted else record["state"]
    with deterministic_arithmetic(device):
        divergence = first_divergence(run, build_objective(run.objective), records, file.state)
    return RecordedRun(
        run=run,
        path=file.path.relative_to(folder).as_posix(),
        state=file.state,
        evaluations=len(evaluations),
        data=header["data"],
        cards=tuple(record["environment"] for record in records if "environment" in record),
        kinds=kinds,
        divergence=divergence,
    )


def _checked_evaluations(records: list[Record], path: Path) -> list[Record]:
    """Return the evaluations among a ledger's records.

    Raises:
        LedgerError: one that no version has written, whatever its checksum says.
    """
    evaluations = evaluations_of(records)
    for index, record in enumerate(evaluations):
        if not _is_well_formed(record) or record["index"] != index:
            raise LedgerError(f"{path}: evaluation {index} is not as format {FORMAT} has it; restore the file")
    return evaluations


def _is_well_formed(record: Record) -> bool:
    return (
        all(type(record.get(name)) is int for name in WHOLE_NUMBERS)
        and 0 <= record["start_epoch"] <= record["epochs"] <= record["asked_epochs"]
        and isinstance(record.get("config"), dict)
        and isinstance(record.get("state"), str)
        and _is_curve(record.get("valid_curve"), (int, float, NoneType))
        and _is_curve(record.get("test_curve"), (int, float, NoneType))
        and len(record["valid_curve"]) == len(record["test_curve"])
        and all(type(record.get(name)) in (int, float) for name in NUMBERS)
        and all(name in record for name in PRESENT)
    )


def _is_curve(curve: object, kinds: tuple[type, ...]) -> bool:
    return isinstance(curve, list) and all(type(error) in kinds for error in curve)


def read_evaluations(
    trials: Iterable[RecordedTrial], runs: Iterable[RecordedRun], folder: Path
) -> dict[RecordedTrial, list[Record]]:
    """Read the evaluations of some trials; nothing else of a ledger stays in memory."""
    evaluations: dict[RecordedTrial, list[Record]] = {trial: [] for trial in trials}
    by_number = {
        (evaluation.objective, evaluation.algorithm, evaluation.repetition, evaluation.trial): evaluation
        for evaluation in evaluations
    }
    sampled = {name[:3] for name in by_number}
    for run in runs:
        for record in evaluations_of(read_ledger(folder / run.path).records) if run.cell in sampled else ():
            trial = by_number.get((*run.cell, record["trial"]))
            if trial is not None:
                evaluations[trial].append(record)
    return evaluations
