"""Reads the experiment folders of Ray Tune: a folder a trial with `params.json`, `result.json` or `progress.csv`.

`experiment_state-*.json`, where there is one, says how trials ended and when they started; without it the trials' own
files say what they can. Nothing pickled is opened, neither `tuner.pkl` nor what is inside of the state. Ray records
the time of a report in whole seconds, and neither the space, nor the seed, nor whether a metric is minimised: that
last one the user says. A trial that went on with another configuration, or began anew after a failure, is read as
several trials.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from analysis.importers.studies.foreign_files import (
    folders_below,
    parse_json,
    read_json,
    read_json_lines,
    read_text,
    require_number,
    require_object,
    require_time,
    studies_below,
)
from analysis.importers.studies.foreign_study import ForeignMetric, ForeignStudy, ForeignTrial, Report, TrialState
from analysis.importers.studies.metric_choice import choose_metrics
from analysis.importers.studies.reporting_order import split_at_restarts
from benchmark.errors import BadInput, short_repr

TOOL = "ray_tune"
STATE, CONFIG, RESULTS, PROGRESS, ERROR = (
    *("experiment_state-*.json", "params.json"),
    *("result.json", "progress.csv", "error.txt"),
)
CLOCK = "whole seconds since the experiment started, when a trial reported (timestamp)"
TIME, EPOCH, SPENT, DONE = "timestamp", "training_iteration", "time_this_iter_s", "done"
OWN = (
    *(TIME, EPOCH, SPENT, DONE, "time_total_s", "time_since_restore", "iterations_since_restore", "pid", "date"),
    *("timesteps_total", "timesteps_since_restore", "episodes_total", "trial_id", "hostname", "node_ip"),
    *("experiment_id", "experiment_tag", "checkpoint_dir_name", "should_checkpoint", "warmup_time", "config"),
)
"""What Ray adds to every report of a trial."""
STATES: dict[str, TrialState] = {"TERMINATED": "completed", "ERROR": "failed"}
"""How trials end; all other states are of trials that have not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Trial:
    """A trial's folder: its reports in the order in which they were made, and what the state says of it."""

    folder: Path
    file: Path | None
    config: dict[str, Any]
    rows: list[dict[str, Any]]
    status: str | None
    start: float | None

    @property
    def state(self) -> TrialState:
        """How the trial ended, by the state of the experiment or else by its own files."""
        if self.status is not None:
            return STATES.get(self.status, "running")
        if (self.folder / ERROR).is_file():
            return "failed"
        return "completed" if self.rows and self.rows[-1].get(DONE) in (True, "True") else "running"

    @property
    def began(self) -> float:
        """When it started; when its first report began where that is not known, or later because of a restart."""
        if not self.rows:
            return math.inf if self.start is None else self.start
        reported = require_time(self.file, TIME, self.rows[0].get(TIME))
        if self.start is not None and math.floor(self.start) <= reported:
            return self.start
        spent = require_number(self.file, SPENT, self.rows[0].get(SPENT, 0.0))
        return reported - (spent if math.isfinite(spent) else 0.0)


def can_read(path: Path) -> bool:
    """Return whether a folder is an experiment of Ray Tune, or holds any."""
    return next(_folders(path), None) is not None


def read(path: Path, metrics: Sequence[ForeignMetric] = ()) -> list[ForeignStudy]:
    """Read all experiments in a folder and below.

    Args:
        path: of one experiment, or of a folder that holds several.
        metrics: to read, with their goals, the one that incumbents are chosen by first.

    Raises:
        BadInput: no experiment, no metric named, a damaged file, or a field that Ray does not write so.
    """
    studies = studies_below(path, _folders(path))
    if not studies:
        raise BadInput(f"{path}: no experiment of Ray Tune: need a folder of trials with {CONFIG} and {RESULTS}")
    return [_study(name, folder, metrics) for name, folder in studies]


def _folders(path: Path) -> Iterator[Path]:
    for folder, names in folders_below(path):
        if any(fnmatch(name, STATE) for name in names):
            yield Path(folder)
        if folder != str(path) and CONFIG in names and (RESULTS in names or PROGRESS in names):
            yield Path(folder).parent


def _study(name: str, folder: Path, named: Sequence[ForeignMetric]) -> ForeignStudy:
    state_file = max(folder.glob(STATE), default=None)
    state = require_object(state_file, read_json(state_file)) if state_file is not None else {}
    trials = _trials(folder, state_file, state)
    if not trials:
        raise BadInput(f"{folder}: no trial in it: need a folder for each with {CONFIG}")
    metrics = _metrics(folder, state, trials, named)
    began = [trial.began for trial in trials if trial.began < math.inf]
    started = (state.get("stats") or {}).get("start_time")
    start = math.floor(min([*began, started] if isinstance(started, float) else began, default=0.0))
    numbered = [part for trial in trials for part in _parts(trial, metrics, start)]
    placed = [part for part in numbered if part.reports or part.start is not None or part.state == "running"]
    goals = " and ".join(f"{metric.name} = {metric.goal}" for metric in metrics)
    notes = [f"Ray Tune records no goals: {goals} is what the command said."]
    if len(placed) < len(numbered):
        notes.append(f"{len(numbered) - len(placed)} trials are left out: they reported nothing, at times unknown.")
    return ForeignStudy(
        name=name,
        tool=TOOL,
        metrics=metrics,
        clock=CLOCK,
        trials=tuple(replace(part, number=number) for number, part in enumerate(placed)),
        files=(*([state_file] if state_file else []), *(trial.file for trial in trials if trial.file is not None)),
        notes=tuple(notes),
    )


