"""Looks a suite's records over for an audit: what runs hold, whether algorithms repeat it, on what machine."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.backends.base import map_in_loky
from benchmark.batching.run_group import trains_side_by_side
from benchmark.driver.code_changes import source_card
from benchmark.errors import BadInput
from benchmark.reproducibility.environment import DECIDES_BITS, describe_environment, deterministic_arithmetic
from benchmark.storage.ledger_format import (
    FORMAT,
    LedgerError,
    Record,
    evaluations_of,
    failed_path,
    partial_path,
    read_ledger,
)
from benchmark.storage.resume_check import FIELD, changed_sources, check_header
from benchmark.suite.model import Run, Suite
from benchmark.tuning.factory import build_objective, library_versions
from benchmark.tuning.preparation import prepare_objective
from benchmark.verification.replay_check import first_divergence
from benchmark.verification.sampling import RecordedTrial
from benchmark.verification.trial_comparison import Divergence
from objectives.objective import Machine, Objective

NO_MATTER = ("jobs", "route")
"""Fields of the machine card that no result depends on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedRun:
    """A recorded run, replayed.

    Attributes:
        path: of its ledger in the suite's folder, as it is named there.
        state: "done", "partial" or "failed".
        cards: of the machines that recorded it, the header's first.
        kinds: of its trials, by number; see `Drawable`.
    """

    run: Run
    path: str
    state: str
    evaluations: int
    data: Mapping[str, str]
    cards: tuple[Record, ...]
    kinds: Mapping[int, str]
    divergence: Divergence | None


class CurrentMachine:
    """This machine, as the ledgers' headers tell theirs."""

    def __init__(self, suite: Suite, objectives: Mapping[str, Objective], machine: Machine, labels: set[str]) -> None:
        self.objectives, self.machine = objectives, machine
        described = describe_environment(machine.device, 1) | source_card(suite)
        self.card = {name: value for name, value in described.items() if name not in NO_MATTER}
        self.data = {label: prepare_objective(label, objectives[label], machine) for label in sorted(labels)}
        self.arithmetics: dict[tuple[str, bool], str] = {}

    def stacked(self, suite: Suite, label: str) -> bool:
        """Whether the suite trains an objective's trials side by side."""
        return any(
            trains_side_by_side(run, self.objectives[label])
            for run in suite.runs()
            if run.repetition == 0 and run.objective.label == label
        )

    def differences(self, one: RecordedRun, card: Record) -> dict[str, dict[str, Any]]:
        """What a recorded machine card says otherwise than this machine's, by field."""
        label = one.run.objective.label
        stacked = trains_side_by_side(one.run, self.objectives[label])
        if (label, stacked) not in self.arithmetics:
            self.arithmetics[label, stacked] = self.objectives[label].arithmetic(self.machine, stacked=stacked)
        here = {**self.card, "arithmetic": self.arithmetics[label, stacked]}
        here["libraries"] = {**(card.get("libraries") or {}), **library_versions(one.run.algorithm)} or None
        # What only one of two cards tells of the code, a ledger from before or a longer suite, is no difference.
        known = {*card, *here} - {*NO_MATTER, *(() if changed_sources(card, here) else (FIELD,))}
        pairs = {name: (card.get(name), here.get(name)) for name in sorted(known)}
        pairs |= {f"data.{name}": (one.data.get(name), self.data[label].get(name)) for name in one.data}
        return {
            name: {"recorded": old, "now": new, "decides_bits": name in DECIDES_BITS or name.startswith("data.")}
            for name, (old, new) in pairs.items()
            if old != new
        }

    def told(self) -> Record:
        return {"environment": self.card, "data": self.data, "precision": self.machine.precision}


