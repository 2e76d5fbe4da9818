"""Packs the recorded runs of a suite into a field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.arena.field.field_file import KINDS, OF_IMPROVEMENTS, OF_RUNS, STATES, Field
from benchmark.errors import BadInput
from benchmark.storage.ledger_format import read_header
from benchmark.storage.resume_check import FIELD
from benchmark.storage.suite_json import read_suite_json
from benchmark.suite.model import Run, Suite
from benchmark.tuning.run_report import run_file

if TYPE_CHECKING:
    from analysis.loading.results import Results
    from analysis.loading.results import Run as ReadRun

OF_ONE_REPETITION = "seed"
"""What a ledger's header says of the data that differs between repetitions."""

IN_SECONDS = ("runtime", "trainings")
"""Limits of a budget that end all methods together on the axis of runtime."""


def pack_field(suite: Suite, folder: Path) -> Field:
    """Pack what is recorded of a suite.

    Args:
        suite: as its file declares it.
        folder: its results.

    Raises:
        BadInput: a suite whose runs cannot be paired with later ones, or whose results cannot be read.
    """
    check_pairable(suite)
    from analysis.loading.results import load

    results = load(folder)
    _check_planned(suite, results, folder)
    header = _header(suite, results, folder)
    horizons = {entry["label"]: entry["horizon"] for entry in header["objectives"]}
    evaluations = _Evaluations(results)
    packed = [evaluations.pack(run, horizons[run.objective]) for run in results.runs]
    arrays = {name: np.concatenate([run[name] for run in packed]).astype(KINDS[name]) for name in OF_IMPROVEMENTS}
    arrays |= {name: np.array([run[name] for run in packed], KINDS[name]) for name in OF_RUNS}
    starts = np.concatenate([[0], np.cumsum([len(run["time"]) for run in packed])]).astype(np.int64)
    return Field(header=header, starts=starts, **arrays)


def check_pairable(suite: Suite) -> None:
    """Refuse a suite whose runs do not end together, or do not come out the same again.

    Raises:
        BadInput: naming the key and what is needed.
    """
    if suite.clock == "measured":
        raise BadInput(f'suite {suite.name}: clock = "measured": measured seconds are not the same again; need another')
    if not set(IN_SECONDS) & set(suite.budget.limits()):
        need = "need budget.trainings or budget.runtime, so that all methods end at the same time"
        raise BadInput(f"suite {suite.name}: budget = {suite.budget.limits()}: {need}")


def _check_planned(suite: Suite, results: Results, folder: Path) -> None:
    """Refuse results of another plan than the suite's file."""
    planned = [(run.objective, run.algorithm, run.repetition) for run in results.runs]
    wanted = [
        (objective.label, algorithm.label, repetition)
        for objective in suite.objectives
        for algorithm in suite.algorithms_on(objective)
        for repetition in range(suite.repetitions)
    ]
    if planned != wanted:
        raise BadInput(f"{folder}: holds results of another plan than suite {suite.name}; run the suite again first")


class _Evaluations:
    """The columns of all evaluations that improvements and counts are made of.

    Args:
        results: of a suite.
    """

    def __init__(self, results: Results) -> None:
        from analysis.loading.metric_values import SELECTION

        frame = results.evaluations
        names = ("valid_error", "test_error", "end", "counted", "trial", "decide_seconds", "state")
        self.columns = {name: frame[name].to_numpy() for name in names}
        self.selection = frame[SELECTION if SELECTION in frame else "valid_error"].to_numpy()

    def pack(self, run: ReadRun, horizon: float) -> dict[str, Any]:
        """The improvements and counts of one run; evaluations beyond the budget do not count."""
        from analysis.statistics.anytime import incumbents

        own = {name: column[run.rows] for name, column in self.columns.items()}
        within = own["counted"] & (own["end"] <= horizon)
        own = {name: column[within] for name, column in own.items()}
        place = incumbents(self.selection[run.rows][within])
        improved = np.flatnonzero((place >= 0) & (np.diff(place, prepend=-1) != 0))
        chosen = place[improved]
        return {
            "time": own["end"][improved],
            "valid": own["valid_error"][chosen],
            "test": own["test_error"][chosen],
            "trial": own["trial"][chosen],
            "state": STATES.index(run.state),
            "trials": len(set(own["trial"].tolist())),
            "evaluations": len(own["trial"]),
            "failures": int((own["state"] != "ok").sum()),
            "end": float(own["end"][-1]) if len(own["end"]) else 0.0,
            "decide_seconds": float(own["decide_seconds"].sum()),
        }


