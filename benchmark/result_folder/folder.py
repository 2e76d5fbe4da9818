"""The folder of a suite's results: claimed by one process or by shards, with the plan that the analysis reads."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from uuid import uuid4

from benchmark.errors import BadInput
from benchmark.planning.shard import Shard
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Suite
from objectives.objective import Objective

PLAN = "suite.json"
LOCK = ".lock"


@contextmanager
def claimed(folder: Path, shard: Shard | None = None) -> Iterator[None]:
    """Hold the suite's folder for this process, or one shard of it; a second one is refused at once.

    Shards of one split work side by side: each holds a lock of its own, and all of them together the one
    that a process without a shard holds alone. Other splits cut the runs elsewhere and have to wait.

    Raises:
        RunRefused: another process works there, or the file system does not lock.
        BadInput: the folder cannot be written.
    """
    with ExitStack() as held:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            held.enter_context(_locked(folder / LOCK, folder, "this suite", shared=shard is not None))
            if shard is not None:
                held.enter_context(_locked(folder / f"{LOCK}-{shard.name}", folder, f"the shard {shard}"))
                _check_split(folder, shard)
        except OSError as error:
            raise BadInput(f"results folder {folder}: cannot be written ({error.strerror})") from error
        yield


def _check_split(folder: Path, shard: Shard) -> None:
    """Refuse to run beside shards of another split, whose runs are partly the same."""
    for lock in sorted(folder.glob(f"{LOCK}-*-of-*")):
        if not lock.name.endswith(f"-of-{shard.of}"):
            name = lock.name.removeprefix(f"{LOCK}-").replace("-of-", "/")
            with _locked(lock, folder, f"the shard {name}, of another split than {shard}", shared=True):
                pass


@contextmanager
def _locked(path: Path, folder: Path, what: str, *, shared: bool = False) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunRefused(f"{folder}: another process is running {what}; wait for it or stop it") from error
        except OSError as error:  # Lustre without its mount option, NFS without its lock daemon.
            remedy = "use a --results folder on a disk of this machine, and merge"
            raise RunRefused(f"{folder}: its file system locks no files ({error.strerror}); {remedy}") from error
        yield
    finally:
        os.close(lock)


def write_plan(folder: Path, suite: Suite, objectives: dict[str, Objective]) -> None:
    """Write what the analysis has to know of the suite besides its ledgers, atomically."""
    budget = {name: limit for name, limit in asdict(suite.budget).items() if limit is not None}
    plan = {
        "format": 1,
        **{field: getattr(suite, field) for field in ("name", "title", "seed", "repetitions", "clock", "n_workers")},
        "calibration": None
        if suite.calibration is None
        else {"name": suite.calibration.name, "device": suite.calibration.device},
        "resume": suite.resume,
        "budget": budget,
        "endpoint": suite.endpoint,
        "control": suite.control,
        **({"targets": {label: list(errors) for label, errors in suite.targets.items()}} if suite.targets else {}),
        "objectives": [
            {
                "label": entry.label,
                "name": entry.part.name,
                "options": dict(entry.part.options),
                "space": objectives[entry.label].space.describe(),
                "max_epochs": objectives[entry.label].max_epochs,
                "default": objectives[entry.label].default,
                "best_error": objectives[entry.label].best_error,
                "chance_error": objectives[entry.label].chance_error,
            }
            for entry in suite.objectives
        ],
        "algorithms": [asdict(entry) for entry in suite.algorithms],
    }
    text = json.dumps(plan, indent=1, default=str) + "\n"
    path = folder / PLAN
    try:
        if not path.exists() or path.read_text() != text:
            fresh = path.with_suffix(f".json.{uuid4().hex}.new")  # Shards write the same at the same time.
            fresh.write_text(text)
            fresh.replace(path)
    except OSError as error:
        raise BadInput(f"plan {path}: cannot be written ({error.strerror})") from error
