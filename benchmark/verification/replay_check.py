"""Replays a recorded run: its algorithm, given the recorded results, must propose what it proposed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from benchmark.reproducibility.seeding import config_digest
from benchmark.storage.ledger_format import Record, evaluations_of
from benchmark.suite.model import Run
from benchmark.tuning.clock import Clock, build_clock
from benchmark.tuning.evaluation import TrainingResult
from benchmark.tuning.factory import build_loop, build_scheduler, closing_algorithm
from benchmark.tuning.record_replay import REPLAYED, RecordedOutcomes
from benchmark.tuning.tuner import AlgorithmError, Job, Outcome
from benchmark.verification.trial_comparison import Divergence, equal_bits
from objectives.objective import Objective

RESULTS = ("state", "epochs", "valid_error", "test_error", "valid_curve", "test_curve", "train_seconds")


def first_divergence(run: Run, objective: Objective, records: list[Record], state: str) -> Divergence | None:
    """Find where a fresh algorithm first proposes something else than a ledger holds; nothing is trained.

    What each evaluation was charged and how the run ended are compared with their records too.

    Args:
        run: which one.
        objective: built for it.
        records: of its ledger, the header first.
        state: of the ledger: "done", "partial" or "failed".
    """
    evaluations, last = evaluations_of(records), records[-1]
    if state == "failed" and not last.get("traceback"):  # It killed its process outside training.
        now = "not replayed: its process died outside training"
        return Divergence(evaluation=len(evaluations), field="failure", recorded=last.get("error"), now=now)
    recorded_end: tuple[str, Any] | None = {
        "done": ("end", last.get("reason")),
        "failed": ("failure", last.get("error")),
    }.get(state)
    scheduler = build_scheduler(run, objective)
    with closing_algorithm(scheduler):
        loop = build_loop(run, objective, scheduler).run()
        outcomes = RecordedOutcomes(objective.metrics[0])
        return _replay(loop, evaluations, outcomes, build_clock(run, objective), recorded_end)


def _replay(
    loop: Generator[Job, Outcome, str],
    evaluations: list[Record],
    outcomes: RecordedOutcomes,
    clock: Clock,
    recorded_end: tuple[str, Any] | None,
) -> Divergence | None:
    replayed = 0
    try:
        job = next(loop)
        for record in evaluations:
            divergence = _difference(job, record, clock)
            if divergence is not None:
                return divergence
            replayed += 1
            job = loop.send(outcomes.replay(job, record))
        loop.close()
        now = "evaluation", repr(job.config)
    except StopIteration as stop:
        now = "end", str(stop.value)
    except AlgorithmError as error:
        now = "failure", str(error)[:1000]
    missing = replayed < len(evaluations)
    recorded = ("evaluation", repr(evaluations[replayed]["config"])) if missing else recorded_end
    if recorded is None or recorded == now:
        return None
    return Divergence(evaluation=replayed, field=recorded[0], recorded=recorded[1], now=f"{now[0]}: {now[1]}")


def _difference(job: Job, record: Record, clock: Clock) -> Divergence | None:
    """Compare an evaluation's record with what the algorithm proposes and the clock charges."""
    proposed = {name: getattr(job, name) for name in REPLAYED} | {"asked_epochs": job.epochs}
    proposed["digest"] = config_digest(job.config)[:16]
    name = _first_unequal(record, proposed)
    if name is None:  # What was not proposed has no price.
        result = TrainingResult(**{name: record[name] for name in RESULTS}, paid_seconds=0.0)
        result = replace(result, reported_seconds=record.get("reported_seconds"))
        runtime, price = clock.charge(replace(job, decide_seconds=record["decide_seconds"]), result)
        proposed = {"modelled_seconds": price, "end": job.start + runtime}
        name = _first_unequal(record, proposed)
    if name is None:
        return None
    return Divergence(evaluation=record["index"], field=name, recorded=record.get(name), now=proposed[name])


def _first_unequal(record: Record, values: Record) -> str | None:
    return next((name for name, value in values.items() if not equal_bits(record.get(name), value)), None)