def _header(suite: Suite, results: Results, folder: Path) -> dict[str, Any]:
    """What the runs depend on, and the ends of the objectives."""
    _, declared = read_suite_json(folder)
    runs = list(suite.runs())
    first = {run.objective.label: run for run in reversed(runs)}
    return {
        "suite": describe_suite(suite),
        "objectives": [
            {**describe_objective(first[entry["label"]]), **_ends(entry, suite, results), **_data(first, entry, folder)}
            for entry in declared["objectives"]
        ],
        "algorithms": [
            {"label": entry.label, "display_name": entry.display_name or entry.label, **describe_algorithm(run)}
            for entry, run in _first_of_algorithms(suite, runs)
        ],
        **_code(runs, folder),
    }


def describe_suite(suite: Suite) -> dict[str, Any]:
    """What every run of a suite depends on, in JSON values."""
    names = ("name", "title", "seed", "repetitions", "clock", "n_workers", "resume", "timeout")
    return {**{name: getattr(suite, name) for name in names}, "budget": suite.budget.limits()}


def describe_objective(run: Run) -> dict[str, Any]:
    """What an objective is in a run's identity, with its label."""
    identity = run.identity()["objective"]
    return {"label": identity["label"], "identity": identity}


def describe_algorithm(run: Run) -> dict[str, Any]:
    """What an algorithm is in a run's identity, but for its label, which decides streams alone."""
    identity = run.identity()
    parts = {name: value for name, value in identity["algorithm"].items() if name != "label"}
    return {"identity": {**parts, "n_workers": identity["n_workers"]}}


def _first_of_algorithms(suite: Suite, runs: list[Run]) -> Iterator[tuple[Any, Run]]:
    first = {run.algorithm.label: run for run in reversed(runs)}
    return ((entry, first[entry.label]) for entry in suite.algorithms)


def _ends(entry: Mapping[str, Any], suite: Suite, results: Results) -> dict[str, Any]:
    """The metric of an objective, the ends of its scale in minimised form, and when its runs end.

    The chance value stands for a typical one where none is declared.
    """
    metric = results.plan.objective(entry["label"]).metric
    typical = getattr(metric, "typical", None)
    ends = {"best": metric.best, "typical": metric.chance if typical is None else typical}
    turned = {name: None if value is None else float(metric.own(value)) for name, value in ends.items()}
    seconds = entry.get("typical_seconds")
    described = {"name": metric.name, "goal": metric.goal, "unit": metric.unit}
    return {"metric": described, **turned, "horizon": horizon(suite, seconds), "typical_seconds": seconds}


def horizon(suite: Suite, typical_seconds: float | None) -> float:
    """When the runs on an objective end, in seconds of the clock: the earlier one of the budget's limits."""
    limits = suite.budget.limits()
    ends = [limits["runtime"]] if "runtime" in limits else []
    if "trainings" in limits:
        if typical_seconds is None:
            raise BadInput(f"suite {suite.name}: budget.trainings, but an objective has no typical seconds")
        ends.append(limits["trainings"] * typical_seconds)
    return float(min(ends))


def _data(first: Mapping[str, Run], entry: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The checksums of an objective's data, as the ledgers' headers have them."""
    return {"data": plain_data(_any_header(first[entry["label"]], folder).get("data") or {})}


def plain_data(data: Mapping[str, str]) -> dict[str, str]:
    """Checksums of data, without what differs between repetitions."""
    return {name: value for name, value in data.items() if name != OF_ONE_REPETITION}


def _any_header(run: Run, folder: Path) -> Mapping[str, Any]:
    file = run_file(run, folder)
    header = None if file is None else read_header(file.path)
    return {} if header is None else header


def _code(runs: list[Run], folder: Path) -> dict[str, Any]:
    """The digests of the code and the versions of the libraries that the runs were made by."""
    code: dict[str, set[str]] = {}
    libraries: dict[str, set[str]] = {}
    for run in runs[: len({(run.objective.label, run.algorithm.label) for run in runs})]:
        environment = _any_header(run, folder).get("environment") or {}
        for found, named in ((code, environment.get(FIELD)), (libraries, environment.get("libraries"))):
            for name, value in (named or {}).items():
                found.setdefault(name, set()).add(str(value))
    return {"code": _sorted(code), "libraries": _sorted(libraries)}


def _sorted(found: Mapping[str, set[str]]) -> dict[str, list[str]]:
    return {name: sorted(found[name]) for name in sorted(found)}
