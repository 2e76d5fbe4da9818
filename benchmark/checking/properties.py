"""The properties of the conformance table, each as a function that raises what a subject did against it."""

from __future__ import annotations

import copy
import json
import math
from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from benchmark.checking.subject import (
    Subject,
    drive_on_toys,
    suggestions,
    unwrap,
    without_fidelity,
)
from benchmark.checking.toy_objective import MAX_EPOCHS, SPACES
from benchmark.checking.toy_tasks import toy_error
from benchmark.checking.violation import Violation, require, require_equal
from benchmark.errors import short_repr
from benchmark.reproducibility.process_state import read_settings
from benchmark.reproducibility.seeding import PrivateGenerators, global_states
from objectives.space import Config

Check = Callable[[Subject], None]
FULL_FIDELITIES = {1, 3, 9}
HALVING = {"name": "successive_halving", "eta": 3}
PLACES = (("mixed", 1), ("conditional", 3))
"""A space and simulated workers, where a search is repeated."""


def check_bounds(subject: Subject) -> None:
    """Every proposal is in its space, with one worker and with three."""
    for space, (known, _) in SPACES.items():
        for n_workers in (1, 3):
            jobs = subject.drive(space, n_workers)
            require(jobs, f"proposed nothing on the space {space!r}: the first proposal was None")
            for job in jobs:
                require(known.check(job.config) == job.config, f"proposed {short_repr(job.config)}")
                require(1 <= job.epochs <= MAX_EPOCHS, f"asked for {job.epochs} epochs of {MAX_EPOCHS}")


def check_native_types(subject: Subject) -> None:
    """All values are of the types that the space gives them."""
    for space in ("mixed", "conditional"):
        scheduler = subject.scheduler(space)
        for _ in range(subject.evaluations):
            suggestion = scheduler.suggest()
            if suggestion is None:
                break
            _require_native(space, suggestion)
            subject.tell(scheduler, suggestion)


def _require_native(space: str, suggestion: Config) -> None:
    values = without_fidelity(suggestion)
    for name, value in SPACES[space][0].check(values).items():
        given = type(values[name])
        did = f"proposed {name} = {short_repr(values[name])} of type {given.__module__}.{given.__qualname__}"
        require(given is type(value), did)


def check_seed(subject: Subject) -> None:
    """The same seed proposes the same, another one something else."""
    for space, n_workers in PLACES:
        one, two, other = (suggestions(subject.drive(space, n_workers, seed=seed)) for seed in (1, 1, 2))
        require_equal(one, two, "when it was built again with the same seed,")
        require(one != other, f"proposed the same {len(one)} configurations with another seed")


def check_global_state(subject: Subject) -> None:
    """A search neither reads nor moves the global generators, nor changes settings of the process."""
    require_own_generators(subject, lambda: suggestions(subject.drive("mixed", 3)))


def check_own_draws(subject: Subject) -> None:
    """The class itself leaves the global generators alone, without what keeps a third party's code apart in a suite."""

    def search() -> list[Config]:
        scheduler = unwrap(subject.scheduler("mixed"))
        return suggestions(drive_on_toys(scheduler, SPACES["mixed"][0], 1, toy_error, subject.evaluations))

    require_own_generators(subject, search)


def require_own_generators(subject: Subject, search: Callable[[], list[Config]]) -> None:
    """Search twice, with other states of the global generators, which have to stay as they are."""
    sequences = []
    for seed in (1, 2):
        with PrivateGenerators(np.random.SeedSequence(seed)).active():
            states, settings = global_states(), read_settings()
            sequences.append(search())
            moved = [name for name, state in global_states().items() if state != states.get(name, state)]
            require(not moved, f"drew from the global generator of {', '.join(moved)}, or set it")
            changed = [name for name, value in read_settings().items() if value != settings[name]]
            require(not changed, f"changed the settings {', '.join(changed)} of the process")
    first, second = sequences
    require_equal(first, second, "with other states of the global generators")


def check_failed_trials(subject: Subject) -> None:
    """Some trials crash, or all, or the default alone: the run goes on."""
    for space in ("mixed", "conditional"):
        default = SPACES[space][1]
        for occasion, n_workers, error_of in (
            ("after some errors of inf", 3, _crash_often),
            ("after errors of inf alone", 1, _crash),
            ("after an error of inf of the default configuration", 1, partial(_crash_at, default)),
        ):
            count = len(subject.drive(space, n_workers, error_of))
            require(count > 3, f"proposed nothing more {occasion}, after {count} proposals")


def _crash_often(config: Config) -> float:
    return math.inf if toy_error(config) < 0.4 else toy_error(config)


def _crash(config: Config) -> float:
    return math.inf


