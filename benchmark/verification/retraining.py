"""Trains recorded trials again in the same repetitions, as a suite whose algorithms are lists of configurations.

A trial is a function of (objective, configuration, repetition), so a list of configurations in the repetition of
their records trains the same trials; and like every other suite it is spread out, resumed and survives crashes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from benchmark.reproducibility.seeding import config_digest
from benchmark.storage.ledger_format import Record, evaluations_of, failed_path, read_ledger
from benchmark.suite.model import AlgorithmEntry, Budget, ObjectiveEntry, Run, Suite
from benchmark.verification.trial_comparison import TRAINED, RetrainedTrial, metric_values
from benchmark.verification.trial_lists import TrialList, list_entries, list_entry
from objectives.space import FIDELITY, Config

LIST_SIZE = 16
"""Configurations in a list: enough lists to keep the processes busy."""

BUDGET = Budget(evaluations=10**9)
"""Never what ends a list."""

Cell = tuple[str, int]
"""Objective and repetition."""

Lists = Mapping[Cell, tuple[TrialList, ...]]
"""Configurations, each once for every epoch that was asked of it, ascending."""

RetrainedTrials = dict[tuple[Cell, str], RetrainedTrial]
"""By cell and the configuration's digest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingSuite(Suite):
    """The suite that trains recorded trials again."""

    lists: Lists

    def runs(self) -> Iterator[Run]:
        """Yield a run for every list."""
        for run in Suite.runs(self):  # `super()` does not know a class with slots.
            lists = self.lists.get((run.objective.label, run.repetition), ())
            yield from (replace(run, algorithm=list_entry(number, trials)) for number, trials in enumerate(lists))

    def algorithms_on(self, objective: ObjectiveEntry) -> tuple[AlgorithmEntry, ...]:
        """Return one entry, which every list replaces."""
        return (list_entry(0),)


def retraining_suite(suite: Suite, name: str, lists: Lists, *, alone: bool) -> RetrainingSuite:
    """Build the suite that trains lists of a suite's trials.

    Args:
        suite: as it was run.
        name: of the folder for its ledgers.
        lists: what is trained.
        alone: train each trial by itself, by `Objective.train`; otherwise as the suite trains them.
    """
    changes: dict[str, Any] = {
        "name": name,
        "title": f"trials of {suite.name} trained again",
        "n_workers": 1,
        "resume": True,
        "budget": BUDGET,
        "objectives": tuple(entry for entry in suite.objectives if entry.label in {label for label, _ in lists}),
        "algorithms": list_entries(list(lists.values())),
        "control": None,
    }
    if alone:
        changes |= {"clock": "measured", "calibration": None}
    return RetrainingSuite(**{field.name: getattr(suite, field.name) for field in fields(Suite)} | changes, lists=lists)


def list_trials(evaluations: Iterable[tuple[Cell, Record]]) -> Lists:
    """Return lists that train all of some recorded evaluations, no trial twice."""
    asked: dict[Cell, dict[str, tuple[Config, set[int]]]] = {}
    for cell, record in evaluations:
        trials = asked.setdefault(cell, {})
        _, epochs = trials.setdefault(config_digest(record["config"]), (record["config"], set()))
        epochs.add(record["asked_epochs"])
    return {cell: tuple(_chunks(list(trials.values()))) for cell, trials in asked.items()}


def _chunks(trials: list[tuple[Config, set[int]]]) -> Iterator[TrialList]:
    for first in range(0, len(trials), LIST_SIZE):
        chunk = trials[first : first + LIST_SIZE]
        yield tuple({**config, FIDELITY: epoch} for config, epochs in chunk for epoch in sorted(epochs))


def read_retrained(suite: RetrainingSuite, folder: Path) -> RetrainedTrials:
    """Read what every configuration came to.

    Raises:
        LedgerError: a damaged ledger.
    """
    results: RetrainedTrials = {}
    for run in suite.runs():
        path = folder / run.path
        records = read_ledger(path if path.exists() else failed_path(path)).records
        problem = next((record["error"] for record in reversed(records) if record["kind"] == "failure"), None)
        cell = run.objective.label, run.repetition
        for trial in run.algorithm.scheduler.options["trials"]:
            name = config_digest({key: value for key, value in trial.items() if key != FIDELITY})
            results.setdefault((cell, name), RetrainedTrial(curve={}, ends={}, problem=problem))
        for record in evaluations_of(records):
            _add(results[cell, config_digest(record["config"])], record)
    return results


def _add(trial: RetrainedTrial, record: Record) -> None:
    trial.ends[record["asked_epochs"]] = record
    if record["state"] in TRAINED:
        errors = zip(record["valid_curve"], record["test_curve"], strict=True)
        trial.curve.update(enumerate(errors, start=record["start_epoch"] + 1))
        for epoch, name, value in metric_values(record):
            trial.metrics.setdefault(epoch, {})[name] = value
