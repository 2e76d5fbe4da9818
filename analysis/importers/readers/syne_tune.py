"""Reads the experiment folders of Syne Tune: `metadata.json` and `results.csv.zip`.

`tuner.dill` is a pickle and is never opened. The result file has a row for every report; `st_tuner_time` is when the
tuner received it, in seconds since it started, or on the simulator's clock. Each row says what the state of the trial
was by then, and whether the scheduler let it go on. How a trial ended after that is in the pickle alone: it counts by
its reports, and its state is unknown. One without any report is known from the folder that the local backend made.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.importers.readers.syne_tune_space import SpaceOfTool, read_space
from analysis.importers.studies.foreign_files import (
    LARGEST,
    folders_below,
    read_json,
    read_text,
    require_object,
    require_time,
    studies_below,
)
from analysis.importers.studies.foreign_study import ForeignMetric, ForeignStudy, ForeignTrial, Report, TrialState
from analysis.importers.studies.metric_choice import GOALS, choose_metrics
from analysis.importers.studies.reporting_order import split_at_restarts
from benchmark.errors import BadInput, one_line, require_choice

TOOL = "syne_tune"
METADATA, RESULTS = "metadata.json", ("results.csv.zip", "results.csv")
CREATED, STARTED = "st_tuner_creation_timestamp", "st_tuner_start_timestamp"
TIME, TRIAL, CONFIG, OWN = "st_tuner_time", "trial_id", "config_", "st_"
CLOCK = "seconds since the tuner started, when it received a report (st_tuner_time)"
SIMULATED = "simulated seconds of Syne Tune's simulator, when a report was made (st_tuner_time)"
SIMULATORS = ("Simulator", "Blackbox")
"""What the names of backends contain whose time is simulated."""
STATUS, DECISION = "st_status", "st_decision"
STATES: dict[str, TrialState] = {"Completed": "completed", "Stopped": "completed", "Failed": "failed"}
"""States of a trial that has ended, as a row gives them; most rows are of trials that still ran."""
ENDED_BY_SCHEDULER = ("STOP", "PAUSE")
"""Decisions on a report after which the trial did not go on."""
FIDELITIES = ("time_attr", "resource_attr")
"""Options of schedulers that name the column of the epoch; older versions use the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Experiment:
    """The files of an experiment, read."""

    folder: Path
    metadata: dict[str, Any]
    results: Path
    columns: dict[str, int]
    rows: list[list[str]]

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of the scheduler; none where they are not recorded."""
        options = self.metadata.get("scheduler_kwargs")
        return options if isinstance(options, dict) else {}


def can_read(path: Path) -> bool:
    """Return whether a folder is an experiment of Syne Tune, or holds any."""
    return next(_folders(path), None) is not None


def read(path: Path, metrics: Sequence[ForeignMetric] = ()) -> list[ForeignStudy]:
    """Read all experiments in a folder and below.

    Args:
        path: of one experiment, or of a folder that holds several.
        metrics: to read, with their goals; those that were optimised are read in any case.

    Raises:
        BadInput: no experiment, a missing or damaged file, or a field that Syne Tune does not write so.
    """
    studies = studies_below(path, _folders(path))
    if not studies:
        raise BadInput(f"{path}: no experiment of Syne Tune: need a folder with {METADATA} and {RESULTS[0]}")
    return [_study(name, _load(folder), metrics) for name, folder in studies]


def _folders(path: Path) -> Iterator[Path]:
    for folder, names in folders_below(path):
        if METADATA in names and (
            any(name in names for name in RESULTS) or CREATED in read_text(Path(folder, METADATA))
        ):
            yield Path(folder)


def _load(folder: Path) -> _Experiment:
    metadata = require_object(folder / METADATA, read_json(folder / METADATA))
    results = next((folder / name for name in RESULTS if (folder / name).is_file()), folder / RESULTS[0])
    text = _results_text(results) if results.is_file() else ""  # Stored late, and not at all where nothing is reported.
    header, *rows = list(csv.reader(io.StringIO(text))) or [[]]
    for field in (TRIAL, TIME):
        if header and field not in header:
            raise BadInput(f"{results}: lacks the column {field}, without which no report has a trial and a time")
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise BadInput(f"{results}, line {number}: {len(row)} values, need one for each of {len(header)} columns")
    columns = {name: place for place, name in enumerate(header)}
    return _Experiment(folder=folder, metadata=metadata, results=results, columns=columns, rows=rows)


def _results_text(path: Path) -> str:
    """The text of a result file, of a zipped one that of its only member."""
    if path.suffix != ".zip":
        return read_text(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if len(names) != 1:
                raise BadInput(f"{path}: need one file in it, got {len(names)}")
            with archive.open(names[0]) as file:
                data = file.read(LARGEST + 1)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise BadInput(f"{path}: a damaged zip file ({one_line(error)})") from error
    if len(data) > LARGEST:
        raise BadInput(f"{path}: unpacks to more than {LARGEST} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not a text in UTF-8 ({one_line(error)})") from error


def _study(name: str, experiment: _Experiment, named: Sequence[ForeignMetric]) -> ForeignStudy:
    space, notes = read_space(experiment.folder / METADATA, experiment.metadata.get("config_space"))
    reported = [column for column in experiment.columns if not column.startswith((CONFIG, OWN)) and column != TRIAL]
    metrics = choose_metrics(experiment.results, _recorded_metrics(experiment), named, reported)
    seed = experiment.options.get("random_seed")
    scheduler = experiment.metadata.get("scheduler_name")
    backend = str(experiment.metadata.get("backend"))
    return ForeignStudy(
        name=name,
        tool=TOOL,
        algorithm=scheduler if isinstance(scheduler, str) else None,
        metrics=metrics,
        space=space.axes(),
        seed=seed if type(seed) is int else None,
        clock=SIMULATED if any(word in backend for word in SIMULATORS) else CLOCK,
        trials=tuple(_trials(experiment, metrics, space)),
        files=tuple(filter(Path.is_file, (experiment.folder / METADATA, experiment.results))),
        notes=notes,
    )


def _recorded_metrics(experiment: _Experiment) -> tuple[ForeignMetric, ...]:
    """The metrics that were optimised, of which the results have a column each."""
    source, metadata = experiment.folder / METADATA, experiment.metadata
    names = metadata.get("metric_names")
    names = [names] if isinstance(names, str) else names
    if not isinstance(names, list) or not names:
        raise BadInput(f"{source}: metric_names = {names!r}: need the names of the metrics that were optimised")
    modes = metadata.get("metric_mode")
    modes = modes if isinstance(modes, list) else [modes] * len(names)
    if len(modes) != len(names):
        raise BadInput(f"{source}: metric_mode = {modes!r}: need one mode, or one for each of {', '.join(names)}")
    for name in names if experiment.columns else ():
        require_choice(f"{source}: metric_names", name, [*experiment.columns])
    return tuple(
        ForeignMetric(name=name, goal=GOALS[require_choice(f"{source}: metric_mode", mode, GOALS)])
        for name, mode in zip(names, modes, strict=True)
    )


def _trials(experiment: _Experiment, metrics: Sequence[ForeignMetric], space: SpaceOfTool) -> Iterator[ForeignTrial]:
    """The trials that reported, a part each where one began anew, then those that never reported."""
    number = 0
    budget = experiment.options.get("max_resource_attr")
    places = {
        column[len(CONFIG) :]: place
        for column, place in experiment.columns.items()
        if column.startswith(CONFIG) and column != f"{CONFIG}{budget}"  # Changes where a trial is trained further.
    }
    for rows in _rows_by_trial(experiment).values():
        ended = _state(experiment.columns, rows[-1][1])
        configs = (tuple(row[place] for place in places.values()) for _, row in rows)
        timed = zip(_reports(experiment, rows, metrics), configs, strict=True)
        parts = list(split_at_restarts(timed))
        for texts, reports in parts:
            config = space.config(dict(zip(places, texts, strict=True)))
            state = ended if reports is parts[-1][1] else "completed"
            yield ForeignTrial(number=number, config=config, reports=tuple(reports), state=state)
            number += 1
    yield from _silent_trials(experiment, number, budget)


def _state(columns: Mapping[str, int], row: Sequence[str]) -> TrialState:
    """How a trial ended, as far as its last row says."""
    status, decision = (row[columns[name]] if name in columns else "" for name in (STATUS, DECISION))
    return "completed" if decision in ENDED_BY_SCHEDULER else STATES.get(status, "unknown")


def _rows_by_trial(experiment: _Experiment) -> dict[str, list[tuple[int, list[str]]]]:
    """Rows with their line numbers, by trial, in the order in which the tuner received them."""
    trials: dict[str, list[tuple[int, list[str]]]] = {}
    for line, row in enumerate(experiment.rows, 2):
        trials.setdefault(row[experiment.columns[TRIAL]], []).append((line, row))
    return trials


def _reports(
    experiment: _Experiment, rows: Sequence[tuple[int, list[str]]], metrics: Sequence[ForeignMetric]
) -> list[Report]:
    columns = experiment.columns
    epochs = _epochs(experiment, [row for _, row in rows])
    reports = []
    for (line, row), epoch in zip(rows, epochs, strict=True):
        source = f"{experiment.results}, line {line}"
        values = {metric.name: _number(source, metric.name, row[columns[metric.name]]) for metric in metrics}
        seconds = require_time(source, TIME, _number(source, TIME, row[columns[TIME]]))
        reports.append(Report(epoch=epoch, seconds=seconds, values=values))
    return reports


def _epochs(experiment: _Experiment, rows: Sequence[list[str]]) -> list[int]:
    """The epochs of a trial's reports: the scheduler's column where it counts from 1, else their own number."""
    column = next((experiment.options[key] for key in FIDELITIES if key in experiment.options), None)
    texts = [row[experiment.columns[column]] for row in rows] if column in experiment.columns else []
    numbers = [int(float(text)) for text in texts if text.replace(".0", "").isdecimal()]
    return numbers if len(numbers) == len(rows) and min(numbers) > 0 else list(range(1, len(rows) + 1))


def _number(source: str, field: str, text: str) -> float:
    """A number of the CSV file, in which an empty value is NaN."""
    try:
        return float(text or "nan")
    except ValueError as error:
        raise BadInput(f"{source}: {field} = {text[:60]!r}: need a number") from error


def _silent_trials(experiment: _Experiment, number: int, budget: object) -> Iterator[ForeignTrial]:
    """Trials whose folder shows that they were started and never reported: failed if they ended, else running."""
    reported = {row[experiment.columns[TRIAL]] for row in experiment.rows}
    folders = [path.parent for path in experiment.folder.glob("[0-9]*/config.json") if path.parent.name not in reported]
    started = experiment.metadata.get(STARTED, experiment.metadata.get(CREATED))
    for folder in sorted(folders, key=lambda folder: (len(folder.name), folder.name)):
        config = require_object(folder / "config.json", read_json(folder / "config.json"))
        end = folder / "end"
        seconds = _number(str(end), "end", read_text(end).strip()) if end.is_file() else None
        yield ForeignTrial(
            number=number,
            config={name: value for name, value in config.items() if name != budget},
            end=max(seconds - started, 0.0) if seconds is not None and isinstance(started, float) else None,
            reports=(),
            state="running" if seconds is None else "failed",
        )
        number += 1
