"""Everything registered, as the conformance suite builds it: through a suite's own path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest

from algorithms import SCHEDULERS, SEARCHERS
from algorithms.adapters import registry
from algorithms.interop.optional_method import NotInstalled, OptionalMethod
from benchmark.checking.properties import sequences_of
from benchmark.checking.subject import EVALUATIONS, Subject
from benchmark.errors import parameters_of
from benchmark.reproducibility.environment import deterministic_arithmetic
from tests import ROOT

SLOW = {
    "searcher gp": {"num_init_random": 3},
    "searcher cost_aware per_second": {"num_init_random": 3},
    "searcher optuna gp": {"options": {"n_startup_trials": 3}},
    "searcher qlognehvi": {"num_init_random": 3},
    "searcher qlognei": {"num_init_random": 3},
    "searcher parego": {"num_init_random": 3},
    "searcher smac_parego": {},
    "searcher syne_tune bore": {},
    "searcher syne_tune cqr": {},
    "searcher syne_tune botorch": {},
    "searcher ray_tune bayesopt": {},
}
"""Methods that take seconds a proposal once they model: options under which a short run gets there."""
SHORT, LATE = 7, 9
"""Evaluations of these: where an option makes them model early, and otherwise."""
EFFORT = {
    "algorithms.searchers.surrogate.FIT_ITERATIONS": 4,
    "algorithms.searchers.model_search.ASCENT_ITERATIONS": 2,
    "algorithms.searchers.model_search.CANDIDATES": 64,
}
"""How hard our Gaussian processes search here."""
OWN_VARIANTS = {"asha": {"promotion": {"variant": "promotion"}, "stopping": {"variant": "stopping"}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A registered searcher or scheduler in one of its variants.

    Attributes:
        role: "searcher" (run under the basic scheduler) or "scheduler" (over random search where it takes
            a searcher).
        entry: of the registry, for a method of another library.
        representative: whether it is the first variant of its method, which every run of the tests looks at;
            the others are looked at by `make conformance`.
    """

    role: str
    name: str
    variant: str
    options: dict[str, Any]
    entry: OptionalMethod | None
    representative: bool = True

    @property
    def label(self):
        return f"{self.role} {self.name}" + (f" {self.variant}" if self.variant else "")

    @property
    def evaluations(self):
        options = SLOW.get(self.label)
        return EVALUATIONS if options is None else SHORT if options else LATE

    def algorithm(self):
        """The table of a suite's `[algorithms.it]`."""
        part = {"name": self.name, **self.options, **SLOW.get(self.label, {})}
        if self.role == "searcher":
            return {"searcher": part}
        made = SCHEDULERS[self.name] if self.entry is None else self.entry.load()
        takes_searcher = "searcher" in parameters_of("it", made)
        return {"scheduler": part, **({"searcher": "random"} if takes_searcher else {})}

    @property
    def tasks(self):
        """The kinds of tasks that it makes full use of, the one that it is mostly tried on first."""
        entry = self.entry or (SEARCHERS if self.role == "searcher" else SCHEDULERS).entries[self.name]
        return entry.tasks

    @property
    def checked(self):
        """What the properties are asked of."""
        return Subject(role=self.role, algorithm=self.algorithm(), evaluations=self.evaluations, kind=self.tasks[0])

    def scheduler(self, space, seed=0, **options):
        """A fresh scheduler, built as a run of a suite builds it."""
        return self.checked.scheduler(space, seed, **options)


@contextmanager
def little_effort() -> Iterator[None]:
    """Let our Gaussian processes search less well, and five times as fast: what all methods promise is the same."""
    with pytest.MonkeyPatch.context() as patch:
        if find_spec("botorch") is not None:
            for name, value in EFFORT.items():
                patch.setattr(name, value)
        yield


def installed(subject):
    """Whether the library of a subject is there."""
    try:
        _ = subject.entry is not None and subject.entry.load()
    except NotInstalled:
        return False
    return True


def subjects():
    """Every variant of every entry of the registries."""
    for role, own, others in (
        ("searcher", SEARCHERS, registry.SEARCHERS),
        ("scheduler", SCHEDULERS, registry.SCHEDULERS),
    ):
        for name in own:
            for variant, options in OWN_VARIANTS.get(name, {"": {}}).items():
                yield Registered(role=role, name=name, variant=variant, options=dict(options), entry=None)
        for name, entry in others.items():
            for position, (variant, options) in enumerate(entry.variants.items()):
                yield Registered(
                    role=role,
                    name=name,
                    variant=variant,
                    options=dict(options),
                    entry=entry,
                    representative=position == 0,
                )


def representative_sequences():
    """The sequences of the first variant of every method."""
    return sequences_by_label(subject for subject in subjects() if subject.representative)


def other_sequences():
    """The sequences of all other variants."""
    return sequences_by_label(subject for subject in subjects() if not subject.representative)


def sequences_by_label(chosen):
    """What installed subjects propose where a search is repeated, by label."""
    with deterministic_arithmetic("cpu"), little_effort():
        return {subject.label: sequences_of(subject.checked) for subject in filter(installed, chosen)}


TABLE = ROOT / "docs" / "conformance.md"
