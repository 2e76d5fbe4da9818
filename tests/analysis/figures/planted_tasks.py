"""Plants the tables of many tasks: algorithms of which each is a little better than the one before."""

from __future__ import annotations

import math

import pandas as pd

TITLE = "A comparison on many tasks"


def names(count):
    """Labels of algorithms, the last ones as long as labels get; the first is the control."""
    short = ["random", *(f"method_{number:02d}" for number in range(1, count))]
    return [*short[:-1], "random-search-with-a-long-descriptive-label-of-configuration-01"] if count > 3 else short


def tables(algorithms, tasks):
    """The tables of `tasks` tasks by name; the last task has no known best, an algorithm has no result on the first."""
    labels = [f"family:FixedTextClassification_patch32_GRU128_{place}" for place in range(tasks)]
    strength = {name: place / len(algorithms) for place, name in enumerate(algorithms)}
    return {
        "task_map": pd.DataFrame(
            [
                _cell(label, name, place, strength[name], place == tasks - 1)
                for place, label in enumerate(labels)
                for name in algorithms
            ]
        ),
        "mean_ranks": pd.DataFrame(
            [
                {"algorithm": name, "mean_rank": rank, "low": rank - 0.4, "high": rank + 0.5, "n_tasks": tasks}
                for rank, name in enumerate(reversed(algorithms), start=1)
            ]
        ),
        "win_rates": pd.DataFrame(
            [_pair(name, other, strength) for name in algorithms for other in algorithms if name != other]
        ),
        "ratings": pd.DataFrame(
            [
                {"algorithm": name, "strength": value, "elo": 1400 + 200 * value, "low": 1380, "high": 1620}
                for name, value in strength.items()
            ]
        ),
        "performance_profiles": _steps("tau", (1.0, 1.5, 4.0, 40.0), strength),
        "data_profiles": _steps("trainings", (0.0, 10.0, 20.0, 50.0), strength),
        "rank_over_budget": pd.DataFrame(
            [
                {"algorithm": name, "fraction": share, "mean_rank": rank, "low": rank - 0.2, "high": rank + 0.2}
                for rank, name in enumerate(reversed(algorithms), start=1)
                for share in (0.05, 0.5, 1.0)
            ]
        ),
        "advice": pd.DataFrame([_advised(algorithms, kind, share) for kind in range(6) for share in (0.5, 1.0)]),
    }


def held_out(regret=0.2):
    """The regrets of following the advice at two budgets; at the first some task was left without a result."""
    columns = ("advised_regret", "always_regret", "oracle_regret", "best_single_regret")
    return pd.DataFrame(
        [
            {
                "fraction": 0.5,
                **dict.fromkeys(columns, math.inf),
                "difference": math.nan,
                "low": math.nan,
                "high": math.nan,
            },
            {"fraction": 1.0, **dict.fromkeys(columns, regret), "difference": -0.1, "low": -0.2, "high": 0.1},
        ]
    )


def _advised(algorithms, kind, share):
    """The last algorithm for the whole budget, the first one for half of it; of two kinds there are too few tasks."""
    few = kind > 3
    return {
        "dimension": ("<= 4", "5 to 7", "> 7")[kind % 3],
        "fidelity": kind < 3,
        "n_workers": 1,
        "fraction": share,
        "tasks": "all tasks"
        if few
        else f"dimension {('<= 4', '5 to 7', '> 7')[kind % 3]}, {('without', 'with')[kind < 3]} curves",
        "n_tasks": 22 if few else 3,
        "algorithm": algorithms[-1 if share == 1.0 else 0],
        "mean_rank": 2.5,
        "low": math.nan if kind == 0 else 1.5,
        "high": math.nan if kind == 0 else 3.5,
        "not_worse": "; ".join(algorithms[:kind]),
    }


def _cell(label, name, place, strength, endless):
    regret = math.nan if endless else math.inf if place == 0 and strength == 0.0 else (1.0 - strength) * 10.0**-place
    verdict = ("better", "worse", "no difference shown")[(place + round(3 * strength)) % 3]
    return {"objective": label, "algorithm": name, "median_regret": regret, "verdict": verdict}


def _pair(name, other, strength):
    rate = 0.5 + 0.5 * (strength[name] - strength[other])
    return {"algorithm": name, "other": other, "win_rate": rate, "low": rate - 0.1, "high": rate + 0.1}


def _steps(column, places, strength):
    return pd.DataFrame(
        [
            {"algorithm": name, column: place, "share": value * number / len(places)}
            for name, value in strength.items()
            for number, place in enumerate(places)
        ]
    )
