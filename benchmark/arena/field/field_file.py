"""The field file: what is compared of the runs of a suite, in one file without pickles.

A run is kept as its improvements, the evaluations that became its incumbent, and a few counts: a thousandth of its
ledger. The header says what the runs depend on, so that a new run is paired with them only if it is alike.
"""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import BadInput, one_line, short_repr
from benchmark.storage.atomic_write import write_or_refuse
from benchmark.storage.untrusted_files import parse_strict_json, read_limited

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
LARGEST_FILE = 200_000_000
LARGEST_UNPACKED = 2_000_000_000
DAMAGE = (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, MemoryError)
"""What reading raises; RuntimeError of an archive that says it is encrypted, MemoryError of an endless array."""

STATES = ("done", "failed", "partial", "missing")
"""What became of a run, in the order of their codes."""

OF_IMPROVEMENTS = {"time": np.float64, "valid": np.float64, "test": np.float64, "trial": np.int32}
OF_RUNS = {
    "state": np.uint8,
    "trials": np.int32,
    "evaluations": np.int32,
    "failures": np.int32,
    "end": np.float64,
    "decide_seconds": np.float64,
}
ENDS = ("best", "typical", "horizon", "typical_seconds")
"""What the header says of an objective's scale and budget; the first two in minimised form."""

KINDS: Mapping[str, Any] = {"starts": np.int64, **OF_IMPROVEMENTS, **OF_RUNS}

MEASURED = ("decide_seconds",)
"""Arrays that no second execution repeats to the bit."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Field:
    """Runs of a suite: objectives x algorithms x repetitions, N of them with M improvements.

    Attributes:
        header: `suite`, `objectives` and `algorithms`: what the runs depend on, and the ends of the objectives.
        starts: (N + 1,) where the improvements of each run begin, and their number.
        time: (M,) seconds of the clock at which an evaluation completed that became the incumbent.
        valid: (M,) its validation value in minimised form.
        test: (M,) its test value, NaN where there is none.
        trial: (M,) its trial's number.
        state: (N,) codes of `STATES`.
        trials: (N,) configurations that were evaluated within the budget.
        evaluations: (N,) trainings.
        failures: (N,) those that came to nothing: crashed, raised, out of time, diverged.
        end: (N,) seconds of the clock at the last evaluation.
        decide_seconds: (N,) measured seconds of all decisions together.
    """

    header: Mapping[str, Any]
    starts: np.ndarray
    time: np.ndarray
    valid: np.ndarray
    test: np.ndarray
    trial: np.ndarray
    state: np.ndarray
    trials: np.ndarray
    evaluations: np.ndarray
    failures: np.ndarray
    end: np.ndarray
    decide_seconds: np.ndarray

    @cached_property
    def objectives(self) -> tuple[str, ...]:
        """The labels of the objectives, in their order."""
        return tuple(entry["label"] for entry in self.header["objectives"])

    @cached_property
    def algorithms(self) -> tuple[str, ...]:
        """The labels of the algorithms, in their order."""
        return tuple(entry["label"] for entry in self.header["algorithms"])

    @property
    def repetitions(self) -> int:
        """How many repetitions there are of every cell."""
        return int(self.header["suite"]["repetitions"])

    def objective(self, label: str) -> Mapping[str, Any]:
        """The header's entry of an objective."""
        return dict(self.header["objectives"][self.objectives.index(label)])

    def number(self, objective: str, algorithm: str, repetition: int) -> int:
        """The number of a run: objective by objective, algorithm by algorithm, repetition by repetition."""
        cell = self.objectives.index(objective) * len(self.algorithms) + self.algorithms.index(algorithm)
        return cell * self.repetitions + repetition

    def run(self, number: int) -> dict[str, np.ndarray]:
        """Everything of one run, by the names of the arrays; the counts as arrays of one element."""
        rows = slice(int(self.starts[number]), int(self.starts[number + 1]))
        own = {name: getattr(self, name)[number : number + 1] for name in OF_RUNS}
        return {name: getattr(self, name)[rows] for name in OF_IMPROVEMENTS} | own

    def improvements(self) -> pd.DataFrame:
        """One row an improvement: objective, algorithm, repetition, runtime, valid_error, test_error, trial.

        A run that failed has a last row of infinite errors, one that is not finished a row of NaN
        (`analysis.many_tasks.tasks.IMPROVEMENTS`).
        """
        import pandas as pd

        whole = self._labels(np.repeat(np.arange(len(self.state)), np.diff(self.starts)))
        columns = {"runtime": self.time, "valid_error": self.valid, "test_error": self.test, "trial": self.trial}
        others = np.flatnonzero(self.state != STATES.index("done"))
        value = np.where(self.state[others] == STATES.index("failed"), np.inf, np.nan)
        ended = {
            "runtime": self.end[others],
            "valid_error": value,
            "test_error": value,
            "trial": np.full(value.size, -1),
        }
        frames = [pd.DataFrame({**whole, **columns})]
        return pd.concat([*frames, pd.DataFrame({**self._labels(others), **ended})] if others.size else frames)

    def runs(self) -> pd.DataFrame:
        """One row a run: objective, algorithm, repetition, its state and its counts."""
        import pandas as pd

        states = np.array(STATES, dtype=object)[self.state]
        counts = {name: getattr(self, name) for name in OF_RUNS if name != "state"}
        return pd.DataFrame({**self._labels(np.arange(len(self.state))), "state": states, **counts})

    def ends(self) -> pd.DataFrame:
        """One row an objective: the ends of its scale in minimised form, NaN where unknown, and its horizon.

        Columns: objective, best, typical, horizon, typical_seconds (`analysis.many_tasks.tasks.ENDS`).
        """
        import pandas as pd

        rows = [[entry["label"], *(entry[name] for name in ENDS)] for entry in self.header["objectives"]]
        frame = pd.DataFrame(rows, columns=["objective", *ENDS])
        return frame.astype(dict.fromkeys(ENDS, np.float64))

    def _labels(self, numbers: Any) -> dict[str, Any]:
        """Objective, algorithm and repetition of runs by their numbers."""
        import pandas as pd

        cells, repetition = np.divmod(numbers, self.repetitions)
        objective, algorithm = np.divmod(cells, len(self.algorithms))
        return {
            "objective": pd.Categorical.from_codes(objective.tolist(), categories=pd.Index(self.objectives)),
            "algorithm": pd.Categorical.from_codes(algorithm.tolist(), categories=pd.Index(self.algorithms)),
            "repetition": repetition,
        }


