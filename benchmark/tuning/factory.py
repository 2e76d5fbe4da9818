"""Builds objectives, searchers and schedulers from a suite's names and options."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from algorithms import SCHEDULERS, SEARCHERS
from algorithms.adapters import registry as libraries
from algorithms.interop.optional_method import NotInstalled, OptionalMethod
from algorithms.roles import Scheduler
from benchmark.construction.objective_factory import build_objective
from benchmark.errors import (
    BadInput,
    accepted_arguments,
    call_with_options,
    check_options,
    one_line,
    parameters_of,
)
from benchmark.reproducibility.isolated_scheduler import IsolatedScheduler
from benchmark.reproducibility.process_state import Isolation
from benchmark.reproducibility.seeding import search_generator, seed_sequence
from benchmark.suite.model import AlgorithmEntry, Part, Run, Suite, is_dotted
from benchmark.suite.part_import import check_name, import_part
from benchmark.tuning.clock import check_clock, check_typical_seconds
from benchmark.tuning.tuner import TuningLoop, takes_info
from objectives import OBJECTIVES
from objectives.objective import Objective, checked_default
from objectives.registry import Entry, Registry

FIXED_LIST = Entry(
    "algorithms.schedulers.fixed_list:FixedList",
    "Train a given list of trials, one after the other, and nothing else.",
)
ALL_SEARCHERS: Registry[Any] = SEARCHERS | libraries.SEARCHERS
ALL_SCHEDULERS: Registry[Any] = SCHEDULERS | {"listed": FIXED_LIST} | libraries.SCHEDULERS


def build_scheduler(run: Run, objective: Objective) -> Scheduler:
    """Build a fresh scheduler (holding a fresh searcher) for one run.

    Code by dotted path is offered the same arguments by name as ours: `config_space` (whose
    distributions draw from the run's stream, for code that calls their `rvs()`), `initial_config`,
    `rng`, `max_epochs`, `task`, and `searcher` for a scheduler.

    Raises:
        BadInput: an unknown name or option, or a value that the algorithm refuses.
    """
    label = run.objective.label, run.algorithm.label, run.repetition
    rng = search_generator(run.suite_seed, *label)
    entry = run.algorithm
    if not any(is_dotted(part.name) for part, _ in _parts(entry)) and not library_parts(entry):
        return _assemble(entry, objective, rng)
    names = [part.name for part, registry in _parts(entry) if part.name not in SCHEDULERS | SEARCHERS]
    culprit = f"algorithms.{entry.label} ({', '.join(names)})"
    with Isolation(seed_sequence(run.suite_seed, "imports"), culprit).active():
        _import(entry)
    isolation = Isolation(seed_sequence(run.suite_seed, "globals", *label), culprit)
    with isolation.active():
        scheduler = _assemble(entry, objective, rng)
        return IsolatedScheduler(scheduler, isolation, takes_info=takes_info(scheduler))


def build_loop(run: Run, objective: Objective, scheduler: Scheduler) -> TuningLoop:
    """Build the tuning loop of a run."""
    return TuningLoop(
        scheduler,
        check=objective.space.check_proposal,
        nearest=objective.space.nearest,
        max_epochs=objective.max_epochs,
        budget=replace(run.budget, runtime=run.budget.seconds(objective.typical_seconds)),
        n_workers=run.n_workers,
        resume=run.resume and objective.pausable,
    )


def _import(entry: AlgorithmEntry) -> None:
    """Import an algorithm's parts before its run's streams begin: an import may draw, once in a process."""
    _resolve(f"algorithms.{entry.label}.scheduler", entry.scheduler.name, ALL_SCHEDULERS)
    if entry.searcher is not None:
        _resolve(f"algorithms.{entry.label}.searcher", entry.searcher.name, ALL_SEARCHERS)


def library_parts(entry: AlgorithmEntry) -> list[OptionalMethod]:
    """Return the parts of an algorithm that belong to other libraries."""
    registered = (registry.get(part.name) for part, registry in _parts(entry))
    return [part for part in registered if isinstance(part, OptionalMethod)]


def library_versions(entry: AlgorithmEntry, scheduler: Scheduler | None = None) -> dict[str, str | None]:
    """Return the versions of the libraries that an algorithm belongs to.

    Args:
        entry: the algorithm.
        scheduler: built of it, to ask those that live in another process too.
    """
    versions = {name: found for part in library_parts(entry) for name, found in part.versions().items()}
    for named in [] if scheduler is None else _read_attribute(scheduler, "versions"):
        versions |= named or {}
    return versions


def missing_features(entry: AlgorithmEntry, scheduler: Scheduler) -> dict[str, str]:
    """Return what an algorithm cannot do of what the conformance suite asks, and why; {} for our own."""
    lacks = {name: why for part in library_parts(entry) for name, why in part.lacks.items()}
    for named in _read_attribute(scheduler, "lacks"):
        lacks |= named or {}
    return {name: lacks[name] for name in sorted(lacks)}


def relevant_missing_features(run: Run, objective: Objective, scheduler: Scheduler) -> dict[str, str]:
    """Return those of an algorithm's missing features that may show in the results of this run.

    Unknown conditions matter where the space has some, unknown pending proposals with parallel
    workers, unknown fidelities below a scheduler that trains in part; a copy is never made.
    """
    matters = {
        "copy": False,
        "conditions": bool(objective.space.conditions),
        "pending": run.n_workers > 1,
        "fidelity": run.algorithm.scheduler.name != "basic",
    }
    return {name: why for name, why in missing_features(run.algorithm, scheduler).items() if matters.get(name, True)}


@contextmanager
def closing_algorithm(scheduler: Scheduler) -> Iterator[None]:
    """At the end close what an algorithm holds outside this process, if it does."""
    try:
        yield
    finally:
        for release in _read_attribute(scheduler, "close"):
            if callable(release):
                with _isolation_of(scheduler):
                    release()


def needs_own_process(entry: AlgorithmEntry) -> bool:
    """Whether every run of an algorithm has a process of its own."""
    return any(part.name == "external" for part, _ in _parts(entry))


def _read_attribute(scheduler: Scheduler, name: str) -> list[Any]:
    """Return an attribute of the scheduler itself and of its searcher; None of one that has no such attribute."""
    built = scheduler.scheduler if isinstance(scheduler, IsolatedScheduler) else scheduler
    with _isolation_of(scheduler):
        algorithms = [built, *([built.searcher] if hasattr(built, "searcher") else [])]
        return [getattr(algorithm, name, None) for algorithm in algorithms]


def _isolation_of(scheduler: Scheduler) -> AbstractContextManager[None]:
    return scheduler.isolation.active() if isinstance(scheduler, IsolatedScheduler) else nullcontext()


def _parts(entry: AlgorithmEntry) -> list[tuple[Part, Registry[Any]]]:
    """Return an algorithm's parts and the registry of each."""
    parts: list[tuple[Part, Registry[Any]]] = [(entry.scheduler, ALL_SCHEDULERS)]
    return parts if entry.searcher is None else [*parts, (entry.searcher, ALL_SEARCHERS)]


def check_names(suite: Suite) -> None:
    """Refuse unknown names, and unknown options of our own algorithms, before anything heavy is imported.

    Raises:
        BadInput: the first part that is not there, or does not take one of its options.
    """
    for entry in suite.objectives:
        if entry.function is None and entry.table is None:
            check_name(f"objectives.{entry.label}.name", entry.part.name, OBJECTIVES)
    for algorithm in suite.algorithms:
        for role, (part, registry) in zip(("scheduler", "searcher"), _parts(algorithm), strict=False):
            field = f"algorithms.{algorithm.label}.{role}"
            check_name(field, part.name, registry)
            if part.name in registry and not isinstance(registry.entries[part.name], OptionalMethod):
                check_options(field, registry[part.name], part.options, OFFERED)


def check_suite(suite: Suite) -> dict[str, Objective]:
    """Build every objective and algorithm once, so that nothing bad is found after the start.

    Raises:
        BadInput: the first part that cannot be built.
    """
    objectives = {entry.label: build_objective(entry) for entry in suite.objectives}
    check_clock(suite, objectives)
    check_typical_seconds(suite, objectives)
    for run in suite.runs():
        if run.repetition == 0:
            build_scheduler(run, objectives[run.objective.label])
    return objectives


def _assemble(entry: AlgorithmEntry, objective: Objective, rng: np.random.Generator) -> Scheduler:
    field = f"algorithms.{entry.label}"
    offered = _offer(objective, rng)
    make_scheduler = _resolve(f"{field}.scheduler", entry.scheduler.name, ALL_SCHEDULERS)
    if entry.searcher is None:
        fits, need = "searcher" not in parameters_of(f"{field}.scheduler", make_scheduler), "needs a searcher"
    else:
        fits = bool(accepted_arguments(f"{field}.scheduler", make_scheduler, ("searcher",)))
        need = "takes no searcher"
    if not fits:
        raise BadInput(f"{field}.searcher: the scheduler {entry.scheduler.name!r} {need}")
    if entry.searcher is not None:
        searcher = _make(f"{field}.searcher", entry.searcher, ALL_SEARCHERS, offered)
        offered = {**offered, "searcher": searcher}
    scheduler: Scheduler = _make(f"{field}.scheduler", entry.scheduler, ALL_SCHEDULERS, offered)
    return scheduler


OFFERED = ("config_space", "initial_config", "rng", "max_epochs", "task", "searcher")
"""Arguments that the harness offers to algorithms, by name."""


def _offer(objective: Objective, rng: np.random.Generator) -> dict[str, Any]:
    values = objective.space, checked_default(objective), rng, objective.max_epochs, objective.task
    return dict(zip(OFFERED, values, strict=False))  # A scheduler is offered its searcher, too.


def _make(field: str, part: Part, registry: Mapping[str, Any], offered: dict[str, Any]) -> Any:
    if is_dotted(part.name):
        offered = {**offered, "config_space": offered["config_space"].bound_to(offered["rng"])}
    algorithm = call_with_options(field, _resolve(field, part.name, registry), part.options, offered)
    for method in ("sample_configuration" if registry is ALL_SEARCHERS else "suggest", "update"):
        if not callable(getattr(algorithm, method, None)):
            raise BadInput(f"{field} = {part.name!r}: it has no method {method}()")
    return algorithm


def _resolve(field: str, name: str, registry: Mapping[str, Any]) -> Any:
    """Return the registered callable of that name, or the one at a dotted path."""
    if name in registry:
        found = registry[name]
        try:
            return found.load() if isinstance(found, OptionalMethod) else found
        except NotInstalled as error:
            raise BadInput(f"{field} = {name!r}: {error}") from error
        except (Exception, SystemExit) as error:  # A library that is there may still be broken.
            raise BadInput(f"{field} = {name!r}: cannot be imported ({one_line(error)})") from error
    check_name(field, name, registry)
    return import_part(field, name)
