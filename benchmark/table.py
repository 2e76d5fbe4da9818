"""Offline tables: the trials of one objective as they were trained, in one file without pickles."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.refusal import BadInput, said
from benchmark.trainer import Training
from benchmark.tuner import Job
from objectives.space import Config

FORMAT = 1
ARRAYS = ("valid", "test", "seconds", "reached", "diverged", "repetitions")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Every harvested trial of an objective: C configurations, R repetitions, E epochs.

    Attributes:
        header: what the trials depend on: suite_seed, objective, data, environment.
        configs: the configurations, C of them.
        repetitions: (R,) int64, their numbers.
        valid: (C, R, E) float64 validation errors, 0 beyond `reached`.
        test: likewise test errors.
        seconds: likewise measured seconds of training.
        reached: (C, R) int64, epochs known; 0: the trial was not trained.
        diverged: (C, R) bool, whether the last of them ended the training.
        digest: SHA-256 of the file, for the record.
        rows: where a configuration is.
        answers: those given, by row, column and epochs; algorithms share many trials of a repetition.
    """

    header: Mapping[str, Any]
    configs: tuple[Config, ...]
    repetitions: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    seconds: np.ndarray
    reached: np.ndarray
    diverged: np.ndarray
    digest: str
    rows: Mapping[tuple[Any, ...], int]
    answers: dict[tuple[int, int, int, int], Training | None] = field(default_factory=dict)

    def column(self, repetition: int, *, recycle: bool) -> int | None:
        """Where a repetition is; one that is not there stands for one that is, in turn, if `recycle` says so."""
        found = np.flatnonzero(self.repetitions == repetition)
        if found.size:
            return int(found[0])
        return repetition % len(self.repetitions) if recycle else None

    def training(self, column: int | None, job: Job) -> Training | None:
        """The answer to a job, or None where the table does not hold it: nothing is interpolated."""
        row = self.rows.get(_key(job.config))
        if row is None or column is None:
            return None
        question = row, column, job.start_epoch, job.epochs
        if question not in self.answers:
            self.answers[question] = self._answer(*question)
        return self.answers[question]

    def _answer(self, row: int, column: int, start_epoch: int, asked: int) -> Training | None:
        known, diverged = self.reached.item(row, column), self.diverged.item(row, column)
        if known < asked and not (diverged and known):
            return None
        epochs = min(known, asked)
        start = min(start_epoch, epochs)
        valid, test = self.valid[row, column, :epochs].tolist(), self.test[row, column, :epochs].tolist()
        return Training(
            state="diverged" if diverged and epochs == known else "ok",
            epochs=epochs,
            valid_error=valid[-1],
            test_error=test[-1],
            valid_curve=valid[start:],
            test_curve=test[start:],
            train_seconds=self.seconds[row, column, start:epochs].sum().item(),
            paid_seconds=0.0,
        )


def save(path: Path, header: Mapping[str, Any], configs: Sequence[Config], arrays: Mapping[str, np.ndarray]) -> Table:
    """Write a table's file, atomically; the same trials give the same bytes."""
    buffer = io.BytesIO()
    text = json.dumps({"format": FORMAT, **header, "configs": list(configs)}, separators=(",", ":"), allow_nan=False)
    held: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
    np.savez_compressed(buffer, header=np.frombuffer(text.encode(), np.uint8), **held)
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".npz.new")
    fresh.write_bytes(buffer.getvalue())
    fresh.replace(path)
    return load(path)


def load(path: Path) -> Table:
    """Read a table; in a process the same file is read once.

    Raises:
        BadInput: no such file, or not a table.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(
            f"table {path}: cannot be read ({error.strerror}); make it by `python -m benchmark harvest`"
        ) from error
    return _load(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _load(path: Path, modified: int, size: int) -> Table:
    data = path.read_bytes()
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            header = json.loads(file["header"].tobytes())
            arrays = {name: file[name] for name in ARRAYS}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BadInput(f"table {path}: not a table ({said(error)})") from error
    problem = _problem(header, arrays)
    if problem:
        raise BadInput(f"table {path}: {problem}")
    configs = tuple(header.pop("configs"))
    rows = {_key(config): row for row, config in enumerate(configs)}
    return Table(header=header, configs=configs, digest=hashlib.sha256(data).hexdigest(), rows=rows, **arrays)


def _problem(header: Any, arrays: Mapping[str, np.ndarray]) -> str | None:
    """What is wrong with a file's parts, or None."""
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        return f"format = {header.get('format') if isinstance(header, dict) else None!r}, this version reads {FORMAT}"
    missing = [name for name in ("suite_seed", "objective", "data", "environment", "configs") if name not in header]
    if missing:
        return f"{missing[0]} is missing"
    valid = arrays["valid"]
    cell = (len(header["configs"]), len(arrays["repetitions"]))
    if valid.ndim != 3 or valid.shape[:2] != cell or 0 in valid.shape:
        return f"errors of shape {valid.shape} for {cell[0]} configurations and {cell[1]} repetitions"
    shapes = {"test": valid.shape, "seconds": valid.shape, "reached": cell, "diverged": cell}
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape]
    if wrong:
        return f"{wrong[0]} of shape {arrays[wrong[0]].shape}, need {shapes[wrong[0]]}"
    known = np.arange(valid.shape[2]) < arrays["reached"][..., None]
    if not np.isfinite(valid[known]).all() or not np.isfinite(arrays["test"][known]).all():
        return "it holds errors that are not finite"
    if arrays["reached"].min() < 0 or arrays["reached"].max() > valid.shape[2]:
        return "it tells of more epochs than it holds"
    return None


def _key(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(config.items())
