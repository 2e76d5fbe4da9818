"""Reads and writes offline tables: the trials of one objective as they were trained, in one file without pickles."""

from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import BadInput, one_line, shell_command, short_repr
from benchmark.storage.atomic_write import write_atomically
from benchmark.storage.untrusted_files import parse_strict_json, read_limited
from benchmark.tuning.evaluation import TrainingResult
from benchmark.tuning.tuner import Job
from objectives.space import Config

FORMAT = 1
KINDS = {
    "valid": np.float64,
    "test": np.float64,
    "seconds": np.float64,
    "reached": np.int64,
    "diverged": np.bool_,
    "repetitions": np.int64,
}
"""Type of each array; anything else, or the other order of bytes, is refused: nothing is converted."""

ARRAYS = tuple(KINDS)
HEADER = {"suite_seed": int, "objective": dict, "data": dict, "environment": dict, "configs": list}
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
        valid: (C, R, E) float64 validation errors, 0 beyond `reached`.
        test: likewise test errors, NaN where they are not known.
        seconds: likewise measured seconds of training.
        reached: (C, R) int64, epochs known; 0: the trial was not trained.
        diverged: (C, R) bool, whether the last of them ended the training.
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
        valid, numbers = self.valid[row, column, :epochs].tolist(), self.test[row, column, :epochs].tolist()
        test = [None if math.isnan(error) else error for error in numbers]
        return TrainingResult(
            state="diverged" if diverged and epochs == known else "ok",
            epochs=epochs,
            valid_error=valid[-1],
            test_error=test[-1],
            valid_curve=valid[start:],
            test_curve=test[start:],
            train_seconds=self.seconds[row, column, start:epochs].sum().item(),
            paid_seconds=0.0,
        )


def save_table(
    path: Path, header: Mapping[str, Any], configs: Sequence[Config], arrays: Mapping[str, np.ndarray]
) -> Table:
    """Write a table's file, atomically; the same trials give the same bytes."""
    buffer = io.BytesIO()
    text = json.dumps({"format": FORMAT, **header, "configs": list(configs)}, separators=(",", ":"), allow_nan=False)
    held: dict[str, Any] = {name: arrays[name] for name in ARRAYS}
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
    problem = _problem(header, arrays)
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
    if sorted(names) != sorted(expected):
        raise ValueError(f"it holds {', '.join(map(repr, sorted(names)[:8]))}, need {', '.join(expected)}")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return parse_strict_json(file["header"].tobytes()), {name: file[name] for name in ARRAYS}


def _problem(header: Any, arrays: Mapping[str, np.ndarray]) -> str | None:
    """Return what is wrong with a file's parts, or None."""
    return _problem_of_header(header) or _problem_of_arrays(len(header["configs"]), arrays)


def _problem_of_header(header: Any) -> str | None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        return f"format = {short_repr(header.get('format') if isinstance(header, dict) else None)}, need {FORMAT}"
    for name, kind in HEADER.items():
        if name not in header:
            return f"{name} is missing"
        if not isinstance(header[name], kind) or isinstance(header[name], bool):
            return f"{name} = {short_repr(header[name])}: need a value of type {kind.__name__}"
    if not isinstance(header["objective"].get("part"), dict):
        return f"objective = {short_repr(header['objective'])}: need a table with a part"
    for config in header["configs"]:
        if not isinstance(config, dict) or not all(
            isinstance(value, bool | int | float | str | None) for value in config.values()
        ):
            return f"configs hold {short_repr(config)}: need tables of numbers, texts, truth values and nulls"
    if len({_key(config) for config in header["configs"]}) != len(header["configs"]):
        return "configs hold one of them twice"
    return None


def _problem_of_arrays(configs: int, arrays: Mapping[str, np.ndarray]) -> str | None:
    wrong = [name for name, kind in KINDS.items() if arrays[name].dtype != kind]
    if wrong:
        return f"{wrong[0]} of type {arrays[wrong[0]].dtype}, need {np.dtype(KINDS[wrong[0]])}"
    valid = arrays["valid"]
    cell = (configs, arrays["repetitions"].size)
    if valid.ndim != 3 or valid.shape[:2] != cell or 0 in valid.shape:
        return f"errors of shape {valid.shape} for {cell[0]} configurations and {cell[1]} repetitions"
    shapes = {"test": valid.shape, "seconds": valid.shape, "reached": cell, "diverged": cell, "repetitions": cell[1:]}
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape]
    if wrong:
        return f"{wrong[0]} of shape {arrays[wrong[0]].shape}, need {shapes[wrong[0]]}"
    return _problem_of_values(arrays)


def _problem_of_values(arrays: Mapping[str, np.ndarray]) -> str | None:
    reached, repetitions, epochs = arrays["reached"], arrays["repetitions"], arrays["valid"].shape[2]
    if reached.min() < 0 or reached.max() > epochs:
        return "it counts more epochs than it holds"
    if repetitions.min() < 0 or len(set(repetitions.tolist())) != repetitions.size:
        return f"repetitions = {short_repr(repetitions.tolist())}: need different numbers >= 0"
    known = np.arange(epochs) < reached[..., None]
    if not np.isfinite(arrays["valid"][known]).all() or np.isinf(arrays["test"][known]).any():
        return "it holds errors that are not finite"
    seconds = arrays["seconds"][known]
    if not (np.isfinite(seconds) & (seconds >= 0)).all():
        return "it holds seconds that are not finite or less than 0"
    return None


def _key(config: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(config.items())
