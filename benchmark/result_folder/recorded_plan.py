"""The plan that a suite's folder declares, and what every ledger of that suite has to say of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, one_line, require_int, short_repr
from benchmark.reproducibility.environment import DECIDES_BITS
from benchmark.result_folder.suite_json_writer import SUITE_JSON
from benchmark.storage.ledger_format import Record
from benchmark.storage.resume_check import RunRefused, first_difference
from benchmark.storage.untrusted_files import parse_strict_json as strict
from benchmark.storage.untrusted_files import read_regular_file, reject_special_files
from benchmark.suite.model import CLOCKS, LABEL, LABEL_RULE

FORMAT = 1
LARGEST_PLAN = 2**24
LEAVE = "leave its folder out"
MIXED = f"give --allow-mixed to take them together, or {LEAVE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A run that a plan asks for."""

    objective: str
    algorithm: str
    repetition: int

    @property
    def path(self) -> Path:
        """Name of its ledger below the suite's folder."""
        return Path("runs", self.objective, self.algorithm, f"{self.repetition:03d}.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedSuite:
    """What `suite.json` in a folder says.

    Attributes:
        folder: where it was found.
        data: the file.
        declared: its content, checked as far as the merge relies on it.
        objectives, algorithms: its entries by label.
    """

    folder: Path
    data: bytes
    declared: Mapping[str, Any]
    objectives: Mapping[str, Mapping[str, Any]]
    algorithms: Mapping[str, Mapping[str, Any]]

    @property
    def name(self) -> str:
        """The suite's name."""
        return str(self.declared["name"])

    def runs(self) -> Iterator[PlannedRun]:
        """All runs, in the suite's order."""
        for repetition in range(self.declared["repetitions"]):
            for objective in self.objectives:
                for algorithm in self.algorithms:
                    yield PlannedRun(objective=objective, algorithm=algorithm, repetition=repetition)

    def check_same(self, other: RecordedSuite) -> None:
        """Refuse a folder of another suite, or of this one with other settings."""
        difference = first_difference(self.declared, other.declared)
        if difference:
            raise RunRefused(f"{other.folder}: another suite than in {self.folder}: {difference}; leave one folder out")

    def identity(self, run: PlannedRun) -> dict[str, Any]:
        """What a ledger's header has to say of its run, as far as the plan knows it."""
        objective, algorithm = self.objectives[run.objective], self.algorithms[run.algorithm]
        return {
            "suite_seed": self.declared["seed"],
            "objective": {"label": run.objective, "part": {name: objective[name] for name in ("name", "options")}},
            "algorithm": {name: value for name, value in algorithm.items() if name != "n_workers"},
            "repetition": run.repetition,
            "clock": self.declared["clock"],
            "n_workers": algorithm.get("n_workers") or self.declared["n_workers"],
            "resume": self.declared["resume"],
        }


class HeaderChecker:
    """Holds the headers of a suite's ledgers against the plan and against each other.

    Args:
        plan: the suite's.
        allow_mixed: whether machines and libraries may differ.
    """

    def __init__(self, plan: RecordedSuite, *, allow_mixed: bool) -> None:
        self.plan, self.allow_mixed = plan, allow_mixed
        self.said: dict[tuple[str, ...], tuple[Any, Path]] = {}

    def check(self, run: PlannedRun, header: Record, path: Path) -> None:
        """Take in one header.

        Raises:
            RunRefused: it is of another suite, other data, or another machine than one before it.
        """
        recorded, planned = header["run"], self.plan.identity(run)
        difference = first_difference({name: _known(recorded, name) for name in planned}, planned)
        if difference:
            whose = f"recorded with another suite than {self.plan.folder / SUITE_JSON} says"
            raise RunRefused(f"{path}: {whose}: {difference}; {LEAVE}")
        unplanned = {name: value for name, value in recorded.items() if name not in (*planned, "calibration")}
        own = {"objective": recorded["objective"], "calibration": recorded.get("calibration")}
        self._agree(("suite",), unplanned, path, "another suite", LEAVE)
        self._agree(("objective", run.objective), own, path, "another suite", LEAVE)
        self._agree(("data", run.objective), {"data": header["data"]}, path, "other data", LEAVE)
        if not self.allow_mixed:
            self._check_machine(run, header["environment"], path)

    def _check_machine(self, run: PlannedRun, environment: Mapping[str, Any], path: Path) -> None:
        told = {name: environment.get(name) for name in DECIDES_BITS}
        whose = {"arithmetic": ("arithmetic", run.objective), "libraries": ("libraries", run.algorithm)}
        for name, value in told.items():
            key = whose.get(name, ("machine", name))
            self._agree(key, {name: value}, path, "another machine or library version", MIXED)

    def _agree(self, key: tuple[str, ...], value: Any, path: Path, what: str, remedy: str) -> None:
        before, where = self.said.setdefault(key, (value, path))
        difference = first_difference(before, value)
        if difference:
            raise RunRefused(f"{path}: recorded with {what} than {where}: {difference}; {remedy}")


def find_suite_folder(field: str, path: Path) -> Path:
    """The suite's folder that is meant: the one given, or the only one in a results folder.

    Raises:
        BadInput: neither.
    """
    try:
        if (path / SUITE_JSON).is_file():
            return _regular(field, path)
        inside = sorted(path.glob(f"*/{SUITE_JSON}")) if path.is_dir() else []
    except OSError as error:
        raise BadInput(f"{field} {short_repr(str(path))}: cannot be read ({error.strerror})") from error
    if len(inside) != 1:
        several = f"holds {len(inside)} suites, name one of {', '.join(found.parent.name for found in inside[:8])}"
        none = f"need a suite's results, a folder that holds {SUITE_JSON}"
        raise BadInput(f"{field} {short_repr(str(path))}: {several if inside else none}")
    return _regular(field, inside[0].parent)


def _regular(field: str, folder: Path) -> Path:
    """A folder in which nothing makes a reader wait."""
    reject_special_files(f"{field} {short_repr(str(folder))}", folder)
    return folder


def read_recorded_suite(folder: Path) -> RecordedSuite:
    """The plan in a suite's folder.

    Raises:
        BadInput: unreadable, of another format, or with a value that is not allowed.
    """
    path = folder / SUITE_JSON
    try:
        data = read_regular_file("plan", path, LARGEST_PLAN)
        declared = strict(data)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    except BadInput:
        raise
    except ValueError as error:
        raise BadInput(f"{path}: not valid JSON ({one_line(error)}); run the suite again to write it anew") from error
    found = declared.get("format") if isinstance(declared, dict) else None
    if found != FORMAT:
        raise BadInput(f"{path}: format {short_repr(found)} is not {FORMAT}, which this version reads")
    try:
        _check(declared)
    except BadInput as error:
        raise BadInput(f"{path}: {error}; run the suite again to write it anew") from error
    objectives, algorithms = (_labelled(declared[field]) for field in ("objectives", "algorithms"))
    return RecordedSuite(folder=folder, data=data, declared=declared, objectives=objectives, algorithms=algorithms)


def _check(declared: Mapping[str, Any]) -> None:
    _label("name", declared.get("name"))
    require_int("repetitions", declared.get("repetitions"), 1, 1000)
    for name in ("seed", "clock", "n_workers", "resume"):
        if name not in declared:
            raise BadInput(f"{name}: missing")
    if declared["clock"] not in CLOCKS:
        raise BadInput(f"clock = {short_repr(declared['clock'])}: need one of {', '.join(CLOCKS)}")
    for field, parts in (("objectives", ("name", "options")), ("algorithms", ())):
        entries = declared.get(field)
        if not isinstance(entries, list) or not entries:
            raise BadInput(f"{field} = {short_repr(entries)}: need a list of tables")
        for entry in entries:
            _label(f"{field}.label", entry.get("label") if isinstance(entry, dict) else None)
            for name in parts:
                if name not in entry:
                    raise BadInput(f"{field}.{entry['label']}.{name}: missing")


def _labelled(entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {entry["label"]: entry for entry in entries}


def _label(field: str, value: object) -> None:
    """Labels become the names of folders: nothing else than letters may be in them."""
    if not isinstance(value, str) or not LABEL.fullmatch(value):
        raise BadInput(f"{field} = {short_repr(value)}: need {LABEL_RULE}")


def _known(recorded: Mapping[str, Any], name: str) -> Any:
    """What a header says under a name, without what the plan does not say there."""
    value = recorded.get(name)
    if name == "objective" and isinstance(value, dict):
        return {key: inner for key, inner in value.items() if key != "discretise"}
    return value
