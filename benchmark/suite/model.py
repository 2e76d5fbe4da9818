"""The values that a suite consists of: parts, entries, budget, and its runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from benchmark.calibration.cost_model import Calibration
from benchmark.storage.suite_json import ENDPOINTS

OF_EVERY_OBJECTIVE = ("discretise", "label", "metrics", "constraints")
"""Keys of an objective's table that are no options of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """When a run stops starting evaluations: at the first of these limits that is reached.

    Attributes:
        trials: configurations; promoting one does not count again.
        evaluations: trainings, promotions included (the book's `number_of_trials`).
        epochs: epochs charged; an evaluation that trained none counts as one, so that a run always ends.
        runtime: seconds on the run's clock; what ends later is recorded but does not count.
        trainings: likewise, as so many times the objective's typical seconds of a full training.
    """

    trials: int | None = None
    evaluations: int | None = None
    epochs: int | None = None
    runtime: float | None = None
    trainings: float | None = None

    def seconds(self, typical_seconds: float | None) -> float | None:
        """Return the seconds of a run on an objective, the lower one of two limits; None where there is neither."""
        ends = [] if self.runtime is None else [self.runtime]
        if self.trainings is not None and typical_seconds is not None:
            ends.append(self.trainings * typical_seconds)
        return min(ends, default=None)

    def limits(self) -> dict[str, float]:
        """Return the limits that are set, by name."""
        return {name: limit for name, limit in asdict(self).items() if limit is not None}


def is_dotted(name: str) -> bool:
    """Whether a part is third-party code, named by `package.module:Class` or `package.module.Class`."""
    return ":" in name or "." in name


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A named objective, scheduler or searcher with the user's options for it."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionEntry:
    """What makes an objective of the function that a part names.

    Attributes:
        space: dotted path of a space, or one written in TOML.
        default: dotted path of the first configuration, or that itself; None: there is none.
        max_epochs: epochs of a full training; None leaves it to the function.
        test: dotted path of a function that incumbents are tested by, or None.
    """

    space: str | Mapping[str, Any]
    default: str | Mapping[str, Any] | None = None
    max_epochs: int | None = None
    test: str | None = None

    def paths(self) -> list[str]:
        """The dotted paths that it names."""
        return [path for path in (self.space, self.default, self.test) if isinstance(path, str)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableEntry:
    """What belongs to an objective whose part names an offline table.

    Attributes:
        test: where test values come from; None leaves it to the table.
        folder: in which a relative path begins; no result depends on it.
        optional: whether the suite does without the objective where the table is not here; likewise.
    """

    test: str | None = None
    folder: str | None = None
    optional: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveEntry:
    """An objective under the label that its folder and its curves bear.

    Attributes:
        discretise: levels of each number when only a finite grid of its space is searched, or None.
        display_name: what the analysis shows instead of the label; no result depends on it.
        metrics: those that the suite declares or chooses, as it writes them; None leaves them to the objective.
        constraints: on metrics, as the suite writes them; None: only those that the objective declares.
        function: for a function, what makes an objective of it; None: the part names none.
        table: for an offline table, what belongs to it; None: the part names none.
    """

    label: str
    part: Part
    discretise: int | None = None
    display_name: str | None = None
    metrics: Any = None
    constraints: Any = None
    function: FunctionEntry | None = None
    table: TableEntry | None = None

    @property
    def is_third_party(self) -> bool:
        """Whether the part names code that is not the harness's own."""
        return self.function is not None or (self.table is None and is_dotted(self.part.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmEntry:
    """A scheduler with its searcher; `searcher` is None for a scheduler that needs none.

    Attributes:
        n_workers: simulated parallel workers, or None for the suite's number.
        display_name: what the analysis shows instead of the label; no result depends on it.
    """

    label: str
    scheduler: Part
    searcher: Part | None
    n_workers: int | None = None
    display_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One algorithm on one objective in one repetition, and all that decides its results."""

    suite_seed: int
    objective: ObjectiveEntry
    algorithm: AlgorithmEntry
    repetition: int
    budget: Budget
    clock: str
    calibration: Calibration | None
    n_workers: int
    resume: bool
    timeout: float | None = None
    """Seconds of wall time that an evaluation may train, or None."""

    @property
    def path(self) -> Path:
        """Name of the ledger below the suite's folder."""
        return _run_path(self.objective.label, self.algorithm.label, self.repetition)

    def identity(self) -> dict[str, Any]:
        """The run in JSON values; a ledger is continued only under the same identity."""
        identity: dict[str, Any] = plain(replace(self, calibration=None))
        if self.budget.trainings is None:
            del identity["budget"]["trainings"]
        del identity["calibration"], identity["algorithm"]["n_workers"]  # The run's own says it.
        del identity["objective"]["display_name"], identity["algorithm"]["display_name"]
        for name in ("discretise", "metrics", "constraints", "function", "table"):
            if getattr(self.objective, name) is None:
                del identity["objective"][name]
        if self.objective.table is not None:
            del identity["objective"]["table"]["folder"], identity["objective"]["table"]["optional"]
        if self.timeout is None:
            del identity["timeout"]
        if self.calibration is not None:  # Its prices of other objectives may change.
            digest = self.calibration.digest(self.objective.part.name)
            identity["calibration"] = {"name": self.calibration.name, "digest": digest}
        return identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A comparison: objectives x algorithms x repetitions.

    Attributes:
        clock: "measured" seconds, "modelled" seconds of the calibration, or "tabulated" ones of the objective.
        calibration: prices trials; may be there under a measured clock, to record both.
        device: where its runs train unless the command says otherwise; "auto" is a GPU if there is one.
        timeout: seconds of wall time that an evaluation may train, each by itself then; None: as long as it takes.
        left_out: labels of optional objectives whose tables are not here; no key of its file.
        endpoint: what the analysis tests algorithms by, one of `ENDPOINTS`; no result depends on it.
        control: label of the algorithm that the analysis holds the others against; None leaves it to the analysis.
        targets: errors by objective that the analysis says the time to, beside those that the control reaches.
    """

    name: str
    title: str
    seed: int
    repetitions: int
    clock: str
    calibration: Calibration | None
    n_workers: int
    resume: bool
    device: str
    budget: Budget
    objectives: tuple[ObjectiveEntry, ...]
    algorithms: tuple[AlgorithmEntry, ...]
    endpoint: str = ENDPOINTS[0]
    control: str | None = None
    targets: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    timeout: float | None = None
    left_out: tuple[str, ...] = ()

    def runs(self) -> Iterator[Run]:
        """All runs, repetition by repetition, so that an unfinished suite is balanced."""
        for repetition in range(self.repetitions):
            for objective in self.objectives:
                for algorithm in self.algorithms_on(objective):
                    yield Run(
                        suite_seed=self.seed,
                        objective=objective,
                        algorithm=algorithm,
                        repetition=repetition,
                        budget=self.budget,
                        clock=self.clock,
                        calibration=self.calibration,
                        n_workers=algorithm.n_workers or self.n_workers,
                        resume=self.resume,
                        timeout=self.timeout,
                    )

    def algorithms_on(self, objective: ObjectiveEntry) -> tuple[AlgorithmEntry, ...]:
        """Those that run on an objective: all of them."""
        return self.algorithms


@lru_cache(maxsize=10_000)
def _run_path(objective: str, algorithm: str, repetition: int) -> Path:
    """The same object every time: it is asked for with every record, and making it takes 7 microseconds."""
    return Path("runs", objective, algorithm, f"{repetition:03d}.jsonl")


def plain(value: Any) -> Any:
    """Dataclasses, tuples, mappings and dates of TOML as JSON knows them."""
    if value is None or type(value) in (str, int, float, bool):
        return value
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
