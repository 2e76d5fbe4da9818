"""The tables of the recheck: what selected configurations do with fresh seeds."""

from __future__ import annotations

import json
from fractions import Fraction

from tests.analysis.oracle.exact import INF, infinite, mean, root, std
from tests.analysis.oracle.reading import error_of, read_ledger
from tests.analysis.oracle.records import labels
from tests.analysis.oracle.resampling import interval
from tests.analysis.oracle.steps import incumbent

NAMES = ("valid", "test")


class Recheck:
    """What lies in the folder of a recheck.

    Attributes:
        fresh: seeds that are planned.
        trials: every configuration by (objective, list, place), with its fresh trainings.
        selected: by (objective, algorithm, repetition) what the run had selected, and which of the trials that is.
    """

    def __init__(self, folder):
        told = json.loads((folder / "recheck" / "incumbents.json").read_text(), parse_float=Fraction)
        self.fresh, self.trials = told["fresh"], {}
        for objective, lists in told["lists"].items():
            for number, trials in enumerate(lists):
                for place, trial in enumerate(trials):
                    self.trials[objective, number, place] = {**trial, "valid": [], "test": [], "n_diverged": 0}
                self._train(folder / "recheck" / "runs" / objective / f"list-{number:03d}", objective, number)
        self.selected = {(row["objective"], row["algorithm"], row["repetition"]): row for row in told["incumbents"]}

    def _train(self, folder, objective, number):
        for seed in range(self.fresh):
            for record in read_ledger(folder, seed)[1]:
                if record["kind"] == "evaluation":
                    trial = self.trials[objective, number, record["index"]]
                    trial["n_diverged"] += record["state"] == "diverged"
                    for name in NAMES:
                        trial[name].append(error_of(record, f"{name}_error"))


def recheck(suite):
    """Every complete run: what it selected, and the fresh trainings of that, if it is what was rechecked."""
    found = Recheck(suite.folder)
    for run in suite.runs:
        if run.state != "done":
            continue
        best = incumbent(run.counted)
        row = labels(run) | {"k": 0, "n_crashed": 0, "selected_valid_error": INF, "selected_test_error": INF}
        if best is not None:
            row |= {f"selected_{name}_error": best[f"{name}_error"] for name in NAMES}
            row |= {"config": best["config"], "epochs": best["epochs"]} | fresh(found, run, best)
        yield row


def fresh(found, run, best):
    """The fresh trainings of a run's incumbent; nothing if another one was rechecked."""
    told = found.selected.get((run.objective, run.algorithm, run.repetition))
    if told is None or any(told[f"{name}_error"] != best[f"{name}_error"] for name in NAMES):
        return {}
    trial = found.trials[run.objective, told["list"], told["place"]]
    if trial["config"] != best["config"]:
        return {}
    row = {"epochs": trial["epochs"], "k": len(trial["valid"]), "n_crashed": sum(map(infinite, trial["valid"]))}
    for name in NAMES:
        row |= {f"fresh_{name}_mean": mean(trial[name]), f"fresh_{name}_std": std(trial[name])}
    return row


def noise(suite):
    """Every objective: the standard deviation of fresh trainings round the mean of their configuration, pooled."""
    found = Recheck(suite.folder)
    for entry in suite.objectives:
        mine = [trial for (objective, _, _), trial in found.trials.items() if objective == entry["label"]]
        if not mine:
            continue
        row = {"objective": entry["label"], "n_configs": len(mine), "k": found.fresh}
        row |= {
            "n_trainings": sum(len(trial["valid"]) for trial in mine),
            "n_diverged": sum(t["n_diverged"] for t in mine),
        }
        row["n_crashed"] = sum(infinite(error) for trial in mine for error in trial["valid"])
        for name in NAMES:
            groups = [[error for error in trial[name] if not infinite(error)] for trial in mine]
            row["df"] = sum(len(group) - 1 for group in groups if group)
            squares = sum((error - mean(group)) ** 2 for group in groups for error in group)
            row[f"{name}_sd"] = root(Fraction(squares) / row["df"]) if row["df"] else None
        yield row


def optimism(suite):
    """Every cell: by how much the selected errors are below those of fresh trainings."""
    rows = list(recheck(suite))
    for objective, algorithm, _ in suite.cells():
        mine = [row for row in rows if (row["objective"], row["algorithm"]) == (objective, algorithm)]
        again = [row for row in mine if row["k"]]
        row = {"objective": objective, "algorithm": algorithm, "n": len(again), "n_runs": len(mine)}
        for name in NAMES:
            selected = [one[f"selected_{name}_error"] for one in again]
            retrained = [one[f"fresh_{name}_mean"] for one in again]
            row |= {f"selected_{name}_mean": mean(selected), f"fresh_{name}_mean": mean(retrained)}
            whole = bool(again) and None not in retrained
            excess = [one - other for one, other in zip(selected, retrained, strict=True)] if whole else []
            low, high = interval(excess, "mean")
            row |= {f"{name}_optimism": mean(excess), f"{name}_optimism_lo": low, f"{name}_optimism_hi": high}
        yield row
