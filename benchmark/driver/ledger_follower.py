"""Follows ledgers while workers write them, on any backend: what evaluations came to is known at once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from benchmark.driver.repeated_call import repeated_call
from benchmark.reproducibility import canonical_json
from benchmark.result_folder.outcomes import Outcomes
from benchmark.storage.ledger_format import Record, failed_path, partial_path
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import WITHOUT_RESULT
from objectives.objective import ASKED_FOR

SECONDS_BETWEEN_LOOKS = 1.0


class LedgerFollower:
    """Reads what is appended to the ledgers of runs in flight, and says of each kind of failure the first.

    Args:
        folder: the suite's results.
        in_flight: the runs that workers execute, each with the group that trains beside it; changed by the caller.
        say: prints a message to the user.
        take: takes what a run has newly recorded, and when that was seen, in seconds of the monotonic clock.

    Attributes:
        outcomes: of all records read so far.
        route_notes: why objectives are not trained by the fastest route, where it was not asked for.
        first_failed: the first evaluation without a result, and its run; None until one is read, other than quietly.
    """

    def __init__(
        self,
        folder: Path,
        in_flight: Mapping[Path, Sequence[Run]],
        say: Callable[[str], None],
        take: Callable[[Run, Sequence[Record], float], None] = lambda run, records, now: None,
    ) -> None:
        self.folder, self.in_flight, self.say, self.take = folder, in_flight, say, take
        self.outcomes = Outcomes()
        self.route_notes: list[str] = []
        self.first_failed: tuple[Run, Record] | None = None
        self._read_until: dict[Path, tuple[int, int]] = {}  # The file's number, and where in it.
        self._evaluations: dict[Path, int] = {}
        self._lock = threading.Lock()

    def following(self) -> AbstractContextManager[None]:
        """Look at the ledgers every second while the block runs."""
        return repeated_call(self.look, SECONDS_BETWEEN_LOOKS)

    def look(self) -> None:
        """Read what the runs in flight have recorded since the last look."""
        groups = {id(group): group for group in list(self.in_flight.values())}
        for group in groups.values():
            for run in group:
                self.read(run)

    def read(self, run: Run, *, quiet: bool = False) -> None:
        """Read what a run has recorded since it was last read; a quiet read says nothing of failures."""
        with self._lock:
            records = self._new_records(run)
            failures = self.outcomes.add(run, records)
            self.take(run, records, time.monotonic())
            failed = (record for record in records if record.get("state") in WITHOUT_RESULT)
            if not quiet and self.first_failed is None and (record := next(failed, None)) is not None:
                self.first_failed = run, record
        if quiet:
            return
        for record in records:
            if "environment" in record:
                self._say_route(run.objective.label, record["environment"])
        for failure in failures:
            self.say(failure.describe_first())

    def _say_route(self, label: str, environment: Any) -> None:
        """Say once an objective why its trials are not trained by the fastest route, unless that was asked for."""
        reason = environment.get("route_reason") if isinstance(environment, dict) else None
        if reason in (None, ASKED_FOR):
            return
        note = f"note: {label}: trained by the route {environment.get('route')}: {reason}"
        if note not in self.route_notes:
            self.route_notes.append(note)
            self.say(note)

    def _new_records(self, run: Run) -> list[Record]:
        records, evaluations = [], self._evaluations.get(run.path, 0)
        for line in self._new_lines(run):
            try:
                record = canonical_json.decode_roughly(line)
            except ValueError:  # Whether it is damaged is for whoever goes on with the run to say.
                continue
            if not isinstance(record, dict):
                continue
            index = record.get("index")
            if isinstance(index, int):  # A larger budget begins another file with what the first one holds.
                if index < evaluations:
                    continue
                evaluations = index + 1
            records.append(record)
        self._evaluations[run.path] = evaluations
        return records

    def _new_lines(self, run: Run) -> list[bytes]:
        """Return the whole lines that a run's ledger has gained; it changes its name when the run ends."""
        complete, (number, until) = self.folder / run.path, self._read_until.get(run.path, (0, 0))
        for path in (partial_path(complete), complete, failed_path(complete)):
            try:
                with path.open("rb") as file:
                    now = os.fstat(file.fileno()).st_ino
                    start = until if now == number else 0
                    file.seek(start)
                    data = file.read()
            except OSError:
                continue
            lines = data[: data.rfind(b"\n") + 1].splitlines()
            self._read_until[run.path] = now, start + data.rfind(b"\n") + 1
            return lines
        return []
