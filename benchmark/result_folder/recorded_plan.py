"""Reads the `suite.json` of a results folder, and checks the headers of its ledgers against it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, short_repr
from benchmark.reproducibility.environment import DECIDES_BITS, SETTINGS_FIELD
from benchmark.storage.budget_change import budget_of, lower_limit
from benchmark.storage.ledger_format import Record
from benchmark.storage.resume_check import RunRefused, first_difference
from benchmark.storage.suite_json import RERUN, SUITE_JSON, entries_by_label, read_suite_json, refuse_imported

PARTS = ("name", "options")
"""What identifies an objective in the headers of ledgers."""

LEAVE_OUT = "leave its folder out"
MIXED = f"give --allow-mixed to take them together, or {LEAVE_OUT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A run that `suite.json` asks for."""

    objective: str
    algorithm: str
    repetition: int

    @property
    def path(self) -> Path:
        """Path of its ledger below the suite's folder."""
        return Path("runs", self.objective, self.algorithm, f"{self.repetition:03d}.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSuite:
    """A suite as the `suite.json` in its results folder describes it.

    Attributes:
        folder: that holds the file.
        data: the file's bytes.
        content: checked as far as the merge relies on it.
        objectives: its entries by label.
        algorithms: likewise.
    """

    folder: Path
    data: bytes
    content: Mapping[str, Any]
    objectives: Mapping[str, Mapping[str, Any]]
    algorithms: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """The suite's name."""
        return str(self.content["name"])

    @property
    def budget(self) -> Mapping[str, Any]:
        """The limits of a run, by name."""
        return dict(self.content.get("budget") or {})

    def runs(self) -> Iterator[PlannedRun]:
        """Yield all runs, in the suite's order."""
        for repetition in range(self.content["repetitions"]):
            for objective in self.objectives:
                for algorithm in self.algorithms:
                    yield PlannedRun(objective=objective, algorithm=algorithm, repetition=repetition)

    def check_same(self, other: RecordedSuite) -> None:
        """Refuse a folder of another suite, or of this one with other settings."""
        difference = first_difference(_without_display_names(self.content), _without_display_names(other.content))
        if difference:
            raise RunRefused(f"{other.folder}: another suite than in {self.folder}: {difference}; leave one folder out")

    def identity(self, run: PlannedRun) -> dict[str, Any]:
        """Return what a ledger's header must hold of its run, as far as `suite.json` knows it."""
        objective, algorithm = self.objectives[run.objective], self.algorithms[run.algorithm]
        return {
            "suite_seed": self.content["seed"],
            "objective": {"label": run.objective, "part": {name: objective[name] for name in ("name", "options")}},
            "algorithm": {
                name: value for name, value in algorithm.items() if name not in ("n_workers", "display_name")
            },
            "repetition": run.repetition,
            "clock": self.content["clock"],
            "n_workers": algorithm.get("n_workers") or self.content["n_workers"],
            "resume": self.content["resume"],
        }


class HeaderChecker:
    """Compares the headers of a suite's ledgers with `suite.json` and with each other.

    Args:
        suite: that the ledgers must belong to.
        allow_mixed: whether machines and libraries may differ.
    """

    def __init__(self, suite: RecordedSuite, *, allow_mixed: bool) -> None:
        self.suite, self.allow_mixed = suite, allow_mixed
        self.first_values: dict[tuple[str, ...], tuple[Any, Path]] = {}

    def check(self, run: PlannedRun, header: Record, path: Path) -> None:
        """Check one header.

        Raises:
            RunRefused: it is of another suite, other data, or another machine than one before it.
        """
        recorded, planned = header["run"], self.suite.identity(run)
        difference = first_difference({name: _planned_part(recorded, name) for name in planned}, planned)
        if difference:
            raise RunRefused(f"{path}: {self._another_suite}: {difference}; {LEAVE_OUT}")
        self._check_budget(header, path)
        left_out = (*planned, "calibration", "budget")
        unplanned = {name: value for name, value in recorded.items() if name not in left_out}
        own = {"objective": recorded["objective"], "calibration": recorded.get("calibration")}
        self._agree(("suite",), unplanned, path, "another suite", LEAVE_OUT)
        self._agree(("objective", run.objective), own, path, "another suite", LEAVE_OUT)
        self._agree(("data", run.objective), {"data": header["data"]}, path, "other data", LEAVE_OUT)
        if not self.allow_mixed:
            self._check_machine(run, header["environment"], path)

    @property
    def _another_suite(self) -> str:
        return f"recorded with another suite than {self.suite.folder / SUITE_JSON} says"

    def _check_budget(self, header: Record, path: Path) -> None:
        """Refuse a run that was given more than is planned; one that was given less goes on when the suite does."""
        recorded, planned = budget_of(header), self.suite.budget
        lower = lower_limit(planned, recorded)
        if lower is not None:
            difference = first_difference(recorded.get(lower), planned.get(lower), f"budget.{lower}")
            raise RunRefused(f"{path}: {self._another_suite}: {difference}; {LEAVE_OUT}")

    def _check_machine(self, run: PlannedRun, environment: Mapping[str, Any], path: Path) -> None:
        keys = {"arithmetic": ("arithmetic", run.objective), "libraries": ("libraries", run.algorithm)}
        for name in DECIDES_BITS:
            key, value = keys.get(name, ("machine", name)), {name: environment.get(name)}
            self._agree(key, value, path, "another machine or library version", MIXED)
        for name, text in (environment.get(SETTINGS_FIELD) or {}).items():
            self._agree((SETTINGS_FIELD, name), {f"{SETTINGS_FIELD}.{name}": text}, path, "another setting", MIXED)

    def _agree(self, key: tuple[str, ...], value: Any, path: Path, what: str, remedy: str) -> None:
        """Refuse a value that differs from the first one under the same key."""
        before, where = self.first_values.setdefault(key, (value, path))
        difference = first_difference(before, value)
        if difference:
            raise RunRefused(f"{path}: recorded with {what} than {where}: {difference}; {remedy}")


def find_suite_folder(field: str, path: Path) -> Path:
    """Find a suite's folder: the one given, or the only one in a results folder.

    Raises:
        BadInput: neither.
    """
    try:
        if (path / SUITE_JSON).is_file():
            return path
        inside = sorted(path.glob(f"*/{SUITE_JSON}")) if path.is_dir() else []
    except OSError as error:
        raise BadInput(f"{field} {short_repr(str(path))}: cannot be read ({error.strerror})") from error
    if len(inside) != 1:
        several = f"holds {len(inside)} suites, name one of {', '.join(path.parent.name for path in inside[:8])}"
        none = f"need a suite's results, a folder that holds {SUITE_JSON}"
        raise BadInput(f"{field} {short_repr(str(path))}: {several if inside else none}")
    return inside[0].parent


def read_recorded_suite(folder: Path) -> RecordedSuite:
    """Read the `suite.json` in a suite's folder.

    Raises:
        BadInput: unreadable, of another format, or with a value that is not allowed.
    """
    refuse_imported(folder, "merge")
    data, content = read_suite_json(folder)
    objectives, algorithms = (entries_by_label(content, field) for field in ("objectives", "algorithms"))
    missing = [name for name in ("seed", "n_workers", "resume") if content.get(name) is None]
    missing += [f"objectives.{label}.{name}" for label in objectives for name in PARTS if name not in objectives[label]]
    if missing:
        raise BadInput(f"{folder / SUITE_JSON}: {missing[0]}: missing; {RERUN}")
    return RecordedSuite(folder=folder, data=data, content=content, objectives=objectives, algorithms=algorithms)


def _without_display_names(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a plan without what decides no result."""
    entries = {
        field: [{key: value for key, value in entry.items() if key != "display_name"} for entry in content[field]]
        for field in ("objectives", "algorithms")
    }
    return {**content, **entries}


def _planned_part(recorded: Mapping[str, Any], name: str) -> Any:
    """Return a header's value without what `suite.json` does not hold of it."""
    value = recorded.get(name)
    if name == "objective" and isinstance(value, dict):
        return {key: inner for key, inner in value.items() if key in ("label", "part")}
    return value
