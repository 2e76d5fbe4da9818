"""A suite with every state that an evaluation and a run can be in, for the exports to keep."""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import pytest

from analysis.commands import export
from analysis.loading.results import load

SPACE = {
    "learning_rate": {"kind": "float", "low": 1e-4, "high": 1.0, "log": True},
    "units": {"kind": "int", "low": 8, "high": 128, "log": False},
    "batch": {"kind": "ordinal", "choices": [16, 64, 256]},
    "activation": {"kind": "categorical", "choices": ["relu", "none", True, 0.5]},
}


def config(rate, units=32, batch=64, activation="relu"):
    """A configuration of `SPACE`."""
    return {"learning_rate": rate, "units": units, "batch": batch, "activation": activation}


def run_export(folder, form, **changes):
    """What `python -m analysis export` does; returns the exit code and the folder that it wrote."""
    options = {"suite": folder.name, "results": str(folder.parent), "to": form, "out": None, "mixed": False}
    code = export.execute(argparse.Namespace(**{**options, "quiet": True, **changes}))
    return code, folder / "exports" / form


@pytest.fixture
def exported():
    """Runs an export, as the command does."""
    return run_export


@pytest.fixture
def varied(plant, planted_evaluation):
    """A planted suite of two algorithms and three repetitions, with its results."""
    suite = plant("varied")
    suite.plan["objectives"], suite.plan["algorithms"] = [], []
    default = config(0.1)
    suite.objective("net", SPACE, default)
    suite.algorithm("random")
    suite.algorithm("asha")
    suite.set(repetitions=3, budget={"trials": 20, "runtime": 100.0})
    e = planted_evaluation
    suite.run(
        [
            e(0, 0.5, 0.55, 10.0, config=default),
            e(1, None, None, 20.0, config=config(0.5, 8, 16, True)),
            e(2, 0.9, 0.9, 30.0, config=config(0.9, 128, 256, 0.5), state="diverged"),
            e(3, 0.25, 0.3, 40.0, config=config(1e-3, 9, 16, "none")),
            e(4, 0.1, 0.1, 101.0, config=config(2e-3)),
        ],
        0,
        objective="net",
    )
    suite.run([e(0, 0.4, 0.5, 7.0, config=config(0.3))], 1, objective="net", state="failed")
    suite.run([], 2, objective="net", state="failed")
    suite.run(
        [
            e(0, 0.6, 0.7, 5.0, config=default, epochs=2),
            e(1, 0.5, 0.6, 9.0, config=config(0.2), epochs=2),
            e(2, 0.3, 0.4, 20.0, config=config(0.2), trial=1, start_epoch=2, epochs=4),
            e(3, 0.35, 0.2, 50.0, config=config(0.2), trial=1, start_epoch=4, epochs=8),
        ],
        0,
        objective="net",
        algorithm="asha",
    )
    suite.run([e(0, 0.6, 0.7, 5.0, config=default)], 1, objective="net", algorithm="asha", state="partial")
    return SimpleNamespace(folder=suite.folder, results=load(suite.folder), suite=suite)
