"""Reads and writes offline tables: the trials of one objective as they were trained, in one file without pickles."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import BadInput, one_line, shell_command
from benchmark.storage.atomic_write import write_atomically
from benchmark.storage.untrusted_files import parse_strict_json, read_limited
from benchmark.tabular.table_checks import ARRAYS, FORMAT, OPTIONAL, describe_problem_of_table
from benchmark.tuning.evaluation import Curves, TrainingResult
from benchmark.tuning.tuner import Job
from objectives.space import Config

DAMAGE = (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, MemoryError)
"""What reading raises; RuntimeError of an archive that says it is encrypted, MemoryError of an endless array."""

LARGEST_FILE = 2_000_000_000
LARGEST_UNPACKED = 8_000_000_000
"""Bytes; a table of 10 000 configurations, 100 repetitions and 100 epochs unpacks to 2.4 billion."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Every harvested trial of an objective: C configurations, R repetitions, E epochs.

    Attributes:
        header: what the trials depend on: suite_seed, objective, data, environment.
        configs: the configurations, C of them.
        repetitions: (R,) int64, their numbers.
        valid: (C, R, E) float64 validation errors, 0 beyond `reached`, NaN after an epoch that was not measured.
        test: likewise test errors, NaN where they are not known.
        seconds: likewise measured seconds of training.
        reached: (C, R) int64, epochs known; 0: the trial was not trained.
        diverged: (C, R) bool, whether the last of them ended the training.
        metrics: (C, R, E, M) float64 validation metrics in the order of the header's `metrics`, NaN where they were not
            measured; None of an objective that declares none.
        test_metrics: likewise of the test set.
        reported: (C, R, E) float64 seconds that the objective reports, or None.
        digest: SHA-256 of the file, for the record.
        rows: row of each configuration.
        answers: earlier ones, by row, column and epochs; algorithms share many trials of a repetition.
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
    metrics: np.ndarray | None = None
    test_metrics: np.ndarray | None = None
    reported: np.ndarray | None = None
    answers: dict[tuple[int, int, int, int], TrainingResult | None] = field(default_factory=dict)

    def column(self, repetition: int, *, recycle: bool) -> int | None:
        """Return the column of a repetition; `recycle` lets those that are there stand for further ones, in turn."""
        columns = np.flatnonzero(self.repetitions == repetition)
        if columns.size:
            return int(columns[0])
        return repetition % len(self.repetitions) if recycle else None

    def training(self, column: int | None, job: Job) -> TrainingResult | None:
        """Look up the answer to a job; None where the table does not hold it: nothing is interpolated."""
        row = self.rows.get(_key(job.config))
        if row is None or column is None:
            return None
        question = row, column, job.start_epoch, job.epochs
        if question not in self.answers:
            self.answers[question] = self._answer(*question)
        return self.answers[question]

    def _answer(self, row: int, column: int, start_epoch: int, asked: int) -> TrainingResult | None:
        known, diverged = self.reached.item(row, column), self.diverged.item(row, column)
        if known < asked and not (diverged and known):
            return None
        epochs = min(known, asked)
        start = min(start_epoch, epochs)
        cell = row, column
        valid, test = _known(self.valid[cell][:epochs]), _known(self.test[cell][:epochs])
        if valid[-1] is None:
            return None
        added = (*cell, slice(start, epochs))
        result = TrainingResult(
            state="diverged" if diverged and epochs == known else "ok",
            epochs=epochs,
            valid_error=valid[-1],
            test_error=test[-1],
            valid_curve=valid[start:],
            test_curve=test[start:],
            train_seconds=self.seconds[row, column, start:epochs].sum().item(),
            paid_seconds=0.0,
            valid_metrics=self._curves(self.metrics, added),
            test_metrics=self._curves(self.test_metrics, added),
            reported_seconds=None if self.reported is None else self.reported[added].sum().item(),
        )
        return self._of_one_training(result, (*cell, epochs - 1)) if self.header.get("unmeasured") else result

    def _of_one_training(self, result: TrainingResult, end: tuple[int, int, int]) -> TrainingResult:
        """Leave what other trainings have measured of earlier epochs out: each was trained to its own fidelity."""

        def last(curves: Curves | None) -> Curves | None:
            return None if curves is None else {name: _only_last(curve) for name, curve in curves.items()}

        return replace(
            result,
            valid_curve=_only_last(result.valid_curve),
            test_curve=_only_last(result.test_curve),
            train_seconds=self.seconds[end].item(),
            valid_metrics=last(result.valid_metrics),
            test_metrics=last(result.test_metrics),
            reported_seconds=None if self.reported is None else self.reported[end].item(),
        )

    def _curves(self, values: np.ndarray | None, cells: tuple[int, int, slice]) -> Curves | None:
        """Metrics by name, an epoch each; of test metrics those that any trial has."""
        if values is None:
            return None
        numbers = enumerate(self.header["metrics"])
        named = {name: values[..., number] for number, name in numbers}
        held = {name: array for name, array in named.items() if values is self.metrics or not np.isnan(array).all()}
        return {name: _known(array[cells]) for name, array in held.items()}