def _crash_at(default: Config, config: Config) -> float:
    return math.inf if without_fidelity(config) == default else 0.5


def check_ties(subject: Subject) -> None:
    """Results that are all equal are survived."""
    for space in ("mixed", "constant"):
        for error in (0.9, 0.0):
            jobs = subject.drive(space, 1, partial(_constant, error))
            require(jobs, f"proposed nothing on the space {space!r}")


def _constant(error: float, config: Config) -> float:
    return error


def check_default(subject: Subject) -> None:
    """The first proposal is the default configuration."""
    for space, (_, default) in SPACES.items():
        for n_workers in (1, 3):
            jobs = subject.drive(space, n_workers, evaluations=4)
            first = jobs[0].config if jobs else None
            require(first == default, f"began with {short_repr(first)}, and the default is {short_repr(default)}")


def check_replay(subject: Subject) -> None:
    """A fresh object that is told what was recorded proposes what was recorded, and goes on alike."""
    whole = suggestions(subject.drive("mixed", 3, evaluations=subject.evaluations + 3))
    part = suggestions(subject.drive("mixed", 3, evaluations=subject.evaluations))
    require_equal(part, whole[: len(part)], "in a longer run of the same seed")


def check_conditions(subject: Subject) -> None:
    """On a conditional space only what counts is searched."""
    space = SPACES["conditional"][0]
    for job in subject.drive("conditional"):
        require(set(job.config) == set(space.active(job.config)), f"proposed {short_repr(job.config)}")


def check_pending(subject: Subject) -> None:
    """Proposals without a result differ from each other."""
    scheduler = subject.scheduler("mixed")
    proposed = [without_fidelity(each) for each in (scheduler.suggest() for _ in range(4)) if each is not None]
    for number, config in enumerate(proposed):
        did = f"proposed {short_repr(config)} twice while it had no result"
        require(config not in proposed[:number], did)


def check_fidelity(subject: Subject) -> None:
    """A searcher under successive halving learns of several fidelities; a scheduler keeps to those there are."""
    if subject.role == "scheduler":
        asked = {job.epochs for job in subject.drive("mixed")}
        require(asked <= set(range(1, MAX_EPOCHS + 1)), f"asked for epochs {sorted(asked)} of {MAX_EPOCHS}")
        return
    scheduler = subject.scheduler("mixed", under=HALVING)
    jobs = drive_on_toys(scheduler, SPACES["mixed"][0], 2, toy_error, subject.evaluations + 7)
    trained = {job.epochs for job in jobs}
    require(
        trained >= FULL_FIDELITIES, f"under successive halving trials were trained for {sorted(trained)} epochs only"
    )


def check_copy(subject: Subject) -> None:
    """A copy made in the middle of a run goes on alike."""
    scheduler = subject.scheduler("mixed")
    for _ in range(6):
        suggestion = scheduler.suggest()
        if suggestion is not None:
            subject.tell(scheduler, suggestion)
    try:
        twin = copy.deepcopy(scheduler)
    except Exception as error:  # Whatever it is made of.
        raise Violation(f"cannot be copied: {error}") from error
    ahead, later = ([each.suggest() for _ in range(3)] for each in (twin, scheduler))
    require_equal(ahead, later, "the original itself proposed")


def sequences_of(subject: Subject) -> dict[str, list[Config]]:
    """What a subject proposes on two spaces, sequentially and with three workers, as JSON turns it round."""
    sequences = {f"{space} {count}": suggestions(subject.drive(space, count)) for space, count in PLACES}
    turned: dict[str, list[Config]] = json.loads(json.dumps(sequences))
    return turned


def require_same_elsewhere(subject: Subject, elsewhere: Callable[[], Mapping[str, list[Config]]]) -> None:
    """Compare a subject's searches with those of a fresh process.

    Args:
        subject: the algorithm.
        elsewhere: gives what `sequences_of` the subject is there.
    """
    here = sequences_of(subject)
    there = elsewhere()
    for place, sequence in here.items():
        require_equal(sequence, there[place], "in a fresh process with the same seed")


CONFORMANCE: Mapping[str, Check] = {
    "bounds": check_bounds,
    "native": check_native_types,
    "seed": check_seed,
    "global_state": check_global_state,
    "failed": check_failed_trials,
    "tied": check_ties,
    "default": check_default,
    "replay": check_replay,
    "conditions": check_conditions,
    "pending": check_pending,
    "fidelity": check_fidelity,
    "copy": check_copy,
}
"""The check of every property of the conformance table but "process", which needs another process."""
NEVER_EXCUSED = frozenset({"bounds", "native", "default", "conditions", "fidelity", "global_state", "failed", "tied"})
"""Checked even where an algorithm lacks the property: the harness makes up for it, or the run must survive it."""
