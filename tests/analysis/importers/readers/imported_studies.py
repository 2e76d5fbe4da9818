"""Studies that other tools made, and the curves that an import makes of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.loading.results import load

MAKERS = Path(__file__).parent / "makers"
ENVIRONMENT = {"RAY_AIR_NEW_OUTPUT": "0", "RAY_TRAIN_V2_ENABLED": "0", "OMP_NUM_THREADS": "1"}


def make_studies(tool, folder, library):
    """Let a tool's own library make studies in a folder; returns what its own API reads of them."""
    pytest.importorskip(library, reason=f"{library} is not installed: make adapters")
    (folder / "stand_ins").mkdir()
    (folder / "stand_ins" / "huggingface_hub.py").write_text("snapshot_download = None  # Syne Tune imports it.\n")
    done = subprocess.run(
        [sys.executable, MAKERS / f"{tool}_studies.py", folder],
        cwd=folder,
        env=os.environ
        | ENVIRONMENT
        | {"SYNETUNE_FOLDER": f"{folder}/experiments", "PYTHONPATH": f"{folder}/stand_ins"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "expected.json").read_text())


def imported(results, *arguments, name="imported"):
    """The results that an import makes of what the arguments name."""
    assert main(["import", name, *map(str, arguments), "--results", str(results), "--quiet"]) == 0
    return load(results / name)


def curves_of(results):
    """Times and values of every run's incumbent, in the metric's own direction, by algorithm and repetition."""
    curves = {}
    for objective, algorithm, runs in results.cells():
        metric = next(entry for entry in results.plan.objectives if entry.label == objective).metric
        for run, curve in zip(runs, results.curves(runs, "runtime"), strict=True):
            curves[algorithm, run.repetition] = (np.asarray(curve.t), metric.own(np.asarray(curve.valid)))
    return curves


def assert_same_curve(curve, times, best):
    """The steps of an imported curve are those of the expected one, at the same times."""
    t, values = curve
    defined = np.isfinite(values)
    assert steps(t[defined], values[defined]) == pytest.approx(steps(times, best), rel=1e-12, abs=1e-9)


def steps(times, values):
    """(2 * n,) time and value of the last event at each time at which the value changes."""
    last = dict(zip(np.asarray(times, dtype=float).tolist(), np.asarray(values, dtype=float).tolist(), strict=True))
    kept, found = None, []
    for time, value in sorted(last.items()):
        if value != kept:
            found += [time, value]
            kept = value
    return found
