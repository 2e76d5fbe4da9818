"""Audits a suite: recorded trials are trained again from nothing, every algorithm is replayed, differences reported.

An audit lies in `results/<suite>/audit/` and touches no ledger of the suite. `retrained/` holds the trials of the
sample as the suite trains them, `reference/` the same by the reference loop where that is another; `report.json`
and `summary.txt` are written last. An audit that was killed goes on where it was unless something that it depends
on has changed; one that has its report begins anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.backends.loky import Loky
from benchmark.batching.route_request import require_route
from benchmark.batching.run_group import trains_side_by_side
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.errors import BadInput
from benchmark.reproducibility.source_digests import LOADED_DIGEST
from benchmark.result_folder.folder_lock import folder_lock
from benchmark.storage.atomic_write import write_or_refuse
from benchmark.storage.ledger_format import LedgerError, Record
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Suite
from benchmark.tuning.factory import check_suite
from benchmark.verification.audit_report import REFERENCE, RETRAINED, build_report, compare_trials, describe_report
from benchmark.verification.recorded_runs import CurrentMachine, read_evaluations, read_recorded_runs
from benchmark.verification.retraining import Lists, RetrainedTrials, list_trials, read_retrained, retraining_suite
from benchmark.verification.sampling import Sample
from benchmark.verification.trial_comparison import TRAINED
from objectives.objective import Machine, Objective

FOLDER, PLAN, REPORT, SUMMARY = "audit", "plan.json", "report.json", "summary.txt"
CLOSE_ERROR = 0.01
"""Largest difference of an error that is called close unless a tolerance is given: a hundredth of the rows."""

SURVIVABLE = (*TRAINED, "error", "promoted")
"""Kinds of trials that leave their process alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """How much an audit trains again, and what passes.

    Attributes:
        sample: trials to train again.
        seed: of the draw.
        tolerance: largest difference of an error that passes; None: only what is identical passes.
    """

    sample: Sample
    seed: int
    tolerance: float | None

    def describe(self) -> Record:
        return {"sample": self.sample.text, "seed": self.seed, "tolerance": self.tolerance}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResources:
    """What an audit trains with; its report does not depend on processes and slots.

    Attributes:
        jobs: processes.
        machine: device and data folder.
        capacity: slots of a stack; None leaves it to the objective.
        listener: makes the listener of each training.
    """

    jobs: int
    machine: Machine
    capacity: int | None
    listener: Callable[[], Quiet]


def audit_suite(suite: Suite, folder: Path, request: AuditRequest, resources: AuditResources) -> Record:
    """Audit what a suite has recorded, and write the report.

    Args:
        suite: as it was run.
        folder: its results.
        request: how much is trained again.
        resources: what it is trained with.

    Returns:
        The report, as in `report.json`.

    Raises:
        BadInput: nothing is recorded, or an objective cannot be built or prepared.
        RunRefused: the records are of another suite, or another process audits it.
        DataError, LedgerError: data or ledgers that are not there or damaged.
    """
    objectives = check_suite(suite)
    runs = read_recorded_runs(suite, folder, resources.jobs, resources.machine.device)
    examples = {run.run.objective.label: run.run for run in runs}
    current = CurrentMachine(suite, objectives, resources.machine, set(examples))
    require_route(suite, objectives, resources.machine)
    trials = request.sample.draw((trial for run in runs for trial in run.trials()), request.seed)
    records = read_evaluations(trials, runs, folder)
    lists = list_trials(((trial.objective, trial.repetition), record) for trial in trials for record in records[trial])
    stacked = {label for label, run in examples.items() if trains_side_by_side(run, objectives[label])}
    alone = {cell: own for cell, own in lists.items() if cell[0] in stacked}
    # The audit's own process would not outlive a trial that kills it.
    backend = Loky(resources.jobs, separate=any(trial.kind not in SURVIVABLE for trial in trials))
    audit_folder = folder / FOLDER
    with folder_lock(audit_folder):
        depends_on = {"code": LOADED_DIGEST, "now": current.describe(), "trials": _digest(lists)}
        _begin(audit_folder, {"suite": suite.name, **depends_on})
        retrained = {RETRAINED: _train(suite, RETRAINED, lists, audit_folder, backend, resources)}
        if alone:
            retrained[REFERENCE] = _train(suite, REFERENCE, alone, audit_folder, backend, resources)
        tolerance = CLOSE_ERROR if request.tolerance is None else request.tolerance
        rows = {label: objective.row_counts for label, objective in objectives.items()}
        measured = {
            label: {metric.name for metric in objective.metrics if metric.measured}
            for label, objective in objectives.items()
        }
        compared = compare_trials(records, retrained, tolerance, rows, measured)
        asked = {"suite": suite.name, **request.describe()}
        planned = sum(1 for _ in suite.runs())
        report = build_report(asked, runs, current, planned, compared, lenient=request.tolerance is not None)
        write_or_refuse(audit_folder / SUMMARY, ("\n".join(describe_report(report)) + "\n").encode())
        write_or_refuse(audit_folder / REPORT, (json.dumps(report, indent=1, allow_nan=False) + "\n").encode())
    return report


def _train(
    suite: Suite, name: str, lists: Lists, audit_folder: Path, backend: Loky, resources: AuditResources
) -> RetrainedTrials:
    """Train lists of trials, or go on with it, and read what they came to."""
    alone = name == REFERENCE
    retraining = retraining_suite(suite, name, lists, alone=alone)
    listener = resources.listener()
    runner = Runner(
        retraining,
        audit_folder,
        jobs=resources.jobs,
        backend=backend,
        machine=replace(resources.machine, route=None) if alone else resources.machine,
        listener=listener,
        capacity=resources.capacity,
        write=_write_no_suite_json,
    )
    try:
        refused = [report for report in runner.run() if report.state == "refused"]
    except LedgerError as error:  # Of what an earlier audit trained; the advice is for ledgers of a suite.
        problem = str(error).partition(";")[0]
        raise RunRefused(f"{problem}; delete {audit_folder} to train for the audit anew") from error
    finally:
        listener.close()
    if refused:
        raise RunRefused(refused[0].problem or f"{refused[0].run.path}: refused")
    return read_retrained(retraining, audit_folder / name)


def _write_no_suite_json(folder: Path, suite: Suite, objectives: dict[str, Objective]) -> None:
    """The analysis reads no retraining: its outcome is in the report."""


def _begin(audit_folder: Path, plan: Record) -> None:
    """Go on with an audit of the same plan that was cut short, or make room for a new one."""
    data = (json.dumps(plan, indent=1, sort_keys=True) + "\n").encode()
    written = audit_folder / PLAN
    try:
        if not (audit_folder / REPORT).exists() and written.exists() and written.read_bytes() == data:
            return
        for name in (PLAN, REPORT, SUMMARY):  # The plan first: without it no audit goes on.
            (audit_folder / name).unlink(missing_ok=True)
        for name in (RETRAINED, REFERENCE):
            if (audit_folder / name).exists():
                shutil.rmtree(audit_folder / name)
    except OSError as error:
        raise BadInput(f"{audit_folder}: cannot be cleared for a new audit ({error.strerror}); delete it") from error
    write_or_refuse(written, data)


def _digest(lists: Lists) -> str:
    text = json.dumps([[*cell, [list(trials) for trials in own]] for cell, own in lists.items()])
    return hashlib.sha256(text.encode()).hexdigest()
