"""Reads the run histories of SMAC3: `runhistory.json`, and beside it `scenario.json` and `configspace.json`.

A run of SMAC is one configuration on one instance with one seed and one budget. Here a configuration is a trial, and
a report of it the mean over its instances and seeds on one budget, made when the last of them ended: by such means
SMAC itself compares configurations. A configuration that was tried on fewer of them than the one tried most is no
candidate for the incumbent, for means over different ones are no fair comparison; SMAC rejects such ones early.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from analysis.importers.readers.smac_space import read_space
from analysis.importers.studies.foreign_files import (
    folders_below,
    read_json,
    require_field,
    require_number,
    require_object,
    require_time,
    studies_below,
)
from analysis.importers.studies.foreign_study import ForeignMetric, ForeignStudy, ForeignTrial, Report
from analysis.importers.studies.metric_choice import choose_metrics
from benchmark.errors import BadInput, short_repr

TOOL = "smac"
HISTORY, SCENARIO, SPACE = "runhistory.json", "scenario.json", "configspace.json"
CLOCK = "seconds since the first run started, when a run ended (endtime)"
COUNTED = "trials counted in the order in which SMAC was told of them: it was told no times"
RUNNING, SUCCESS = 0, 1
STATUS_NAMES = {"StatusType.RUNNING": RUNNING, "StatusType.SUCCESS": SUCCESS, "StatusType.DONOTADVANCE": SUCCESS}
"""Of version 1, which wrote names; all other names are failures, as all other numbers of version 2 are."""
FIELDS = ("config_id", "instance", "seed", "budget", "cost", "time", "status", "starttime", "endtime")
"""The order in which versions 2.0 to 2.2 wrote a run, as a list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """A configuration on one instance with one seed and one budget, which is 0 where there are none."""

    config: str
    budget: float
    costs: tuple[float, ...]
    status: int
    start: float
    end: float


def can_read(path: Path) -> bool:
    """Return whether a folder holds a run history of SMAC, itself or further down."""
    return path.name == HISTORY or next(_folders(path), None) is not None


def read(path: Path, metrics: Sequence[ForeignMetric] = ()) -> list[ForeignStudy]:
    """Read all run histories in a folder and below.

    Args:
        path: of one run, or of a folder that holds several.
        metrics: of those that SMAC minimised, which come first.

    Raises:
        BadInput: no run history, a damaged file, or a field that SMAC does not write so.
    """
    path = path.parent if path.name == HISTORY else path
    studies = studies_below(path, _folders(path))
    if not studies:
        raise BadInput(f"{path}: no run of SMAC: need a folder with {HISTORY}")
    whole = path.resolve()  # SMAC names folders by scenario and seed, and the seed alone says little.
    named = {path: f"{whole.parent.name}/{whole.name}"}
    return [_study(named.get(folder, name), folder, metrics) for name, folder in studies]


def _folders(path: Path) -> Iterator[Path]:
    return (Path(folder) for folder, names in folders_below(path) if HISTORY in names)


def _study(name: str, folder: Path, named: Sequence[ForeignMetric]) -> ForeignStudy:
    files = tuple(folder / file for file in (HISTORY, SCENARIO, SPACE) if (folder / file).is_file())
    history = require_object(folder / HISTORY, read_json(folder / HISTORY))
    scenario = require_object(folder / SCENARIO, read_json(folder / SCENARIO)) if folder / SCENARIO in files else {}
    space, notes = read_space(folder / SPACE) if folder / SPACE in files else (None, ())
    runs, clock = _on_one_clock(folder / HISTORY, list(_runs(folder / HISTORY, history)))
    recorded = _recorded_metrics(folder / SCENARIO, scenario, runs)
    metrics = choose_metrics(folder / HISTORY, recorded, named, [])
    trials, left_out = _trials(folder / HISTORY, history, runs, _highest(scenario))
    chosen = {metric.name: recorded.index(metric) for metric in metrics}
    meta = _table(scenario, "_meta")
    seed = scenario.get("seed")
    return ForeignStudy(
        name=name,
        tool=TOOL,
        version=_text(meta.get("version")),
        algorithm=_text(_table(meta, "facade").get("name")),
        metrics=metrics,
        space=space,
        seed=seed if type(seed) is int and seed >= 0 else None,
        clock=clock,
        trials=tuple(_with_metrics(trial, chosen) for trial in trials),
        files=files,
        notes=(*notes, *left_out),
    )


