"""Complete runs of a suite that was run here, to show them beside imported studies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.loading.ledgers import read_run
from benchmark.errors import BadInput, nearest_match, short_repr
from benchmark.storage.ledger_format import Record
from benchmark.storage.suite_json import IMPORTED, SUITE_JSON, entries_by_label, is_imported, read_suite_json

TESTED = ("test_error", "test_metrics", "test_problem")
"""What is left out of records: no other tool has it, and nothing can be compared by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnObjective:
    """An objective of a suite with all of its complete runs.

    Attributes:
        suite: the suite's name.
        clock: in words, what the runtime of the runs is.
        objective: its entry in `suite.json`.
        algorithms: the entries of all algorithms, by label.
        runs: algorithm's label, repetition, header and evaluations of each complete run.
        missing: how many planned runs are not complete.
    """

    suite: str
    clock: str
    objective: Mapping[str, Any]
    algorithms: Mapping[str, Mapping[str, Any]]
    runs: tuple[tuple[str, int, Record, list[Record]], ...]
    missing: int


def read_own(text: str) -> OwnObjective:
    """Read `RESULTS/SUITE/OBJECTIVE`, or `RESULTS/SUITE` of a suite with a single objective.

    Raises:
        BadInput: no such results, several objectives, no complete run, or results that were imported themselves.
    """
    folder, wanted = _folder(Path(text))
    _, declared = read_suite_json(folder)
    if is_imported(declared):
        raise BadInput(f"--with {text}: was imported itself; give its sources together with the others")
    objectives = entries_by_label(declared, "objectives")
    if wanted is None and len(objectives) > 1:
        raise BadInput(
            f"--with {text}: has several objectives, name one: {', '.join(f'{text}/{o}' for o in objectives)}"
        )
    label = next(iter(objectives)) if wanted is None else wanted
    if label not in objectives:
        raise BadInput(f"--with {text}: no objective {short_repr(label)}{nearest_match(label, objectives)}")
    algorithms = entries_by_label(declared, "algorithms")
    runs = list(_runs(folder, label, list(algorithms), declared))
    if not runs:
        raise BadInput(f"--with {text}: no run of {label} is complete")
    return OwnObjective(
        suite=declared["name"],
        clock=_clock(declared),
        objective=objectives[label],
        algorithms=algorithms,
        runs=tuple(runs),
        missing=len(algorithms) * declared["repetitions"] - len(runs),
    )


def _folder(path: Path) -> tuple[Path, str | None]:
    for folder, label in ((path, None), (path.parent, path.name)):
        if (folder / SUITE_JSON).is_file():
            return folder, label
    raise BadInput(f"--with {path}: need results of a suite that was run here, as results/SUITE/OBJECTIVE")


def _runs(
    folder: Path, objective: str, algorithms: list[str], declared: Mapping[str, Any]
) -> Iterator[tuple[str, int, Record, list[Record]]]:
    for algorithm in algorithms:
        for repetition in range(declared["repetitions"]):
            _, records, state = read_run(folder, objective, algorithm, repetition, declared.get("budget"))
            if state == "done":
                evaluations = [_untested(record) for record in records if record["kind"] == "evaluation"]
                yield algorithm, repetition, records[0], evaluations


def _untested(record: Record) -> Record:
    kept = {name: value for name, value in record.items() if name not in TESTED}
    return kept | {"test_error": None, "test_curve": []}


def _clock(declared: Mapping[str, Any]) -> str:
    calibration = declared.get("calibration")
    if declared["clock"] == "measured":
        return "measured seconds of training and deciding"
    if declared["clock"] == "tabulated":
        return "tabulated seconds, which the objective reports"
    if isinstance(calibration, dict):
        return f"modelled seconds of {calibration.get('device')} (calibration {calibration.get('name')})"
    return f"{declared['clock']} seconds, which the objective states"


def own_header(header: Record, objective: str, algorithm: str, section: Mapping[str, Any]) -> Record:
    """The header of a copied run: that of its own ledger, under the labels that it has beside imported studies."""
    run = dict(header.get("run") or {})
    for name, label in (("objective", objective), ("algorithm", algorithm)):
        run[name] = {**run[name], "label": label} if isinstance(run.get(name), dict) else {"label": label}
    return {**header, "run": run, IMPORTED: dict(section)}