def read_recorded_runs(suite: Suite, folder: Path, jobs: int, device: str) -> list[RecordedRun]:
    """Every recorded run, replayed; its algorithm is asked again for all it proposed."""
    tasks = ((run, folder, device) for run in suite.runs())
    examined = [one for one in map_in_loky(_examine, tasks, jobs, 2 * jobs, ordered=True) if one is not None]
    if not any(one.kinds for one in examined):
        raise BadInput(f"{folder}: nothing is recorded there; run the suite {suite.name} first")
    return examined


def _examine(run: Run, folder: Path, device: str) -> RecordedRun | None:
    path = folder / run.path
    forms = {"done": path, "partial": partial_path(path), "failed": failed_path(path)}
    state = next((name for name, form in forms.items() if os.path.lexists(form)), None)
    records = [] if state is None else read_ledger(forms[state]).records
    if state is None or not records:
        return None
    header = records[0]
    expected = {"run": run.identity(), "data": header["data"], "environment": header["environment"]}
    check_header(header, expected, forms[state], allow_mixed=True)
    kinds: dict[int, str] = {}
    for record in _evaluations(records, forms[state]):
        promoted = record["trial"] in kinds and record["state"] == "ok"
        kinds[record["trial"]] = "promoted" if promoted else record["state"]
    with deterministic_arithmetic(device):
        divergence = first_divergence(run, build_objective(run.objective), records, state)
    return RecordedRun(
        run=run,
        path=forms[state].relative_to(folder).as_posix(),
        state=state,
        evaluations=len(evaluations_of(records)),
        data=header["data"],
        cards=tuple(record["environment"] for record in records if "environment" in record),
        kinds=kinds,
        divergence=divergence,
    )


def _evaluations(records: list[Record], path: Path) -> list[Record]:
    """The evaluations among a ledger's records.

    Raises:
        LedgerError: one that no version has written, whatever its checksum says.
    """
    found = evaluations_of(records)
    for place, record in enumerate(found):
        if not _sound(record) or record["index"] != place:
            raise LedgerError(f"{path}: evaluation {place} is not as format {FORMAT} has it; restore the file")
    return found


def _sound(record: Record) -> bool:
    curves = record.get("valid_curve"), record.get("test_curve")
    whole = all(type(record.get(name)) is int for name in ("index", "trial", "start_epoch", "epochs", "asked_epochs"))
    return (
        whole
        and 0 <= record["start_epoch"] <= record["epochs"] <= record["asked_epochs"]
        and isinstance(record.get("config"), dict)
        and isinstance(record.get("state"), str)
        and all(isinstance(curve, list) and all(type(error) in (int, float) for error in curve) for curve in curves)
        and len(record["valid_curve"]) == len(record["test_curve"])
        and all(name in record for name in ("digest", "start", "end", "valid_error", "test_error"))
        and all(type(record.get(name)) in (int, float) for name in ("train_seconds", "decide_seconds"))
    )


def drawable(examined: Iterable[RecordedRun]) -> list[RecordedTrial]:
    return [
        RecordedTrial(
            objective=one.run.objective.label,
            algorithm=one.run.algorithm.label,
            kind=kind,
            repetition=one.run.repetition,
            trial=trial,
        )
        for one in examined
        for trial, kind in one.kinds.items()
    ]


def records_of(
    drawn: Sequence[RecordedTrial], examined: Iterable[RecordedRun], folder: Path
) -> dict[RecordedTrial, list[Record]]:
    """The evaluations of the trials drawn; of a ledger nothing else stays in memory."""
    wanted: dict[tuple[str, str, int], dict[int, RecordedTrial]] = {}
    for one in drawn:
        wanted.setdefault((one.objective, one.algorithm, one.repetition), {})[one.trial] = one
    found: dict[RecordedTrial, list[Record]] = {one: [] for one in drawn}
    for run in examined:
        trials = wanted.get((run.run.objective.label, run.run.algorithm.label, run.run.repetition), {})
        for record in read_ledger(folder / run.path).records if trials else ():
            if record["kind"] == "evaluation" and record["trial"] in trials:
                found[trials[record["trial"]]].append(record)
    return found