def _table(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = table.get(key)
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _runs(path: Path, history: Mapping[str, Any]) -> Iterator[_Run]:
    """The runs of a history in the format of any version."""
    for number, entry in enumerate(require_field(path, history, "data", list)):
        source = f"{path}: data[{number}]"
        run = _fields(source, entry)
        costs = run["cost"] if isinstance(run["cost"], list) else [run["cost"]]
        status = run["status"]
        if isinstance(status, dict):
            status = STATUS_NAMES.get(str(status.get("__enum__")), SUCCESS + 1)
        if type(status) is not int:
            raise BadInput(f"{source}: status = {short_repr(status)}: need a number, or a name of SMAC 1")
        yield _Run(
            config=str(run["config_id"]),
            budget=require_time(source, "budget", run["budget"] or 0.0),
            costs=tuple(require_number(source, "cost", cost) for cost in costs),
            status=status,
            start=require_time(source, "starttime", run["starttime"]),
            end=require_time(source, "endtime", run["endtime"]),
        )


def _fields(source: str, entry: Any) -> dict[str, Any]:
    """The fields of a run: an object since 2.3, a list in 2.0, a list of key and value before."""
    if isinstance(entry, list) and len(entry) == 2 and all(isinstance(part, list) for part in entry):
        key, value = entry
        entry = [*key[:3], key[3] if len(key) > 3 else None, *value] if len(value) >= 5 else []
    if isinstance(entry, list) and len(entry) > len(FIELDS):
        return dict(zip(FIELDS, entry, strict=False))
    run = require_object(source, entry)
    missing = next((field for field in FIELDS if field not in run), None)
    if missing is not None:
        raise BadInput(f"{source}: lacks the field {missing}")
    return run


def _on_one_clock(path: Path, runs: list[_Run]) -> tuple[list[_Run], str]:
    """The runs with times since the first start, in words; counted where SMAC was told no times."""
    ended = [run for run in runs if run.status != RUNNING]
    if all(run.end == 0.0 for run in ended):
        return [replace(run, start=number, end=number + 1.0) for number, run in enumerate(runs)], COUNTED
    untimed = next((number for number, run in enumerate(runs) if run.status != RUNNING and run.end <= 0.0), None)
    if untimed is not None:
        raise BadInput(
            f"{path}: data[{untimed}]: endtime = {runs[untimed].end:g}: others have a time; a curve over time needs "
            "one of every run: give TrialValue(..., starttime=..., endtime=...) to tell()"
        )
    first = min(run.start if run.start > 0.0 else run.end for run in ended)
    return [replace(run, start=max(run.start - first, 0.0), end=max(run.end - first, 0.0)) for run in runs], CLOCK


def _recorded_metrics(path: Path, scenario: Mapping[str, Any], runs: Sequence[_Run]) -> tuple[ForeignMetric, ...]:
    """What SMAC minimised, by the names of the scenario; without one the costs are numbered."""
    counts = {len(run.costs) for run in runs if run.status == SUCCESS}
    if len(counts) > 1:
        raise BadInput(
            f"{path.parent / HISTORY}: runs of {' and '.join(map(str, sorted(counts)))} costs in one history, "
            "all need the same number"
        )
    count = counts.pop() if counts else 1
    names = scenario.get("objectives", "cost" if count == 1 else [f"cost_{number}" for number in range(count)])
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names) or len(names) < count:
        raise BadInput(f"{path}: objectives = {short_repr(names)}: need {count} names, for runs have {count} costs")
    return tuple(ForeignMetric(name=name, goal="min") for name in names[:count])


