"""Suites of all kinds, written as ledgers: failures, ties, infinities, unequal ends, diverged trials, missing runs."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from fractions import Fraction

RATE = {"kind": "float", "low": 0.0001, "high": 1.0, "log": True}
SPACES = {
    "plain": {"learning_rate": RATE},
    "conditional": {
        "learning_rate": RATE,
        "solver": {"kind": "categorical", "choices": ["sgd", "adam"]},
        "momentum": {"kind": "float", "low": 0.0, "high": 0.9, "when": {"parent": "solver", "values": ["sgd"]}},
    },
}
FAILED = ("error", "crashed", "timeout")


@dataclass(frozen=True)
class Kind:
    """What a suite is like.

    Attributes:
        errors: draws an error.
        budget: of a run; horizons follow from it.
        states: of runs, drawn from these.
    """

    repetitions: int = 3
    algorithms: int = 2
    evaluations: int = 6
    errors: object = lambda rng: round(rng.random(), 1)
    budget: dict = field(default_factory=lambda: {"trials": 6})
    states: tuple = ("done",)
    crashed: float = 0.0
    diverged: float = 0.1
    clock: str = "measured"
    endpoint: str | None = None
    space: str = "plain"
    workers: int = 1
    objectives: int = 1
    chance: float = 1.0


def write(suite, evaluation_of, kind, seed):
    """Write a suite's plan and ledgers below the folder of a planted suite."""
    rng = random.Random(seed)
    suite.plan["objectives"], suite.plan["algorithms"] = [], []
    for number in range(kind.objectives):
        suite.objective(f"objective{number}", space=SPACES[kind.space])
        suite.plan["objectives"][-1] |= {"chance_error": kind.chance, "best_error": 0.0}
    for number in range(kind.algorithms):
        suite.algorithm(f"algorithm{number}")
    plan = {"repetitions": kind.repetitions, "budget": kind.budget, "clock": kind.clock, "n_workers": kind.workers}
    if kind.clock == "modelled":
        plan["calibration"] = {"name": "planted", "device": "none"}
    targets = {suite.plan["objectives"][0]["label"]: [0.25, 1e-6]}
    suite.set(**plan, endpoint=kind.endpoint, control=f"algorithm{kind.algorithms - 1}", targets=targets)
    for objective in suite.plan["objectives"]:
        for algorithm in suite.plan["algorithms"]:
            for repetition in range(kind.repetitions):
                state = rng.choice(kind.states)
                if state is not None:
                    made = evaluations(rng, kind, evaluation_of)
                    suite.run(made, repetition, objective=objective["label"], algorithm=algorithm["label"], state=state)
    if not any((suite.folder / "runs").glob("*/*/*")):
        suite.run([], objective="objective0", algorithm="algorithm0", state="failed")


def evaluations(rng, kind, evaluation_of):
    """What a few simulated workers record, some trials in several steps, in the order of index or of completion."""
    free, trained, made = [0.0] * kind.workers, {}, []
    for index in range(rng.randint(0 if len(kind.states) > 1 else 1, kind.evaluations)):
        trial = rng.choice([index, *trained]) if rng.random() < 0.4 else index
        epochs = min(trained.get(trial, 0) + rng.randint(0, 3), 8)
        worker = free.index(min(free))
        start, took = free[worker], rng.choice([0.0, 0.25, 0.5, 1.0])
        free[worker] = end = start + took
        state = (
            rng.choice(FAILED) if rng.random() < kind.crashed else "diverged" if rng.random() < kind.diverged else "ok"
        )
        valid, test = (kind.chance,) * 2 if state == "diverged" else (kind.errors(rng), kind.errors(rng))
        fields = {
            "trial": trial,
            "start_epoch": trained.get(trial, 0),
            "epochs": epochs,
            "start": start,
            "state": state,
        }
        count = epochs - fields["start_epoch"]
        fields |= {"valid_curve": [kind.errors(rng) for _ in range(count)], "config": configuration(rng, kind, trial)}
        fields["test_curve"] = fields["valid_curve"][::-1]
        fields |= {"train_seconds": took, "decide_seconds": rng.choice([0.0, 0.125]), "modelled_seconds": took}
        if state in FAILED:
            valid = test = None
            fields["problem"] = f"Planted: {state}"
        trained[trial] = epochs
        made.append(evaluation_of(index, valid, test, end, **fields))
    return sorted(made, key=lambda record: record["end"]) if rng.random() < 0.5 else made


def configuration(rng, kind, trial):
    """A configuration of the space, the same for the same trial."""
    config = {"learning_rate": [0.001, 0.01, 0.1, 0.5][trial % 4]}
    if kind.space == "conditional":
        config["solver"] = ["sgd", "adam"][trial % 2]
        config |= {"momentum": 0.5} if config["solver"] == "sgd" else {}
    return config


def write_recheck(folder, planted_evaluation, planted_ledger, seed, fresh=3):
    """Write a recheck of what some of the runs of a suite have selected, by plain loops over the ledgers."""
    from tests.analysis.oracle.reading import read
    from tests.analysis.oracle.steps import incumbent

    rng, suite = random.Random(seed), read(folder)
    lists, incumbents = {}, []
    for run in suite.runs:
        best = incumbent(run.counted)
        if run.state != "done" or best is None or rng.random() < 0.1:
            continue
        trials = lists.setdefault(run.objective, [[]])[0]
        trial = {"config": best["config"], "epochs": 8}
        if trial not in trials:
            trials.append(trial)
        row = {"objective": run.objective, "algorithm": run.algorithm, "repetition": run.repetition, "list": 0}
        stale = rng.random() < 0.1
        row |= {f"{name}_error": float(best[f"{name}_error"]) + 0.5 * stale for name in ("valid", "test")}
        incumbents.append(row | {"place": trials.index(trial)})
    for objective, [trials] in lists.items():
        for number in range(fresh):
            records = [
                retrained(rng, planted_evaluation, index, trial)
                for index, trial in enumerate(trials)
                if number == 0 or rng.random() < 0.9
            ]
            header = {"kind": "header", "format": 1, "environment": {}, "run": {
                "objective": objective, "algorithm": {"label": "list-000"}, "repetition": number}}  # fmt: skip
            header["run"]["objective"] = {"label": objective}
            end = {"kind": "end", "reason": "budget", "evaluations": len(records)}
            path = folder / "recheck" / "runs" / objective / "list-000" / f"{number:03d}.jsonl"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(planted_ledger([header, *records, end]))
    told = {"format": 1, "suite": suite.plan["name"], "fresh": fresh, "lists": lists, "incumbents": incumbents}
    (folder / "recheck").mkdir(exist_ok=True)
    (folder / "recheck" / "incumbents.json").write_text(json.dumps(told, default=float))


def retrained(rng, planted_evaluation, index, trial):
    """A fresh training."""
    state = rng.choice(["ok"] * 8 + ["diverged", "crashed"])
    errors = (None, None) if state == "crashed" else (round(rng.random(), 2), round(rng.random(), 2))
    config = {name: float(value) if isinstance(value, Fraction) else value for name, value in trial["config"].items()}
    return planted_evaluation(index, *errors, 1.0, state=state, config=config, epochs=8)