def encode_field(field: Field) -> bytes:
    """The bytes of a field's file; the same runs give the same bytes."""
    buffer = io.BytesIO()
    text = json.dumps({"format": FORMAT, **field.header}, separators=(",", ":"), allow_nan=False)
    arrays = {name: getattr(field, name).astype(kind) for name, kind in KINDS.items()}
    np.savez_compressed(buffer, header=np.frombuffer(text.encode(), np.uint8), **arrays)
    return buffer.getvalue()


def write_field(path: Path, field: Field) -> None:
    """Write a field's file, atomically.

    Raises:
        BadInput: it cannot be written.
    """
    write_or_refuse(path, encode_field(field))


def read_field(path: Path) -> Field:
    """Read a field's file.

    Raises:
        BadInput: no such file, or not a field.
    """
    data = read_limited(path, LARGEST_FILE)
    try:
        header, arrays = _unpack(data)
    except DAMAGE as error:
        raise BadInput(f"field {path}: not a field ({one_line(error)}); restore the file, or pack it anew") from error
    problem = _problem_of_header(header) or _problem_of_arrays(header, arrays)
    if problem:
        raise BadInput(f"field {path}: {problem}; restore the file, or pack it anew")
    del header["format"]
    return Field(header=header, **arrays)


def _unpack(data: bytes) -> tuple[Any, dict[str, np.ndarray]]:
    expected = sorted(f"{name}.npy" for name in ("header", *KINDS))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = archive.infolist()
    if sum(member.file_size for member in members) > LARGEST_UNPACKED:
        raise ValueError(f"it unpacks to more than {LARGEST_UNPACKED} bytes")
    if sorted(member.filename for member in members) != expected:
        raise ValueError(f"it does not hold exactly {', '.join(expected)}")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays: dict[str, Any] = {name: file[name] for name in ("header", *KINDS)}  # Bytes where it is no array.
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise ValueError("a member is no array")
    return parse_strict_json(arrays.pop("header").tobytes()), arrays


def _problem_of_header(header: Any) -> str | None:
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        return f"format = {short_repr(header.get('format') if isinstance(header, dict) else None)}, need {FORMAT}"
    suite = header.get("suite")
    repetitions = suite.get("repetitions") if isinstance(suite, dict) else None
    if not isinstance(repetitions, int) or isinstance(repetitions, bool) or repetitions < 1:
        return f"suite.repetitions = {short_repr(repetitions)}: need a whole number >= 1"
    for name in ("objectives", "algorithms"):
        entries = header.get(name)
        if not isinstance(entries, list) or not entries or not all(map(_has_label, entries)):
            return f"{name} = {short_repr(entries)}: need a list of tables with a label"
        labels = [entry["label"] for entry in entries]
        if len(set(labels)) < len(labels):
            return f"{name}: a label is there twice"
    ends = [entry.get(name, "missing") for entry in header["objectives"] for name in ENDS]
    if not all(end is None or (isinstance(end, int | float) and not isinstance(end, bool)) for end in ends):
        return "an end of an objective is no number"
    return None


def _has_label(entry: Any) -> bool:
    return isinstance(entry, dict) and isinstance(entry.get("label"), str)


def _problem_of_arrays(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str | None:
    runs = len(header["objectives"]) * len(header["algorithms"]) * header["suite"]["repetitions"]
    for name, kind in KINDS.items():
        if arrays[name].dtype != kind or arrays[name].ndim != 1:
            return f"{name} of type {arrays[name].dtype}, need one axis of {np.dtype(kind)}"
    starts, total = arrays["starts"], arrays["time"].size
    sizes: Sequence[tuple[str, int]] = [("starts", runs + 1), *((name, runs) for name in OF_RUNS)]
    for name, size in (*sizes, *((name, total) for name in OF_IMPROVEMENTS)):
        if arrays[name].size != size:
            return f"{name} holds {arrays[name].size} values, need {size}"
    if starts[0] != 0 or starts[-1] != total or (np.diff(starts) < 0).any():
        return "starts do not divide the improvements"
    if arrays["state"].max() >= len(STATES):
        return "state holds an unknown code"
    if (
        not np.isfinite(arrays["time"]).all()
        or not np.isfinite(arrays["valid"]).all()
        or np.isinf(arrays["test"]).any()
    ):
        return "improvements hold values that are not finite"
    return None