def _highest(scenario: Mapping[str, Any]) -> float | None:
    """The budget on which alone SMAC chose incumbents; None where it chose them on any."""
    selection = _table(_table(scenario, "_meta"), "intensifier").get("incumbent_selection")
    highest = scenario.get("max_budget")
    return float(highest) if selection == "highest_budget" and isinstance(highest, int | float) else None


def _trials(
    path: Path, history: Mapping[str, Any], runs: Sequence[_Run], highest: float | None
) -> tuple[list[ForeignTrial], list[str]]:
    """A trial for each configuration, whose reports hold costs by their number, and what was left out."""
    configs = require_field(path, history, "configs", dict)
    by_config: dict[str, list[_Run]] = {}
    for run in runs:
        by_config.setdefault(run.config, []).append(run)
    unknown = next((config for config in by_config if config not in configs), None)
    if unknown is not None:
        raise BadInput(f"{path}: configs: no configuration {unknown}, which runs refer to")
    counts = {
        config: Counter(run.budget for run in mine if run.status == SUCCESS) for config, mine in by_config.items()
    }
    needed = Counter[float]()
    for count in counts.values():
        needed |= count  # The larger of each two.
    epochs, notes = _epochs(needed)
    trials = []
    for number, (config, mine) in enumerate(by_config.items()):
        reports = [
            _report(epochs[budget], [run for run in mine if run.budget == budget and run.status == SUCCESS])
            for budget in sorted(counts[config])
        ]
        complete = [
            counts[config][budget] == needed[budget] and highest in (None, budget) for budget in sorted(counts[config])
        ]
        timed = [
            report if whole else replace(report, seconds=None) for report, whole in zip(reports, complete, strict=True)
        ]
        trials.append(_trial(number, require_object(f"{path}: configs[{config}]", configs[config]), mine, timed))
    several = max(needed.values(), default=1)
    if several > 1:
        notes.append(
            f"Values are means over up to {several} instances and seeds; a configuration that was tried on fewer is no "
            "candidate for the incumbent."
        )
    return trials, notes


def _epochs(budgets: Mapping[float, int]) -> tuple[dict[float, int], list[str]]:
    """The epoch that stands for each budget: itself if all are whole numbers, else its rank."""
    ordered = sorted(budgets)
    if ordered in ([], [0.0]):
        return {0.0: 1}, []
    if all(budget >= 1.0 and budget.is_integer() for budget in ordered):
        return {budget: int(budget) for budget in ordered}, []
    listed = ", ".join(f"{budget:.6g}" for budget in ordered)
    return {budget: rank for rank, budget in enumerate(ordered, 1)}, [f"Epochs are the ranks of the budgets {listed}."]


def _report(epoch: int, runs: Sequence[_Run]) -> Report:
    """The mean costs of runs on one budget, made when the last of them ended."""
    values = {
        str(place): sum(costs) / len(runs) for place, costs in enumerate(zip(*(run.costs for run in runs), strict=True))
    }
    return Report(epoch=epoch, seconds=max(run.end for run in runs), values=values)


def _trial(number: int, config: Mapping[str, Any], runs: Sequence[_Run], reports: Sequence[Report]) -> ForeignTrial:
    ended = [run.end for run in runs if run.status != RUNNING]
    return ForeignTrial(
        number=number,
        config=config,
        start=min(run.start for run in runs),
        end=max(ended) if len(ended) == len(runs) else None,
        reports=tuple(reports),
        state=(
            "failed"
            if any(run.status > SUCCESS for run in runs)
            else "running"
            if len(ended) < len(runs)
            else "completed"
            if reports and reports[-1].seconds is not None
            else "pruned"
        ),
    )


def _with_metrics(trial: ForeignTrial, chosen: Mapping[str, int]) -> ForeignTrial:
    """The trial with the chosen costs by their names."""
    reports = (
        replace(report, values={name: report.values[str(place)] for name, place in chosen.items()})
        for report in trial.reports
    )
    return replace(trial, reports=tuple(reports))
