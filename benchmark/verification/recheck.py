"""Rechecks incumbents: what every run selected is trained again with fresh seeds, which measures the winner's curse.

Where several metrics are optimised, members of every run's front are trained again too.

A recheck is a suite of its own in `results/<suite>/recheck/`. Its algorithms are lists of what the suite's
runs selected, every configuration once however many runs selected it, and its repetitions are the fresh
seeds, the same for all. So it is trained, recorded, resumed and spread out as every other suite. A list
never changes once it is written: further incumbents go into further lists, further seeds are further
repetitions, and nothing is trained twice.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from benchmark.batching.route_request import require_arithmetic
from benchmark.batching.run_group import trains_side_by_side
from benchmark.construction.objective_factory import build_objective
from benchmark.construction.preparation import prepare_objective
from benchmark.errors import BadInput
from benchmark.reproducibility.environment import describe_environment
from benchmark.reproducibility.seeding import config_digest, recheck_seed
from benchmark.result_folder.suite_json_writer import write_suite_json
from benchmark.storage.atomic_write import write_or_refuse
from benchmark.storage.ledger_format import Record, evaluations_of, read_ledger
from benchmark.storage.resume_check import RunRefused, check_header
from benchmark.suite.model import AlgorithmEntry, Budget, ObjectiveEntry, Run, Suite
from benchmark.tuning.run_report import is_done
from benchmark.verification.recheck_file import (
    FORMAT,
    Incumbent,
    Lists,
    incumbent_entry,
    parse_recheck_file,
    positions,
    read_if_exists,
    to_json_lines,
    trial_entry,
)
from benchmark.verification.selection import select_front, select_incumbent
from benchmark.verification.trial_lists import list_entries, list_entry
from objectives.objective import Machine, Objective
from objectives.space import FIDELITY, Config

NAME = "recheck"
FILE = "incumbents.json"
LIST_SIZE = 64
"""Configurations in a list: many in a file, and lists enough to keep the processes busy."""

BUDGET = Budget(evaluations=LIST_SIZE)
"""Part of the identity of every run, and never what ends one: a list is not longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecheckSuite(Suite):
    """The suite that trains incumbents again.

    Attributes:
        of: name of the suite whose incumbents they are.
        lists: what is trained.
        incumbents: the selected configurations, and by which run: its incumbent, and members of its front.
        before: the file as it was found, or None.
    """

    of: str
    lists: Lists
    incumbents: tuple[Incumbent, ...]
    before: bytes | None

    def algorithms_on(self, objective: ObjectiveEntry) -> tuple[AlgorithmEntry, ...]:
        """The lists of an objective."""
        return tuple(list_entry(number, trials) for number, trials in enumerate(self.lists[objective.label]))

    def write(self, folder: Path, suite: Suite, objectives: dict[str, Objective]) -> None:
        """Write `suite.json`, and the lists with the incumbents, which the analysis reads."""
        path = folder / FILE
        if read_if_exists(path) != self.before:
            raise RunRefused(f"{path}: another process has changed it meanwhile; start again")
        write_suite_json(folder, suite, objectives)
        data = self.to_json()
        if data == self.before:
            return
        write_or_refuse(path, data)

    def describe(self) -> str:
        """Describe how much there is to train."""
        trials = sum(len(trials) for of_objective in self.lists.values() for trials in of_objective)
        return f"{trials} configurations of {len(self.incumbents)} incumbents, {self.repetitions} fresh seeds each"

    def to_json(self) -> bytes:
        """Encode the file: a line for every configuration and for every incumbent."""
        lists = {
            label: [[trial_entry(trial) for trial in trials] for trials in of_objective]
            for label, of_objective in self.lists.items()
        }
        places = {label: positions(of_objective) for label, of_objective in self.lists.items()}
        incumbents = [
            incumbent_entry(incumbent, places[incumbent.run.objective.label]) for incumbent in self.incumbents
        ]
        head = {"format": FORMAT, "suite": self.of, "fresh": self.repetitions}
        return to_json_lines({**head, "lists": lists, "incumbents": incumbents}).encode()


