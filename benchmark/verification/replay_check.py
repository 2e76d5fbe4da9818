"""Replays a recorded run: its algorithm, told the recorded results, must propose what it proposed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from benchmark.reproducibility.seeding import config_digest
from benchmark.storage.ledger_format import Record, evaluations_of
from benchmark.suite.model import Run
from benchmark.tuning.clock import Clock, build_clock
from benchmark.tuning.evaluation import TrainingResult
from benchmark.tuning.execution import REPLAYED, replay_evaluation
from benchmark.tuning.factory import build_loop, build_scheduler, closing_algorithm
from benchmark.tuning.tuner import AlgorithmError, Job, Outcome
from benchmark.verification.trial_comparison import Divergence, equal_bits
from objectives.objective import Objective


def first_divergence(run: Run, objective: Objective, records: list[Record], state: str) -> Divergence | None:
    """Where a fresh algorithm first proposes something else than a ledger holds; nothing is trained.

    What each evaluation was charged and how the run ended are held against their records too.

    Args:
        run: which one.
        objective: built for it.
        records: of its ledger, the header first.
        state: of the ledger: "done", "partial" or "failed".
    """
    evaluations = evaluations_of(records)
    if state == "failed" and not records[-1].get("traceback"):  # It killed its process outside training.
        told = "not replayed: its process died outside training"
        return Divergence(evaluation=len(evaluations), field="failure", recorded=records[-1].get("error"), now=told)
    scheduler = build_scheduler(run, objective)
    with closing_algorithm(scheduler):
        loop = build_loop(run, objective, scheduler).run()
        return _drive(loop, evaluations, build_clock(run, objective), _recorded_end(records[-1], state))


def _recorded_end(last: Record, state: str) -> tuple[str, str] | None:
    """How the run ended, None when it has not."""
    if state == "done":
        return "end", last["reason"]
    return ("failure", last["error"]) if state == "failed" else None


def _drive(
    loop: Generator[Job, Outcome, str], evaluations: list[Record], clock: Clock, ended: tuple[str, str] | None
) -> Divergence | None:
    told = 0
    try:
        job = next(loop)
        for record in evaluations:
            divergence = _difference(job, record, clock)
            if divergence is not None:
                return divergence
            told += 1
            job = loop.send(replay_evaluation(job, record))
        loop.close()
        now = "evaluation", repr(job.config)
    except StopIteration as stop:
        now = "end", str(stop.value)
    except AlgorithmError as error:
        now = "failure", str(error)[:1000]
    recorded = ("evaluation", repr(evaluations[told]["config"])) if told < len(evaluations) else ended
    if recorded is None or recorded == now:
        return None
    return Divergence(evaluation=told, field=recorded[0], recorded=recorded[1], now=f"{now[0]}: {now[1]}")


def _difference(job: Job, record: Record, clock: Clock) -> Divergence | None:
    """What of an evaluation's record the algorithm and the clock do not give again."""
    proposed = {name: getattr(job, name) for name in REPLAYED} | {"asked_epochs": job.epochs}
    proposed["digest"] = config_digest(job.config)[:16]
    charged = replace(job, decide_seconds=record["decide_seconds"])
    differing = [name for name, value in proposed.items() if not equal_bits(record[name], value)]
    if not differing:  # What was not proposed has no price.
        runtime, price = clock.charge(charged, _training(record))
        proposed |= {"modelled_seconds": price, "end": job.start + runtime}
        differing = [name for name in ("modelled_seconds", "end") if not equal_bits(record.get(name), proposed[name])]
    if not differing:
        return None
    name = differing[0]
    return Divergence(evaluation=record["index"], field=name, recorded=record.get(name), now=proposed[name])


def _training(record: Record) -> TrainingResult:
    """What a clock has to know of an evaluation."""
    names = ("state", "epochs", "valid_error", "test_error", "valid_curve", "test_curve", "train_seconds")
    return TrainingResult(**{name: record[name] for name in names}, paid_seconds=0.0)
