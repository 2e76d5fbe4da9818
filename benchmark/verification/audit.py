"""The audit: recorded trials trained again from nothing, every algorithm replayed, and what differs.

It lies in `results/<suite>/audit/` and touches no ledger of the suite. `retrained/` holds the trials of the
sample as the suite trains them, `reference/` the same by the reference loop where that is another;
`report.json` and `summary.txt` say what came of it and are written last. An audit that was killed goes on
where it was unless something that it depends on has changed; one that has its report begins anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmark.backends.loky import Loky
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.errors import BadInput
from benchmark.reproducibility import source_digests
from benchmark.result_folder.folder_lock import folder_lock
from benchmark.storage.ledger_format import LedgerError, Record
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Suite
from benchmark.tuning.factory import check_suite
from benchmark.verification.audit_report import (
    REFERENCE,
    ROUTE,
    RetrainedTrials,
    build_report,
    compare_trials,
    describe_report,
)
from benchmark.verification.recorded_runs import CurrentMachine, drawable, read_recorded_runs, records_of
from benchmark.verification.retraining import Lists, RetrainingSuite, lists_of, read_retrained, retraining_suite
from benchmark.verification.sampling import Sample
from benchmark.verification.trial_comparison import ENDED
from objectives.objective import Machine, Objective

FOLDER, PLAN, REPORT, SUMMARY = "audit", "plan.json", "report.json", "summary.txt"
CLOSE_ERROR = 0.01
"""Largest difference of an error that is called close unless a tolerance is given: a hundredth of the rows."""

HARMLESS = (*ENDED, "error", "promoted")
"""Kinds of trials that leave their process alive."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRequest:
    """What an audit is asked for.

    Attributes:
        sample: trials to train again.
        seed: of the draw.
        tolerance: largest difference of an error that passes; None: only what is identical passes.
    """

    sample: Sample
    seed: int
    tolerance: float | None

    def told(self) -> Record:
        return {"sample": self.sample.text, "seed": self.seed, "tolerance": self.tolerance}


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditResources:
    """What an audit trains with; its report does not depend on processes and slots.

    Attributes:
        jobs: processes.
        machine: device and data folder.
        capacity: slots of a stack; None leaves it to the objective.
        listener: makes what is told of the trainings.
    """

    jobs: int
    machine: Machine
    capacity: int | None
    listener: Callable[[], Quiet]


def audit_suite(suite: Suite, folder: Path, wish: AuditRequest, means: AuditResources) -> Record:
    """Audit what a suite has recorded, and write the report.

    Args:
        suite: as it was run.
        folder: its results.
        wish: how much is trained again.
        means: with what.

    Returns:
        The report, as in `report.json`.

    Raises:
        BadInput: nothing is recorded, or an objective cannot be built or prepared.
        RunRefused: what is recorded is of another suite, or another process audits it.
        DataError, LedgerError: data or ledgers that are not there or damaged.
    """
    objectives = check_suite(suite)
    examined = read_recorded_runs(suite, folder, means.jobs, means.machine.device)
    here = CurrentMachine(suite, objectives, means.machine, {one.run.objective.label for one in examined})
    drawn = wish.sample.draw(drawable(examined), wish.seed)
    records = records_of(drawn, examined, folder)
    wanted = lists_of(((one.objective, one.repetition), record) for one in drawn for record in records[one])
    alone = {place: lists for place, lists in wanted.items() if here.stacked(suite, place[0])}
    # The audit's own process would not outlive a trial that kills it.
    engine = Loky(means.jobs, apart=any(one.kind not in HARMLESS for one in drawn))
    base = folder / FOLDER
    with folder_lock(base):
        _begin(
            base,
            {
                "suite": suite.name,
                "code": source_digests.digest_sources(),
                "now": here.told(),
                "trials": _digest(wanted),
            },
        )
        routes = {ROUTE: _train(retraining_suite(suite, ROUTE, wanted, alone=False), base, engine, means)}
        if alone:
            routes[REFERENCE] = _train(retraining_suite(suite, REFERENCE, alone, alone=True), base, engine, means)
        trials = compare_trials(drawn, records, routes, CLOSE_ERROR if wish.tolerance is None else wish.tolerance)
        asked = {"suite": suite.name, **wish.told()}
        planned = sum(1 for _ in suite.runs())
        report = build_report(asked, examined, here, planned, trials, lenient=wish.tolerance is not None)
        _write(base / SUMMARY, "\n".join(describe_report(report)) + "\n")
        _write(base / REPORT, json.dumps(report, indent=1, allow_nan=False) + "\n")
    return report


def _train(suite: RetrainingSuite, base: Path, engine: Loky, means: AuditResources) -> RetrainedTrials:
    """Train lists, or go on with it, and read what came of them."""
    listener = means.listener()
    runner = Runner(
        suite,
        base,
        jobs=means.jobs,
        engine=engine,
        machine=means.machine,
        listener=listener,
        capacity=means.capacity,
        write=_write_no_plan,
    )
    try:
        refused = [report for report in runner.run() if report.state == "refused"]
    except LedgerError as error:  # Of what an earlier audit trained; the advice is for ledgers of a suite.
        raise RunRefused(f"{str(error).partition(';')[0]}; delete {base} to train for the audit anew") from error
    finally:
        listener.close()
    if refused:
        raise RunRefused(refused[0].problem or f"{refused[0].run.path}: refused")
    return read_retrained(suite, base / suite.name)


def _write_no_plan(folder: Path, suite: Suite, objectives: dict[str, Objective]) -> None:
    """The analysis reads no retraining: what it came to is in the report."""


def _begin(base: Path, plan: Record) -> None:
    """Go on with an audit that was cut short, or make room for a new one."""
    text = json.dumps(plan, indent=1, sort_keys=True) + "\n"
    try:
        if not (base / REPORT).exists() and (base / PLAN).exists() and (base / PLAN).read_bytes() == text.encode():
            return
        for name in (PLAN, REPORT, SUMMARY):  # The plan first: without it nothing is gone on with.
            (base / name).unlink(missing_ok=True)
        for name in (ROUTE, REFERENCE):
            if (base / name).exists():
                shutil.rmtree(base / name)
    except OSError as error:
        raise BadInput(f"{base}: cannot be cleared for a new audit ({error.strerror}); delete it") from error
    _write(base / PLAN, text)


def _write(path: Path, text: str) -> None:
    try:
        fresh = path.with_name(f"{path.name}.new")
        fresh.write_text(text)
        fresh.replace(path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written ({error.strerror})") from error


def _digest(lists: Lists) -> str:
    told = [[*place, [list(one) for one in many]] for place, many in lists.items()]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()
