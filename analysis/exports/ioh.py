"""The format of IOHprofiler, for IOHanalyzer and IOHinspector: a folder an algorithm.

`ALGORITHM/IOHprofiler_fN_OBJECTIVE.json` describes the runs of an objective, and the `.dat` file that it names holds
them one after the other, one row an evaluation within the budget: `evaluations` counts them as they were completed,
`raw_y` is the validation error, then the test error, the seconds on the suite's clock and the epochs so far.
Lower is better; of a metric that is maximised, `raw_y` and `test_error` are its own values, "maximization" is true and
higher is better. Readers take the running best themselves. The instance is the repetition + 1, for each
repetition is a noisy objective of its own. Complete runs and those whose algorithm crashed are exported; an
evaluation that came to nothing has `inf` (`-inf` where higher is better). Format: https://iohprofiler.github.io/IOHanalyzer/data.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import IO, Any

import pandas as pd

from analysis.loading.metric import Metric
from analysis.loading.plan import Objective
from analysis.loading.results import Results, Run
from analysis.study import Study

OPEN = "look at it: iohinspector.DataManager().add_folder('{folder}'), or upload a zip of it to iohanalyzer.liacs.nl"
VERSION = "0.3.5"
"""Of IOHexperimenter, whose files these are like."""
COLUMNS = {
    "evaluations": "completed",
    "raw_y": "valid_error",
    "test_error": "test_error",
    "runtime": "end",
    "epochs": "cumulative_epochs",
}
"""Columns of the data files, and those of the evaluations that they hold."""


def write(study: Study, folder: Path) -> list[str]:
    """Write a folder for every algorithm; returns what a reader must know."""
    results = study.results
    numbers = {objective.label: number for number, objective in enumerate(results.plan.objectives, start=1)}
    declared = {objective.label: objective for objective in results.plan.objectives}
    for label, algorithm, runs in results.cells():
        finished = [run for run in runs if run.aggregated]
        if finished:
            _write_cell(results, folder / algorithm, declared[label], numbers[label], finished)
    left = [run for run in results.runs if not run.aggregated]
    return [f"{len(left)} of {len(results.runs)} runs are missing or not finished, and left out"] if left else []


def _write_cell(results: Results, folder: Path, objective: Objective, number: int, runs: list[Run]) -> None:
    dimension = len(objective.space)
    data = f"data_f{number}_{objective.label}/IOHprofiler_f{number}_DIM{dimension}.dat"
    (folder / data).parent.mkdir(parents=True)
    with (folder / data).open("w", encoding="utf-8", newline="\n") as file:
        described = [_write_run(file, results.evaluations.iloc[run.rows], run, objective.metric) for run in runs]
    content = {
        "version": VERSION,
        "suite": results.plan.name,
        "function_id": number,
        "function_name": objective.label,
        "maximization": objective.metric.maximised,
        "algorithm": {"name": runs[0].algorithm, "info": results.plan.title},
        "experiment_attributes": [{"clock": results.plan.clock}, *_attributes(objective.metric)],
        "attributes": list(COLUMNS),
        "scenarios": [{"dimension": dimension, "path": data, "runs": described}],
    }
    path = folder / f"IOHprofiler_f{number}_{objective.label}.json"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _attributes(metric: Metric) -> list[dict[str, str]]:
    """What `raw_y` is, where the objective declares it."""
    return [{"metric": metric.name}, {"unit": metric.unit}] if metric.declared else []


def _write_run(file: IO[str], rows: pd.DataFrame, run: Run, metric: Metric) -> dict[str, Any]:
    """Append a run, its header first; returns what the JSON file says of it.

    A run without evaluations is one that came to nothing: readers tell runs apart by their first evaluations.
    """
    kept = rows.loc[rows["counted"], list(COLUMNS.values())]
    valid, nothing = kept["valid_error"], metric.own(math.inf)
    shown = kept.assign(valid_error=metric.own(valid), test_error=metric.own(kept["test_error"]))
    lines = [" ".join(map(_number, row)) for row in zip(*(shown[name].tolist() for name in shown), strict=True)]
    file.write("\n".join([" ".join(COLUMNS), *(lines or [f"1 {nothing} {nothing} 0 0"])]) + "\n")
    best = kept.iloc[int(valid.to_numpy().argmin())] if len(kept) and math.isfinite(valid.min()) else None
    return {
        "instance": run.repetition + 1,
        "evals": max(1, len(kept)),
        # JSON has no infinity.
        "best": {
            "evals": 1 if best is None else int(best["completed"]),
            "y": metric.own(sys.float_info.max if best is None else float(best["valid_error"])),
            "x": [],
        },
    }


def _number(value: float) -> str:
    return repr(value)