def prepare_recheck(suite: Suite, folder: Path, fresh: int, machine: Machine, *, allow_mixed: bool) -> RecheckSuite:
    """Prepare the recheck of what a suite has recorded so far; it goes on with an earlier one.

    Args:
        suite: as it was run.
        folder: its results.
        fresh: seeds for every configuration; those of an earlier recheck are never given up.
        machine: device and data folder.
        allow_mixed: whether the incumbents may come from another machine or library version.

    Raises:
        BadInput: nothing is finished, or an earlier recheck cannot be read.
        RunRefused: recorded with another suite, other data or on another machine.
        DataError, LedgerError: data or ledgers that are not there or damaged.
    """
    incumbents = _incumbents(suite, folder, machine, allow_mixed=allow_mixed)
    path = folder / NAME / FILE
    before = read_if_exists(path)
    earlier, lists = (0, {}) if before is None else parse_recheck_file(path, before, suite)
    lists = _extend_lists(lists, incumbents)
    base = {field.name: getattr(suite, field.name) for field in fields(suite)}
    return RecheckSuite(
        **base
        | {
            "name": NAME,
            "title": f"recheck of {suite.name}: {suite.title}"[:300],
            "seed": recheck_seed(suite.seed),
            "repetitions": max(fresh, earlier),
            "n_workers": 1,
            "budget": BUDGET,
            "objectives": tuple(entry for entry in suite.objectives if lists.get(entry.label)),
            "algorithms": list_entries(list(lists.values())),
            "control": None,
        },
        of=suite.name,
        lists=lists,
        incumbents=tuple(incumbents),
        before=before,
    )


def _incumbents(suite: Suite, folder: Path, machine: Machine, *, allow_mixed: bool) -> list[Incumbent]:
    """Select the incumbent of every finished run, and where several metrics are optimised members of its front."""
    done = [run for run in suite.runs() if is_done(run, folder)]
    if not done:
        part = "no run is finished" if (folder / "runs").is_dir() else "nothing is recorded"
        raise BadInput(f"{folder}: {part} there; run the suite {suite.name} first")
    expected: dict[str, Record] = {}
    tasks = {entry.label: build_objective(entry).task for entry in suite.objectives}
    incumbents: list[Incumbent] = []
    for run in done:
        header, *records = read_ledger(folder / run.path).records
        label = run.objective.label
        expected[label] = expected.get(label) or _dependencies(run, machine)
        # What an algorithm's libraries are decides what it proposed, not what training that comes to.
        libraries = {"libraries": header["environment"].get("libraries")}
        environment = expected[label]["environment"] | libraries
        here = {**expected[label], "run": run.identity(), "environment": environment}
        check_header(header, here, folder / run.path, allow_mixed=allow_mixed)
        evaluations = evaluations_of(records)
        selected = select_incumbent(evaluations, run.budget, tasks[label])
        front = select_front(evaluations, run.budget, tasks[label])
        chosen = {record["index"]: record for record in (selected, *front) if record is not None}
        incumbents += [_incumbent(run, record) for record in chosen.values()]
    if not incumbents:
        every = "crashed or is infeasible" if any(task.constraints for task in tasks.values()) else "crashed"
        raise BadInput(f"{folder}: none of the {len(done)} finished runs has an incumbent, every evaluation {every}")
    return incumbents


def _dependencies(run: Run, machine: Machine) -> Record:
    """Describe what an objective's trials depend on here: data and environment."""
    objective = build_objective(run.objective)
    if objective.varies_by_repetition:
        what = "every repetition is a problem of its own, so fresh seeds would tell of other problems"
        raise BadInput(f"objectives.{run.objective.label}: {what}; there is no recheck of it")
    if objective.tabulated:
        what = "a table has no fresh seeds; its test values are those of the other seeds where it has several"
        raise BadInput(f"objectives.{run.objective.label}: {what}, need an objective that trains to recheck")
    data = prepare_objective(run.objective.label, objective, machine)
    stacked = trains_side_by_side(run, objective)
    arithmetic = require_arithmetic(run.objective.label, objective, machine, stacked=stacked)
    return {"data": data, "environment": {**describe_environment(machine.device, 1), "arithmetic": arithmetic}}


def _incumbent(run: Run, record: Record) -> Incumbent:
    # A diverged training ended early; it is trained again for as long as it was to.
    return Incumbent(
        run=run,
        trial={**record["config"], FIDELITY: record["asked_epochs"]},
        valid_error=record["valid_error"],
        test_error=record["test_error"],
    )


def _extend_lists(lists: Lists, incumbents: list[Incumbent]) -> Lists:
    """Add lists for the incumbents that the lists do not hold yet."""
    listed = {(label, name) for label, of_objective in lists.items() for name in positions(of_objective)}
    new: dict[str, list[Config]] = {}
    for incumbent in incumbents:
        label = incumbent.run.objective.label
        if (label, config_digest(incumbent.trial)) not in listed:
            listed.add((label, config_digest(incumbent.trial)))
            new.setdefault(label, []).append(incumbent.trial)
    grown = dict(lists)
    for label, trials in new.items():
        further = (tuple(trials[first : first + LIST_SIZE]) for first in range(0, len(trials), LIST_SIZE))
        grown[label] = (*lists.get(label, ()), *further)
    return grown
