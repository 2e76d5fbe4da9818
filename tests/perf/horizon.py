"""Is an algorithm better than another at the horizon, and how much sooner is it as good?

`python -m tests.perf.horizon RESULTS/SUITE [--against random] [--out FILE]` reads a suite's tables (runs.csv,
trials.csv and trajectory.csv, made by `python -m analysis tables`). Repetitions are blocks: differences are taken
within them (Wilcoxon's signed-rank test, two-sided), never between. Under a budget in epochs one algorithm may take
longer than another, so errors are compared twice: at the end of each run, and at the moment when the other's run of
the same repetition ended. Times to an error are those of the mean curves.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.statistics.pairwise import with_ties


def compare(folder: Path, against: str) -> list[dict[str, Any]]:
    """One row for each objective and other algorithm."""
    tables = folder / "tables"
    runs, curves = pd.read_csv(tables / "runs.csv"), pd.read_csv(tables / "trajectory.csv")
    trials = pd.read_csv(tables / "trials.csv", usecols=["objective", "algorithm", "repetition", "end", "valid_error"])
    curves = curves[curves["axis"] == "runtime"]
    rows = []
    for objective, cell in runs[runs["state"] == "done"].groupby("objective", sort=False):
        finals = cell.pivot(index="repetition", columns="algorithm", values="final_valid_error")
        tests = cell.pivot(index="repetition", columns="algorithm", values="final_test_error")
        mine = curves[curves["objective"] == objective]
        ends = cell[cell["algorithm"] == against].set_index("repetition")["runtime"]
        then = at_ends(trials[trials["objective"] == objective], ends)
        for algorithm in finals.columns.drop(against):
            rows.append(
                {
                    "objective": objective,
                    "algorithm": algorithm,
                    "against": against,
                    **paired(finals, algorithm, against),
                    "at_the_others_end": paired(then, algorithm, against),
                    "test_difference": paired(tests, algorithm, against)["difference"],
                    **sooner(mine, algorithm, against),
                }
            )
    return rows


def at_ends(trials: pd.DataFrame, ends: pd.Series) -> pd.DataFrame:
    """The incumbents' errors by repetition and algorithm at one moment of each repetition."""
    in_time = trials[trials["end"] <= trials["repetition"].map(ends)]
    best = in_time.groupby(["repetition", "algorithm"])["valid_error"].min()
    return best.unstack("algorithm")


def paired(finals: pd.DataFrame, algorithm: str, against: str) -> dict[str, Any]:
    """Mean difference of the final errors (negative: better), and Wilcoxon's p."""
    pairs = finals[[algorithm, against]].dropna()
    difference = (pairs[algorithm] - pairs[against]).to_numpy()
    tied = with_ties(difference[np.newaxis])[0]
    p = stats.wilcoxon(tied).pvalue if np.any(tied != 0) else 1.0
    wins, losses = int((difference < 0).sum()), int((difference > 0).sum())
    return {
        "n": len(pairs),
        "mean": float(pairs[algorithm].mean()),
        "mean_against": float(pairs[against].mean()),
        "difference": float(difference.mean()),
        "wins": wins,
        "losses": losses,
        "ties": len(pairs) - wins - losses,
        "p": float(p),
    }


def sooner(curves: pd.DataFrame, algorithm: str, against: str) -> dict[str, Any]:
    """When the mean curve falls to the other's final mean, as a share of the time that the other took in all."""
    other = curves[curves["algorithm"] == against].dropna(subset="valid_mean")
    own = curves[curves["algorithm"] == algorithm].dropna(subset="valid_mean")
    goal = float(other["valid_mean"].iloc[-1])
    horizon = float(other["t"].iloc[-1])
    reached = own.loc[own["valid_mean"] <= goal, "t"]
    other_reached = float(other.loc[other["valid_mean"] <= goal, "t"].iloc[0])
    return {
        "goal": goal,
        "reached": float(reached.iloc[0]) if len(reached) else None,
        "reached_by_other": other_reached,
        "horizon_of_other": horizon,
        "share": float(reached.iloc[0]) / other_reached if len(reached) else None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--against", default="random")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    rows = compare(options.folder, options.against)
    for row in rows:
        share = "never" if row["share"] is None else f"{row['share']:.2f} of its time"
        then = row["at_the_others_end"]
        print(
            f"{row['objective']:12} {row['algorithm']:24} {row['mean']:.4f} against {row['mean_against']:.4f} "
            f"({row['wins']}-{row['losses']}-{row['ties']}, p = {row['p']:.2g}); when {options.against} ended "
            f"{then['mean']:.4f} ({then['wins']}-{then['losses']}-{then['ties']}, p = {then['p']:.2g}); "
            f"its final error in {share}"
        )
    if options.out is not None:
        options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
