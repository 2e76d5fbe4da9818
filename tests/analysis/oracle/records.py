"""The tables that count and list what was recorded."""

from __future__ import annotations

import json
import math
from fractions import Fraction

from tests.analysis.oracle.exact import INF, mean, std
from tests.analysis.oracle.reading import WORTHLESS
from tests.analysis.oracle.steps import incumbent

STATES = ("diverged", "error", "crashed", "timeout")


def labels(run):
    """What a row of a run begins with."""
    return {"objective": run.objective, "algorithm": run.algorithm, "repetition": run.repetition}


def modelled(suite):
    """Whether seconds are the calibration's."""
    return suite.plan["clock"] == "modelled"


def trials(suite):
    """Every evaluation, as it was completed; under the modelled clock without measured seconds."""
    kept = ("index", "trial", "start_epoch", "epochs", "state", "valid_error", "test_error", "start", "end")
    seconds = ("modelled_seconds",) if modelled(suite) else ("train_seconds", "decide_seconds")
    for run in suite.runs:
        for one in run.evaluations:
            row = {**labels(run), "run_state": run.state} | {name: one.get(name) for name in (*kept, *seconds)}
            row |= {"config": one["config"], "completed": one["completed"], "counted": one["counted"]}
            yield row | {"cumulative_epochs": one["charged"]}


def runs(suite):
    """Every planned run: counts of all that is recorded, and the incumbent of what is within the budget."""
    for run in suite.runs:
        states = [one["state"] for one in run.evaluations]
        row = labels(run) | {"state": run.state, "n_evaluations": len(states), "n_diverged": states.count("diverged")}
        row |= {"n_crashed": sum(state in WORTHLESS for state in states)}
        row |= {"n_trials": len({one["trial"] for one in run.evaluations}), "epochs": charged(run)}
        row |= {"runtime": max((one["end"] for one in run.evaluations), default=0)}
        for name in ("modelled",) if modelled(suite) else ("train", "decide"):
            row[f"{name}_seconds"] = seconds(run, name)
        yield row | reached(run)


def charged(run):
    """The epochs of a run."""
    return sum(one["epochs"] - one["start_epoch"] for one in run.evaluations)


def seconds(run, name):
    """A sum of seconds; None if a price is not known."""
    values = [one.get(f"{name}_seconds") for one in run.evaluations]
    return None if None in values else sum(values)


def reached(run):
    """What a run has reached."""
    best = incumbent(run.counted)
    if best is None:
        return {"final_valid_error": INF, "final_test_error": INF} if run.counted else {}
    first = next(one for one in run.counted if one["valid_error"] < INF)
    row = {"t_first": first["end"], "incumbent": best["config"]}
    return row | {f"final_{name}": best[name] for name in ("valid_error", "test_error")}


def summary(suite):
    """Every cell: how many runs, their mean final errors if all of them have one, seconds."""
    for objective, algorithm, planned in suite.cells():
        finished = [run for run in planned if run.finished]
        row = {"objective": objective, "algorithm": algorithm, "n": len(finished), "n_planned": len(planned)}
        row["n_failed"] = sum(run.state == "failed" for run in planned)
        best = [incumbent(run.counted) if run.state == "done" else None for run in finished]
        for name in ("valid", "test"):
            errors = [] if None in best else [one[f"{name}_error"] for one in best]
            row |= {f"{name}_mean": mean(errors), f"{name}_std": std(errors)}
        row["runtime_mean"] = mean([max((one["end"] for one in run.evaluations), default=0) for run in finished])
        if not modelled(suite):
            decide, train = (sum(seconds(run, name) for run in finished) for name in ("decide", "train"))
            row["decide_share"] = Fraction(decide) / (decide + train) if decide + train else None
        yield row


def algorithms(suite):
    """What stands behind every label, as the plan declares it; these suites use no libraries."""
    for entry in suite.plan["algorithms"]:
        row = {"algorithm": entry["label"]}
        for part, given in (
            ("scheduler", entry.get("scheduler", {"name": "basic"})),
            ("searcher", entry.get("searcher")),
        ):
            row |= {part: (given or {}).get("name", "")}
            row[f"{part}_options"] = json.dumps(given.get("options", {}), separators=(",", ":")) if given else ""
        yield row | {"n_workers": entry.get("n_workers") or suite.plan["n_workers"], "libraries": "{}", "lacks": "{}"}


def totals(suite):
    """Runs planned and evaluations recorded in every cell, and what became of them."""
    for objective, algorithm, planned in suite.cells():
        row = {"objective": objective, "algorithm": algorithm, "n_runs": len(planned)}
        row |= {f"n_{state}": sum(run.state == state for run in planned) for state in ("missing", "partial", "failed")}
        recorded = [one["state"] for run in planned for one in run.evaluations]
        yield row | {"n_evaluations": len(recorded)} | {f"n_{state}": recorded.count(state) for state in STATES}


def failures(suite):
    """Every run that is not complete, and every evaluation that is not ok."""
    for run in suite.runs:
        if run.state != "done":
            reason = {"missing": "no ledger", "partial": f"unfinished after {len(run.evaluations)} evaluations"}
            told = [record["error"] for record in run.records if record["kind"] == "failure"]
            yield labels(run) | {
                "index": None,
                "trial": None,
                "state": run.state,
                "reason": reason.get(run.state) or told[-1],
            }
        for one in run.evaluations:
            if one["state"] != "ok":
                chance = (
                    f"counted with the chance error {float(one['valid_error']):.4g}"
                    if one["state"] == "diverged"
                    else None
                )
                yield (
                    labels(run)
                    | {name: one[name] for name in ("index", "trial", "state")}
                    | {"reason": one.get("problem", chance)}
                )


def curves(suite):
    """The errors after every epoch of every trial in repetition 0; an epoch trained twice as it was the last time."""
    for run in suite.runs:
        best = incumbent(run.counted)
        epochs = {}
        for record in run.records:
            if run.repetition == 0 and record["kind"] == "evaluation":
                both = zip(record["valid_curve"], record["test_curve"], strict=False)
                for epoch, errors in enumerate(both, start=record["start_epoch"] + 1):
                    epochs[record["trial"], epoch] = errors
        for (trial, epoch), (valid, test) in sorted(epochs.items()):
            row = labels(run) | {"trial": trial, "epoch": epoch, "valid_error": valid, "test_error": test}
            yield row | {"incumbent": best is not None and best["trial"] == trial}


def timeline(suite):
    """Which worker did what in repetition 0: in the order of their starts, each by the free one of the least number."""
    for run in suite.runs:
        free_from = {}
        for one in sorted(run.evaluations, key=lambda one: (one["start"], one["index"])) if run.repetition == 0 else ():
            worker = next(worker for worker in range(10**6) if free_from.get(worker, -math.inf) <= one["start"])
            free_from[worker] = one["end"]
            kept = ("trial", "index", "start", "end", "start_epoch", "epochs", "state")
            yield labels(run) | {"worker": worker} | {name: one[name] for name in kept}