def _trials(folder: Path, state_file: Path | None, state: Mapping[str, Any]) -> list[_Trial]:
    """The trials in the order in which they started."""
    known = _known(state_file, state)
    trials = []
    for config in sorted(folder.glob(f"*/{CONFIG}")):
        file = next((path for path in map(config.parent.joinpath, (RESULTS, PROGRESS)) if _has_text(path)), None)
        status, start = known.get(config.parent.name, (None, None))
        trials.append(
            _Trial(
                folder=config.parent,
                file=file,
                config=require_object(config, read_json(config)),
                rows=_rows(file) if file is not None else [],
                status=status,
                start=start,
            )
        )
    return sorted(trials, key=lambda trial: trial.began)


def _has_text(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def _known(file: Path | None, state: Mapping[str, Any]) -> dict[str, tuple[str | None, float | None]]:
    """State and start of each trial by its folder's name; older versions keep both in one table."""
    known = {}
    for number, entry in enumerate(state.get("trial_data") or state.get("checkpoints") or []):
        source = f"{file}: trial {number}"
        table: dict[str, Any] = {}
        for part in entry if isinstance(entry, list) else [entry]:
            table |= require_object(source, parse_json(part, source) if isinstance(part, str) else part)
        name = table.get("relative_logdir") or table.get("logdir")
        status, start = table.get("status"), table.get("start_time")
        if isinstance(name, str):
            known[Path(name).name] = (
                status if isinstance(status, str) else None,
                start if isinstance(start, float) and start > 0.0 else None,
            )
    return known


def _rows(file: Path) -> list[dict[str, Any]]:
    """The reports of a trial, with nested tables as `outer/inner`."""
    if file.name == RESULTS:
        return [_flat(row) for row in read_json_lines(file)]
    header, *lines = csv.reader(io.StringIO(read_text(file)))
    return [
        {name: _parsed(text) for name, text in zip(header, line, strict=True)}
        for line in lines
        if len(line) == len(header)  # The last one may still be being written.
    ]


def _parsed(text: str) -> float | str:
    try:
        return float(text or "nan")
    except ValueError:
        return text


def _flat(table: Mapping[str, Any], outer: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, dict) and (outer or name != "config"):
            flat |= _flat(value, f"{outer}{name}/")
        else:
            flat[f"{outer}{name}"] = value
    return flat


def _metrics(
    folder: Path, state: Mapping[str, Any], trials: Sequence[_Trial], named: Sequence[ForeignMetric]
) -> tuple[ForeignMetric, ...]:
    """The metrics that the user named; Ray's readable files hold no goal."""
    available = {
        name
        for trial in trials
        for row in trial.rows
        for name, value in row.items()
        if name not in OWN and isinstance(value, int | float) and not isinstance(value, bool)
    }
    if named and not available:
        return tuple(named)  # Nothing has been reported yet.
    if not named:
        optimised = (state.get("runner_data") or {}).get("_metric")
        name = optimised if isinstance(optimised, str) else min(available, default="loss")
        raise BadInput(
            f"{folder}: Ray Tune does not record in any readable file whether a metric is minimised or maximised: say "
            f"--metric {name}=min or --metric {name}=max; its trials reported {', '.join(sorted(available))}"
        )
    return choose_metrics(folder, (), named, available)


def _parts(trial: _Trial, metrics: Sequence[ForeignMetric], start: float) -> Iterator[ForeignTrial]:
    """The trial, or its parts where it began anew; of several only the last one ended as the trial did.

    When a trial ended that reported nothing is not recorded: it takes no time.
    """
    began = None if math.isinf(trial.began) else float(math.floor(trial.began) - start)
    parts = list(split_at_restarts(_reports(trial, metrics, start)))
    for number, (config, reports) in enumerate(parts, 1):
        yield ForeignTrial(
            number=0,
            config=_flat(config if isinstance(config, dict) else trial.config),
            start=began if number == 1 else None,
            reports=tuple(reports),
            state=trial.state if number == len(parts) else "completed",
        )
    if not parts:
        yield ForeignTrial(number=0, config=_flat(trial.config), start=began, end=began, reports=(), state=trial.state)


def _reports(trial: _Trial, metrics: Sequence[ForeignMetric], start: float) -> Iterator[tuple[Report, Any]]:
    for number, row in enumerate(trial.rows, 1):
        source = f"{trial.file}, report {number}"
        if not any(metric.name in row for metric in metrics):
            continue  # Some trainables report a metric only now and then.
        epoch = row.get(EPOCH)
        if not isinstance(epoch, int | float) or isinstance(epoch, bool) or not 1 <= epoch < math.inf:
            raise BadInput(f"{source}: {EPOCH} = {short_repr(epoch)}: need a number from 1")
        values = {metric.name: require_number(source, metric.name, row.get(metric.name)) for metric in metrics}
        seconds = max(math.floor(require_time(source, TIME, row.get(TIME))) - start, 0.0)
        yield Report(epoch=int(epoch), seconds=float(seconds), values=values), row.get("config")
