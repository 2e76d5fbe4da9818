"""Trials of a suite trained again in the same repetitions: a suite of its own, whose algorithms are lists.

A trial is a function of (objective, configuration, repetition), so a list of configurations in the
repetition of their records trains the same trials; and it is resumed, spread out and got through
crashes as every other suite.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from benchmark.reproducibility.seeding import config_digest
from benchmark.storage.ledger_format import Record, evaluations_of, failed_path, read_ledger
from benchmark.suite.model import AlgorithmEntry, Budget, ObjectiveEntry, Part, Run, Suite
from benchmark.verification.trial_comparison import ENDED, RetrainedTrial
from objectives.space import FIDELITY, Config

LIST_SIZE = 16
"""Configurations in a list: enough lists to keep the processes busy."""

BUDGET = Budget(evaluations=10**9)
"""Never what ends a list."""

Place = tuple[str, int]
"""Objective and repetition."""

Lists = Mapping[Place, tuple[tuple[Config, ...], ...]]
"""Configurations, each once for every epoch that was asked of it, under `max_epochs`, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingSuite(Suite):
    """The suite that trains recorded trials again."""

    lists: Lists

    def runs(self) -> Iterator[Run]:
        """A run for every list."""
        for run in Suite.runs(self):  # `super()` does not know a class with slots.
            lists = self.lists.get((run.objective.label, run.repetition), ())
            yield from (replace(run, algorithm=_entry(number, trials)) for number, trials in enumerate(lists))

    def algorithms_on(self, objective: ObjectiveEntry) -> tuple[AlgorithmEntry, ...]:
        """One, in whose place each list comes."""
        return (_entry(0, ()),)


def retraining_suite(suite: Suite, name: str, lists: Lists, *, alone: bool) -> RetrainingSuite:
    """The suite that trains lists of a suite's trials.

    Args:
        suite: as it was run.
        name: of the folder for its ledgers.
        lists: what is trained.
        alone: each trial by itself, by `Objective.train`; otherwise as the suite trains them.
    """
    base = {entry.name: getattr(suite, entry.name) for entry in fields(Suite)}
    labels = {label for label, _ in lists}
    own: dict[str, Any] = {
        "name": name,
        "title": f"trials of {suite.name} trained again",
        "n_workers": 1,
        "resume": True,
        "budget": BUDGET,
        "objectives": tuple(entry for entry in suite.objectives if entry.label in labels),
        "algorithms": tuple(_entry(number, ()) for number in range(max(map(len, lists.values())))),
        "control": None,
    }
    if alone:
        own |= {"clock": "measured", "calibration": None}
    return RetrainingSuite(**base | own, lists=lists)


def lists_of(wanted: Iterable[tuple[Place, Record]]) -> Lists:
    """Lists that train all of some recorded evaluations, no trial twice."""
    asked: dict[Place, dict[str, tuple[Config, set[int]]]] = {}
    for place, record in wanted:
        _, epochs = asked.setdefault(place, {}).setdefault(config_digest(record["config"]), (record["config"], set()))
        epochs.add(record["asked_epochs"])
    lists = {}
    for place, trials in asked.items():
        steps = [[{**config, FIDELITY: epoch} for epoch in sorted(epochs)] for config, epochs in trials.values()]
        chunks = (steps[first : first + LIST_SIZE] for first in range(0, len(steps), LIST_SIZE))
        lists[place] = tuple(tuple(step for trial in chunk for step in trial) for chunk in chunks)
    return lists


@dataclass(slots=True, kw_only=True)
class _Found:
    curve: dict[int, tuple[float, float]] = field(default_factory=dict)
    ends: dict[int, Record] = field(default_factory=dict)


def read_retrained(suite: RetrainingSuite, folder: Path) -> dict[tuple[Place, str], RetrainedTrial]:
    """What every configuration came to, by place and digest.

    Raises:
        LedgerError: a damaged ledger.
    """
    results: dict[tuple[Place, str], RetrainedTrial] = {}
    for run in suite.runs():
        path = folder / run.path
        records = read_ledger(path if path.exists() else failed_path(path)).records
        problem = next((record["error"] for record in reversed(records) if record["kind"] == "failure"), None)
        found: dict[str, _Found] = {
            config_digest(_bare(trial)): _Found() for trial in run.algorithm.scheduler.options["trials"]
        }
        for record in evaluations_of(records):
            _take(found[config_digest(record["config"])], record)
        place = run.objective.label, run.repetition
        results |= {
            (place, name): RetrainedTrial(curve=trial.curve, ends=trial.ends, problem=problem)
            for name, trial in found.items()
        }
    return results


def _take(found: _Found, record: Record) -> None:
    found.ends[record["asked_epochs"]] = record
    if record["state"] in ENDED:
        pairs = zip(record["valid_curve"], record["test_curve"], strict=True)
        found.curve |= dict(enumerate(pairs, start=record["start_epoch"] + 1))


def _bare(trial: Config) -> Config:
    return {name: value for name, value in trial.items() if name != FIDELITY}


def _entry(number: int, trials: tuple[Config, ...]) -> AlgorithmEntry:
    options = {"trials": [dict(trial) for trial in trials]}
    return AlgorithmEntry(label=f"list-{number:03d}", scheduler=Part(name="listed", options=options), searcher=None)
