"""Everything registered, as the conformance suite builds it: through a suite's own path."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from scipy import stats

from algorithms import SCHEDULERS, SEARCHERS
from algorithms.adapters import registry
from algorithms.interop.optional_method import NotInstalled, OptionalMethod
from benchmark.errors import parameters_of
from benchmark.reproducibility.environment import deterministic_arithmetic
from benchmark.suite.model import Budget
from benchmark.suite.parsing import parse
from benchmark.tuning.factory import build_scheduler
from objectives.epoch import Epoch
from objectives.objective import Objective
from objectives.space import FIDELITY, Categorical, Condition, Integer, Ordinal, Space
from tests import ROOT
from tests.algorithms import driving
from tests.algorithms.driving import suggestions, toy_error
from tests.algorithms.tasks import TASKS, information, toy_values

MAX_EPOCHS = 9
EVALUATIONS = 16
SPACES = {
    "one": (Space({"rate": stats.loguniform(1e-4, 1)}), {"rate": 0.1}),
    "mixed": (
        Space(
            {
                "optimizer.lr": stats.loguniform(1e-200, 1e200),
                "net/width": Integer(8, 64, log=True),
                "activation": Categorical(["relu", "tanh", None]),
                "batch-size": Ordinal([16, 32, 64, 128]),
                "bias": stats.norm(0, 1),
            }
        ),
        {"optimizer.lr": 0.1, "net/width": 32, "activation": None, "batch-size": 64, "bias": 0.25},
    ),
    "conditional": (
        Space(
            {
                "rate": stats.loguniform(1e-4, 1),
                "layers": stats.randint(1, 4),
                "width_2": stats.randint(8, 65),
                "width_3": stats.randint(8, 65),
                "nesterov": Categorical([True, False]),
            },
            {
                "width_2": Condition(parent="layers", values=(2, 3)),
                "width_3": Condition(parent="layers", values=(3,)),
            },
        ),
        {"rate": 0.1, "layers": 2, "width_2": 32, "nesterov": False},
    ),
    "constant": (
        Space({"width": stats.randint(3, 4), "activation": Categorical(["relu"])}),
        {"width": 3, "activation": "relu"},
    ),
}


SLOW = {
    "searcher optuna gp": {"options": {"n_startup_trials": 5}},
    "searcher qlognehvi": {"num_init_random": 3},
    "searcher qlognei": {"num_init_random": 3},
    "searcher parego": {"num_init_random": 3},
    "searcher syne_tune bore": {},
    "searcher syne_tune cqr": {},
    "searcher syne_tune botorch": {},
    "searcher ray_tune bayesopt": {},
}
"""Methods that take seconds a proposal once they model: options under which a short run gets there."""
SHORT = 9
"""Evaluations of these."""
OWN_VARIANTS = {"asha": {"promotion": {"variant": "promotion"}, "stopping": {"variant": "stopping"}}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy(Objective):
    """An objective that is never trained: the suite's parts need a space, a default and a length."""

    on: str = "mixed"
    kind: str = "one"

    @property
    def space(self):
        return SPACES[self.on][0]

    @property
    def default(self):
        return dict(SPACES[self.on][1])

    @property
    def max_epochs(self):
        return MAX_EPOCHS

    @property
    def chance_error(self):
        return 0.9

    @property
    def metrics(self):
        return Objective.metrics.fget(self) if self.kind == "one" else TASKS[self.kind].metrics

    @property
    def constraints(self):
        return TASKS[self.kind].constraints

    def train(self, config, seed, machine):
        yield Epoch(valid_error=toy_error(config), test_error=0.0, seconds=0.0)

    def prepare(self, machine):
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
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
        return SHORT if self.label in SLOW else EVALUATIONS

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

    def scheduler(self, space, seed=0, n_repetition=0, under=None, kind=None):
        """A fresh scheduler, built as a run of a suite builds it."""
        kind = kind or self.tasks[0]
        algorithm = self.algorithm() if under is None else {**self.algorithm(), "scheduler": under}
        table = {
            "seed": seed,
            "budget": {"evaluations": 1000},
            "objectives": {"toy": {"name": "tests.algorithms.adapters.subjects:Toy", "on": space, "kind": kind}},
            "algorithms": {"it": algorithm},
            "repetitions": n_repetition + 1,
        }
        run = list(parse("conformance", table).runs())[n_repetition]
        return build_scheduler(run, Toy(on=space, kind=kind))

    def tell(self, scheduler, suggestion):
        """Tell a scheduler the toy outcome of what it suggested."""
        values = {**toy_values(suggestion), "error": toy_error(suggestion)}
        scheduler.update(dict(suggestion), values["error"], information(values, suggestion.get(FIDELITY, MAX_EPOCHS)))

    def drive(self, space, n_workers=1, error_of=toy_error, evaluations=None, seed=0, **options):
        """The jobs of a fresh run on toy outcomes."""
        evaluations = evaluations or self.evaluations
        return drive(self.scheduler(space, seed, **options), space, n_workers, error_of, evaluations)


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
                yield Subject(role=role, name=name, variant=variant, options=dict(options), entry=None)
        for name, entry in others.items():
            for position, (variant, options) in enumerate(entry.variants.items()):
                yield Subject(
                    role=role,
                    name=name,
                    variant=variant,
                    options=dict(options),
                    entry=entry,
                    representative=position == 0,
                )


def drive(scheduler, space, n_workers=1, error_of=toy_error, evaluations=EVALUATIONS):
    """The jobs of a run on toy outcomes that end out of order."""

    def metrics_of(job, error):
        return None if error == math.inf else {**toy_values(job.suggestion), "error": error, "loss": error}

    options = {"max_epochs": MAX_EPOCHS, "budget": Budget(evaluations=evaluations), "n_workers": n_workers}
    options["metrics_of"] = metrics_of
    return driving.drive(scheduler, SPACES[space][0], lambda job: error_of(job.suggestion), **options)[0]


def representative_sequences():
    """The sequences of the first variant of every method."""
    return sequences_of(subject for subject in subjects() if subject.representative)


def other_sequences():
    """The sequences of all other variants."""
    return sequences_of(subject for subject in subjects() if not subject.representative)


def sequences_of(chosen):
    """What installed subjects propose on two spaces, sequentially and with three workers, as JSON turns it round."""
    sequences = {}
    with deterministic_arithmetic("cpu"):
        for subject in filter(installed, chosen):
            for space, n_workers in (("mixed", 1), ("conditional", 3)):
                jobs = subject.drive(space, n_workers)
                sequences[f"{subject.label} {space} {n_workers}"] = suggestions(jobs)
    return json.loads(json.dumps(sequences))


def bare(suggestion):
    return {name: value for name, value in suggestion.items() if name != FIDELITY}


TABLE = ROOT / "docs" / "conformance.md"
