"""Suites: which objectives, algorithms and repetitions make up a comparison, read from TOML."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.refusal import BadInput, known, nearest, only, whole
from benchmark.seeding import LARGEST_SEED
from benchmark.tuner import Budget

SUITES = Path(__file__).parent / "suites"
LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
CLOCKS = ("measured",)
DEVICES = ("auto", "cpu", "cuda")
LARGEST_FILE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A named objective, scheduler or searcher with the user's options for it."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveEntry:
    """An objective under the label that its folder and its curves bear."""

    label: str
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmEntry:
    """A scheduler with its searcher; `searcher` is None for a scheduler that needs none."""

    label: str
    scheduler: Part
    searcher: Part | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One algorithm on one objective in one repetition, and all that decides its results."""

    suite_seed: int
    objective: ObjectiveEntry
    algorithm: AlgorithmEntry
    repetition: int
    budget: Budget
    clock: str
    n_workers: int
    resume: bool

    @property
    def path(self) -> Path:
        """Name of the ledger below the suite's folder."""
        return Path("runs", self.objective.label, self.algorithm.label, f"{self.repetition:03d}.jsonl")

    def identity(self) -> dict[str, Any]:
        """The run in JSON values; a ledger is continued only under the same identity."""
        identity: dict[str, Any] = _plain(asdict(self))
        return identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A comparison: objectives x algorithms x repetitions.

    Attributes:
        device: where its runs train unless the command says otherwise; "auto" is a GPU if there is one.
    """

    name: str
    title: str
    seed: int
    repetitions: int
    clock: str
    n_workers: int
    resume: bool
    device: str
    budget: Budget
    objectives: tuple[ObjectiveEntry, ...]
    algorithms: tuple[AlgorithmEntry, ...]

    def runs(self) -> Iterator[Run]:
        """All runs, repetition by repetition, so that an unfinished suite is balanced."""
        for repetition in range(self.repetitions):
            for objective in self.objectives:
                for algorithm in self.algorithms:
                    yield Run(
                        suite_seed=self.seed,
                        objective=objective,
                        algorithm=algorithm,
                        repetition=repetition,
                        budget=self.budget,
                        clock=self.clock,
                        n_workers=self.n_workers,
                        resume=self.resume,
                    )


def suite_names() -> list[str]:
    """Names of the suites that come with the harness."""
    return sorted(path.stem for path in SUITES.glob("*.toml"))


def load(suite: str, overrides: list[str] | None = None) -> Suite:
    """Read a suite by its name or by a path to a TOML file.

    Args:
        suite: a name in `benchmark/suites/`, or a path (with a slash or the suffix .toml).
        overrides: `key=value` settings, keys dotted, values as in TOML.

    Raises:
        BadInput: no such suite, unreadable TOML, or a value that is not allowed.
    """
    path = _find(suite)
    table = _read_toml(path)
    for override in overrides or []:
        _override(table, override)
    try:
        return parse(path.stem, table)
    except BadInput as error:
        raise BadInput(f"{path.name}: {error}") from error


def parse(name: str, table: Mapping[str, Any]) -> Suite:
    """A suite from its TOML table.

    Raises:
        BadInput: naming the field, its value and what is allowed.
    """
    if not LABEL.fullmatch(name):
        raise BadInput(f"suite name {name!r}: need lower-case letters, digits, '-' and '_'")
    only("", table, [field.name for field in fields(Suite) if field.name != "name"])
    resume = table.get("resume", True)
    if not isinstance(resume, bool):
        raise BadInput(f"resume = {resume!r}: need true or false")
    return Suite(
        name=name,
        title=_text("title", table.get("title", name)),
        seed=whole("seed", table.get("seed", 0), 0, LARGEST_SEED),
        repetitions=whole("repetitions", table.get("repetitions", 1), 1, 1000),
        clock=known("clock", table.get("clock", "measured"), CLOCKS),
        n_workers=whole("n_workers", table.get("n_workers", 1), 1, 1000),
        resume=resume,
        device=known("device", table.get("device", "auto"), DEVICES),
        budget=_budget(table.get("budget")),
        objectives=tuple(_objective(label, entry) for label, entry in _entries("objectives", table)),
        algorithms=tuple(_algorithm(label, entry) for label, entry in _entries("algorithms", table)),
    )


def _budget(table: object) -> Budget:
    limits = {"trials": 10**9, "evaluations": 10**9, "epochs": 10**12}
    if not isinstance(table, dict) or not table:
        raise BadInput(f"budget = {table!r}: need a table with one or more of trials, evaluations, epochs, runtime")
    only("budget", table, (*limits, "runtime"))
    runtime = table.get("runtime")
    if runtime is not None and (
        isinstance(runtime, bool) or not isinstance(runtime, int | float) or not 0 < runtime < math.inf
    ):
        raise BadInput(f"budget.runtime = {runtime!r}: need a number of seconds > 0")
    counts = {key: whole(f"budget.{key}", table[key], 1, high) for key, high in limits.items() if key in table}
    return Budget(**counts, runtime=None if runtime is None else float(runtime))


def _entries(field: str, table: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    entries = table.get(field)
    if not isinstance(entries, dict) or not entries:
        raise BadInput(f"{field}: need at least one table [{field}.LABEL], got {entries!r}")
    for label, entry in entries.items():
        if not LABEL.fullmatch(label):
            raise BadInput(f"{field}.{label}: need a label of lower-case letters, digits, '-' and '_'")
        if not isinstance(entry, dict):
            raise BadInput(f"{field}.{label} = {entry!r}: need a table [{field}.{label}]")
    return list(entries.items())


def _objective(label: str, entry: dict[str, Any]) -> ObjectiveEntry:
    options = {key: value for key, value in entry.items() if key != "name"}
    return ObjectiveEntry(
        label=label,
        part=Part(name=_text(f"objectives.{label}.name", entry.get("name", label)), options=options),
    )


def _algorithm(label: str, entry: dict[str, Any]) -> AlgorithmEntry:
    field = f"algorithms.{label}"
    only(field, entry, ("scheduler", "searcher"))
    if not entry:
        raise BadInput(f"{field}: need a searcher, a scheduler or both")
    searcher = _part(f"{field}.searcher", entry["searcher"]) if "searcher" in entry else None
    scheduler = _part(f"{field}.scheduler", entry.get("scheduler", "basic"))
    return AlgorithmEntry(label=label, scheduler=scheduler, searcher=searcher)


def _part(field: str, value: object) -> Part:
    """A name, or a table of a name and options."""
    if isinstance(value, str):
        return Part(name=value, options={})
    if not isinstance(value, dict) or "name" not in value:
        raise BadInput(f'{field} = {value!r}: need a name or {{ name = "...", option = value }}')
    options = {key: option for key, option in value.items() if key != "name"}
    return Part(name=_text(f"{field}.name", value["name"]), options=options)


def _text(field: str, value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > 300:
        raise BadInput(f"{field} = {value!r}: need a text of 1 to 300 characters")
    return value


def _find(suite: str) -> Path:
    names = suite_names()
    if suite in names:
        return SUITES / f"{suite}.toml"
    if not ("/" in suite or suite.endswith(".toml")):
        allowed = f"not one of {', '.join(names)}, nor a path to a .toml file"
        raise BadInput(f"suite {suite!r}: {allowed}{nearest(suite, names)}")
    path = Path(suite)
    if not path.exists():
        raise BadInput(f"suite file {suite!r}: there is no such file")
    if not path.is_file():
        raise BadInput(f"suite file {suite!r}: not a regular file")
    return path


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise BadInput(f"suite file {path}: larger than {LARGEST_FILE} bytes")
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"suite file {path}: not valid TOML ({error})") from error
    except OSError as error:
        raise BadInput(f"suite file {path}: cannot be read ({error.strerror})") from error


def _override(table: dict[str, Any], setting: str) -> None:
    """Apply one `key.key=value`; a value that is no TOML is taken as a text."""
    dotted, sign, text = setting.partition("=")
    keys = dotted.strip().split(".")
    if not sign or not all(keys):
        raise BadInput(f"--set {setting!r}: need key=value, with dots between nested keys")
    try:
        value: Any = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    for key in keys[:-1]:
        inner = table.setdefault(key, {})
        if isinstance(inner, str):  # `searcher = "local"` is short for a table with a name.
            inner = table[key] = {"name": inner}
        if not isinstance(inner, dict):
            raise BadInput(f"--set {setting!r}: {key} is not a table")
        table = inner
    table[keys[-1]] = value


def _plain(value: Any) -> Any:
    """Tuples, mappings and dates of TOML as JSON knows them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
