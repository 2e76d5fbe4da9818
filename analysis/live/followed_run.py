"""One run as its ledger tells of it: of an unfinished one, only what was appended since the last look is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from analysis.loading.ledgers import Ledger, State, check_owner, ledger_of
from analysis.loading.records import FIELDS, LATER_FIELDS
from benchmark.errors import BadInput
from benchmark.storage.ledger_format import Record, decode_record
from benchmark.storage.problem_text import exception_line

LiveState = State | Literal["damaged"]
KEPT = (*FIELDS, *LATER_FIELDS, "valid_metrics", "test_metrics", "kind")
"""What is kept of an evaluation of an unfinished run: its curves would take most of the memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """Labels of a run's objective and algorithm, and its repetition."""

    objective: str
    algorithm: str
    repetition: int

    @property
    def path(self) -> Path:
        """The complete ledger, below the suite's folder."""
        return Path("runs", self.objective, self.algorithm, f"{self.repetition:03d}.jsonl")

    @property
    def place(self) -> tuple[str, str, int]:
        return self.objective, self.algorithm, self.repetition


class FollowedRun:
    """A planned run and what is recorded of it; its follower alone changes it.

    Attributes:
        state: what the name of its file says, or "damaged".
        files: suffix and number of each file that it has.
        evaluations: how many are recorded.
        failures: evaluations by state and reason, for states other than ok.
        problem: why it has failed, or what is damaged.
        grown: the monotonic time at which its file last grew, as far as it is known.
        locked: whether a process of this machine is writing its file.
        revision: grows with everything that is read.
    """

    def __init__(self, name: Name, metrics: Sequence[str]) -> None:
        self.name, self.metrics = name, metrics
        self.files: tuple[tuple[str, int], ...] = ()
        self.revision = 0
        self.clear()

    def clear(self) -> None:
        """Forget what was read, for the file is another one."""
        self.state: LiveState = "missing"
        self.evaluations, self.grown, self.locked, self.problem = 0, 0.0, False, ""
        self.failures: Counter[tuple[str, str]] = Counter()
        self.part: Path | None = None
        self._until = self._crc = 0
        self._records: list[Record] = []
        self._ledger: Ledger | None = None
        self.revision += 1

    @property
    def ended(self) -> bool:
        """Whether means are over this run too."""
        return self.state in ("done", "failed")

    def ledger(self) -> Ledger:
        """Columns of what is recorded."""
        if self._ledger is not None:
            return self._ledger
        where = f"ledger of {self.name.path}"
        return ledger_of(self._records, "partial" if self._records else "missing", where, metrics=self.metrics)

    def take(self, path: Path, records: Sequence[Record], state: State) -> list[Record]:
        """Take a whole ledger that was read and checked; returns its evaluations."""
        evaluations = [record for record in records if record["kind"] == "evaluation"]
        check_owner(path, records, *self.name.place)
        self._ledger = ledger_of(records, state, f"ledger of {self.name.path}", metrics=self.metrics)
        self.state = state
        self._count(evaluations)
        if state == "failed":
            self.problem = exception_line(str(records[-1].get("traceback") or records[-1].get("error") or ""))
        return evaluations

    def read_on(self, path: Path) -> list[Record]:
        """Read what was appended to an unfinished ledger; returns the new evaluations.

        Raises:
            BadInput: a damaged line.
            OSError: the file has gone, or is away for a while.
        """
        self.part, self.state = path, "partial"
        with path.open("rb") as file:
            file.seek(self._until)
            data = file.read()
        records = list(self._decoded(path, data[: data.rfind(b"\n") + 1]))
        if records and not self._records:
            check_owner(path, records, *self.name.place)
        evaluations = [self._slim(path, record) for record in records if record["kind"] == "evaluation"]
        if records:
            self._records += [record for record in records if record["kind"] == "header"] + evaluations
            self._count(evaluations)
            self.revision += 1
        return evaluations

    def size(self) -> int:
        """How many bytes of the unfinished file were read."""
        return self._until

    def _decoded(self, path: Path, data: bytes) -> list[Record]:
        records = []
        for line in data.split(b"\n")[:-1]:
            decoded = decode_record(line, self._crc)
            if decoded is None or "kind" not in decoded[0]:
                raise BadInput(f"{path}: damaged at byte {self._until}")
            record, self._crc = decoded
            self._until += len(line) + 1
            records.append(record)
        return records

    def _slim(self, path: Path, record: Record) -> Record:
        for field, is_allowed in FIELDS.items():
            if field not in record or not is_allowed(record[field]):
                raise BadInput(f"{path}: {field} of an evaluation is not allowed")
        return {key: record[key] for key in (*KEPT, "problem") if key in record}

    def _count(self, evaluations: Sequence[Mapping[str, Any]]) -> None:
        self.evaluations += len(evaluations)
        for record in evaluations:
            if record["state"] != "ok":
                self.failures[record["state"], exception_line(str(record.get("problem") or ""))] += 1
