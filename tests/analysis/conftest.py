"""Plants suites: a plan and ledgers with the results a test wants."""

from __future__ import annotations

import json
import zlib
from importlib import import_module
from pathlib import Path

import pytest

SUFFIXES = {"done": ".jsonl", "partial": ".jsonl.part", "failed": ".jsonl.failed"}
RATE = {"kind": "float", "low": 1e-4, "high": 1.0, "log": True}


def ledger_bytes(records):
    """The records as a ledger: one line each, checksums chained."""
    crc, lines = 0, []
    for record in records:
        body = json.dumps(record, separators=(",", ":")).encode()
        crc = zlib.crc32(body, crc)
        lines.append(body[:-1] + b',"crc":"%08x"}\n' % crc)
    return b"".join(lines)


def evaluation(index, valid, test, end, **changes):
    """An evaluation record; `valid` None is a crashed one."""
    record = {
        "kind": "evaluation",
        "index": index,
        "trial": index,
        "config": {"learning_rate": 0.1},
        "start_epoch": 0,
        "epochs": 2,
        "state": "crashed" if valid is None else "ok",
        "valid_error": valid,
        "test_error": test,
        "valid_curve": [],
        "test_curve": [],
        "train_seconds": 0.5,
        "decide_seconds": 0.25,
        "start": 0.0,
        "end": end,
    }
    return record | changes


class PlantedSuite:
    """A suite's folder in the making; `plan` may be changed until it is read."""

    def __init__(self, results, name="planted"):
        self.folder = Path(results) / name
        self.folder.mkdir(parents=True)
        self.plan = {
            "format": 1,
            "name": name,
            "title": "Planted results",
            "seed": 1,
            "repetitions": 2,
            "clock": "measured",
            "n_workers": 1,
            "resume": True,
            "budget": {"trials": 20},
            "objectives": [],
            "algorithms": [],
        }
        self.objective("bowl")
        self.algorithm("random")

    def objective(self, label, space=None, default=None):
        """Add an objective to the plan."""
        space = {"learning_rate": RATE} if space is None else space
        entry = {"label": label, "name": label, "options": {}, "space": space, "max_epochs": 8}
        self.plan["objectives"].append({**entry, "default": default, "chance_error": 0.9})
        self._save()

    def algorithm(self, label):
        """Add an algorithm to the plan."""
        self.plan["algorithms"].append({"label": label})
        self._save()

    def set(self, **values):
        """Change keys of the plan."""
        self.plan.update(values)
        self._save()

    def run(self, evaluations, repetition=0, *, objective="bowl", algorithm="random", state="done", environment=None):
        """Write the ledger of one run; evaluations are records, or tuples (valid, test, end)."""
        records = [
            record if isinstance(record, dict) else evaluation(index, *record)
            for index, record in enumerate(evaluations)
        ]
        run = {"objective": {"label": objective}, "algorithm": {"label": algorithm}, "repetition": repetition}
        run["clock"] = self.plan["clock"]
        header = {
            "kind": "header",
            "format": 1,
            "run": run,
            "data": {},
            "environment": environment or {},
            "created": "now",
        }
        last = {"done": [{"kind": "end", "reason": "budget", "evaluations": len(records)}], "partial": []}
        last["failed"] = [{"kind": "failure", "error": "planted", "traceback": ""}]
        path = self.folder / "runs" / objective / algorithm / f"{repetition:03d}{SUFFIXES[state]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(ledger_bytes([header, *records, *last[state]]))
        return path

    def _save(self):
        (self.folder / "suite.json").write_text(json.dumps(self.plan))


@pytest.fixture(autouse=True, scope="module")
def _small_figures():
    """Draw PNG files at a fifth of their resolution, for what is in them does not depend on it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("analysis.figures.rendering"), "DPI", 30)
        yield


@pytest.fixture
def full_size_figures(monkeypatch):
    """Draw PNG files at the resolution of the command line, for tests that compare with another process."""
    monkeypatch.setattr(import_module("analysis.figures.rendering"), "DPI", 150)


@pytest.fixture
def plant(tmp_path):
    """Makes planted suites below `tmp_path / "results"`."""
    return lambda name="planted": PlantedSuite(tmp_path / "results", name)


@pytest.fixture
def suite(plant):
    """One planted suite: objective bowl, algorithm random, two repetitions, no ledger yet."""
    return plant()


@pytest.fixture
def planted_evaluation():
    """The maker of evaluation records."""
    return evaluation


@pytest.fixture
def planted_ledger():
    """The maker of ledger bytes from records."""
    return ledger_bytes
