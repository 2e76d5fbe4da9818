"""A suite as its files hold it: the plan, and the evaluations of every planned run."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from fractions import Fraction

WORTHLESS = ("error", "crashed", "timeout")
AXES = ("runtime", "trials", "epochs")


@dataclass(frozen=True)
class Run:
    """A planned run: where it belongs, how it ended, and its evaluations in the order of their completion."""

    objective: str
    algorithm: str
    repetition: int
    state: str
    records: list
    evaluations: list

    @property
    def finished(self):
        """Whether the run counts in what is said of its cell: it is complete, or its algorithm failed."""
        return self.state in ("done", "failed")

    @property
    def counted(self):
        """The evaluations within the budget."""
        return [evaluation for evaluation in self.evaluations if evaluation["counted"]]


@dataclass(frozen=True)
class Suite:
    """A plan, and all planned runs in its order: by objective, algorithm, repetition."""

    plan: dict
    runs: list
    folder: object

    @property
    def objectives(self):
        """The objectives' entries."""
        return self.plan["objectives"]

    @property
    def algorithms(self):
        """The algorithms' labels."""
        return [entry["label"] for entry in self.plan["algorithms"]]

    @property
    def control(self):
        """The algorithm to compare with: the declared one; else plain random search, or else the first."""
        if self.plan.get("control") is not None:
            return self.plan["control"]
        plain = [entry["label"] for entry in self.plan["algorithms"] if is_random_search(entry, self.plan)]
        return (plain or self.algorithms)[0]

    @property
    def endpoint(self):
        """What algorithms are compared by."""
        return self.plan.get("endpoint") or "test_error"

    @property
    def horizon(self):
        """The axis of the budget, and its end: of seconds if there are some, else of epochs, evaluations, trials."""
        axes = {"runtime": "runtime", "epochs": "epochs", "evaluations": "trials", "trials": "trials"}
        name = next(name for name in axes if name in self.plan["budget"])
        return axes[name], Fraction(self.plan["budget"][name])

    def cell(self, objective, algorithm):
        """The runs of an algorithm on an objective."""
        return [run for run in self.runs if (run.objective, run.algorithm) == (objective, algorithm)]

    def cells(self):
        """Every (objective's label, algorithm, runs)."""
        for objective in self.objectives:
            for algorithm in self.algorithms:
                yield objective["label"], algorithm, self.cell(objective["label"], algorithm)


def is_random_search(entry, plan):
    """Whether an algorithm is random search, one trial after another, each to its end."""
    parts = [entry.get("scheduler", {"name": "basic"})["name"], (entry.get("searcher") or {}).get("name")]
    workers = plan.get("n_workers", 1) if entry.get("n_workers") is None else entry["n_workers"]
    return parts == ["basic", "random"] and workers == 1


def read(folder):
    """A suite from its folder."""
    plan = json.loads((folder / "suite.json").read_text(), parse_float=Fraction)
    runs = [
        read_run(folder, plan, objective["label"], algorithm["label"], repetition)
        for objective in plan["objectives"]
        for algorithm in plan["algorithms"]
        for repetition in range(plan["repetitions"])
    ]
    return Suite(plan, runs, folder)


def read_run(folder, plan, objective, algorithm, repetition):
    """A run from its ledger, whose name tells its state; without a ledger it is missing."""
    state, records = read_ledger(folder / "runs" / objective / algorithm, repetition)
    evaluations = [record for record in records if record["kind"] == "evaluation"]
    budget = plan["budget"]
    charged, ordered = 0, []
    for completed, record in enumerate(sorted(evaluations, key=lambda one: (one["end"], one["index"])), start=1):
        charged += record["epochs"] - record["start_epoch"]
        late = record["end"] > budget.get("runtime", math.inf) or charged > budget.get("epochs", math.inf)
        errors = {name: error_of(record, name) for name in ("valid_error", "test_error")}
        ordered.append({**record, **errors, "completed": completed, "charged": charged, "counted": not late})
    return Run(objective, algorithm, repetition, state, records, ordered)


def read_ledger(folder, repetition):
    """The state of a run and the records of its ledger; what stands after the last newline is no record yet."""
    for suffix, state in ((".jsonl", "done"), (".jsonl.part", "partial"), (".jsonl.failed", "failed")):
        path = folder / f"{repetition:03d}{suffix}"
        if path.exists():
            return state, [json.loads(line, parse_float=Fraction) for line in path.read_text().split("\n")[:-1]]
    return "missing", []


def error_of(record, name):
    """An error; infinite if the training came to nothing, None if there is no test set."""
    return math.inf if record["state"] in WORTHLESS else record[name]


def on(axis, evaluation):
    """Where an evaluation lies on an axis."""
    return evaluation[{"runtime": "end", "trials": "completed", "epochs": "charged"}[axis]]