def _known(values: np.ndarray) -> list[float | None]:
    """The values as floats, None for what is not known."""
    return [None if math.isnan(value) else value for value in values.tolist()]


def _only_last(curve: list[float | None]) -> list[float | None]:
    return [*[None] * (len(curve) - 1), *curve[-1:]]


def save_table(
    path: Path, header: Mapping[str, Any], configs: Sequence[Config], arrays: Mapping[str, np.ndarray]
) -> Table:
    """Write a table's file, atomically; the same trials give the same bytes."""
    buffer = io.BytesIO()
    text = json.dumps({"format": FORMAT, **header, "configs": list(configs)}, separators=(",", ":"), allow_nan=False)
    held: dict[str, Any] = {name: arrays[name] for name in (*ARRAYS, *OPTIONAL) if name in arrays}
    np.savez_compressed(buffer, header=np.frombuffer(text.encode(), np.uint8), **held)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())
    return load_table(path)


def load_table(path: Path) -> Table:
    """Read a table; in a process the same file is read once.

    Raises:
        BadInput: no such file, or not a table.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(
            f"table {path}: cannot be read ({error.strerror}); "
            f"make it by `{shell_command('benchmark', 'harvest', 'SUITE')}`"
        ) from error
    return _load(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _load(path: Path, modified: int, size: int) -> Table:
    try:
        data = read_limited(path, LARGEST_FILE)
        header, arrays = _unpack(data)
    except BadInput:
        raise
    except DAMAGE as error:
        raise BadInput(f"table {path}: not a table ({one_line(error)})") from error
    problem = describe_problem_of_table(header, arrays)
    if problem:
        raise BadInput(f"table {path}: {problem}")
    configs = tuple(header.pop("configs"))
    rows = {_key(config): row for row, config in enumerate(configs)}
    return Table(header=header, configs=configs, digest=hashlib.sha256(data).hexdigest(), rows=rows, **arrays)


def _unpack(data: bytes) -> tuple[Any, dict[str, Any]]:
    """Unpack a table's file, if it is an archive of the expected members and not larger than it may be.

    Sizes are the archive's own word, and the reader stops there: a file that unpacks a thousandfold is
    refused before it is unpacked, and an array that claims to be larger than its member when it is read.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        names = [member.filename for member in archive.infolist()]
    if unpacked > LARGEST_UNPACKED:
        raise ValueError(f"it unpacks to {unpacked} bytes, at most {LARGEST_UNPACKED} are read")
    expected = [f"{name}.npy" for name in ("header", *ARRAYS)]
    optional = [f"{name}.npy" for name in OPTIONAL]
    if sorted(name for name in names if name not in optional) != sorted(expected):
        raise ValueError(f"it holds {', '.join(map(repr, sorted(names)[:8]))}, need {', '.join(expected)}")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = {name: file[name] for name in (*ARRAYS, *OPTIONAL) if name in file}
        return parse_strict_json(file["header"].tobytes()), arrays


def _key(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(config.items())
