"""Writes studies that other tools recorded as the results of a suite: its plan, and a ledger for every run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.loading.plan import read_plan
from benchmark.errors import BadInput
from benchmark.storage.atomic_write import write_atomically
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import FORMAT as LEDGER_FORMAT
from benchmark.storage.ledger_format import LedgerError, Record
from benchmark.storage.suite_json import FORMAT, IMPORTED, RECORDED, SUITE_JSON, is_imported, read_suite_json

RUNS = "runs"
ENDPOINT = "valid_error"
"""Other tools have one set of values, by which their trials were selected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedRun:
    """A run to write: its place, its header and its evaluations."""

    objective: str
    algorithm: str
    repetition: int
    header: Record
    evaluations: Sequence[Record]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedSuite:
    """A suite to write.

    Attributes:
        objectives, algorithms: their entries in `suite.json`.
        section: what `suite.json` has under `imported`.
    """

    name: str
    title: str
    objectives: Sequence[Mapping[str, Any]]
    algorithms: Sequence[Mapping[str, Any]]
    section: Mapping[str, Any]
    runs: Sequence[ImportedRun]

    @property
    def budget(self) -> Mapping[str, int]:
        """As many evaluations as the longest run has: other tools do not record when they would have stopped."""
        return {"evaluations": max(1, *(len(run.evaluations) for run in self.runs))}

    def plan(self) -> dict[str, Any]:
        """The content of `suite.json`."""
        return {
            "format": FORMAT,
            "name": self.name,
            "title": self.title,
            "seed": None,
            "repetitions": 1 + max(run.repetition for run in self.runs),
            "clock": RECORDED,
            "n_workers": 1,
            "calibration": None,
            "resume": True,
            "budget": self.budget,
            "endpoint": ENDPOINT,
            "control": None,
            "objectives": list(self.objectives),
            "algorithms": list(self.algorithms),
            IMPORTED: dict(self.section),
        }


def check_target(folder: Path) -> None:
    """Refuse a folder that holds anything but an earlier import.

    Raises:
        BadInput: a suite was run there, or it is no suite's.
    """
    if not folder.exists():
        return
    if (folder / SUITE_JSON).is_file() and is_imported(read_suite_json(folder)[1]):
        return
    if folder.is_dir() and not any(folder.iterdir()):
        return
    raise BadInput(f"{folder}: holds something that was not imported; give another name")


def study_header(objective: str, algorithm: str, repetition: int, section: Mapping[str, Any]) -> Record:
    """The header of a study's ledger: what is known of it, and null for what is not."""
    libraries = {section["tool"]: section["version"]} if section.get("version") else {}
    return {
        "kind": "header",
        "format": LEDGER_FORMAT,
        "run": {
            "objective": {"label": objective},
            "algorithm": {"label": algorithm},
            "repetition": repetition,
            "clock": RECORDED,
        },
        "environment": {"libraries": libraries},
        IMPORTED: dict(section),
    }


def write_suite(folder: Path, suite: ImportedSuite) -> None:
    """Write a suite beside its folder, then let it take its place; tables and figures of an earlier import stay.

    Raises:
        BadInput: a value that no plan may have, or a disk that takes no more. Nothing is changed then.
    """
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    try:
        with _as_bad_input(folder, draft):
            draft.mkdir(parents=True)
            text = json.dumps(suite.plan(), indent=1, allow_nan=False) + "\n"
            (draft / SUITE_JSON).write_text(text, encoding="utf-8")
            read_plan(draft)
            for run in suite.runs:
                _write_run(draft, run, suite.budget)
            _move(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _as_bad_input(folder: Path, draft: Path) -> Iterator[None]:
    """Turn what goes wrong with a draft into a message about the folder that it would have become."""
    try:
        yield
    except (BadInput, LedgerError) as error:
        raise BadInput(str(error).replace(str(draft), str(folder))) from error
    except ValueError as error:
        raise BadInput(f"{folder}: a value cannot be written as JSON ({error})") from error


def _write_run(folder: Path, run: ImportedRun, budget: Mapping[str, int]) -> None:
    path = folder / RUNS / run.objective / run.algorithm / f"{run.repetition:03d}.jsonl"
    header = {**run.header, "run": {**run.header["run"], "repetition": run.repetition, "budget": dict(budget)}}
    with Ledger(path, durable=False) as ledger:
        ledger.append(header)
        for record in run.evaluations:
            ledger.append(record)
        ledger.complete({"kind": "end", "reason": IMPORTED, "evaluations": len(run.evaluations)})


def _move(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.replace(folder)
        return
    if (folder / RUNS).exists():
        (folder / RUNS).replace(draft / "replaced")
    (draft / RUNS).replace(folder / RUNS)
    write_atomically(folder / SUITE_JSON, (draft / SUITE_JSON).read_bytes())
