"""The recheck of fronts and constraints: what survives fresh seeds, by hand."""

from __future__ import annotations

import json
import math

import pytest

from tests.analysis.fronts.suites import ERROR, SIZE, declare, measured, study

SEVERAL = [ERROR, {**SIZE, "best": 0.0, "reference": 4.0}]
SINGLE = [ERROR, SIZE]
UPPER = {"metric": "size", "lower": None, "upper": 2.0}


def configured(record, rate):
    """A record with a configuration of its own."""
    return {**record, "config": {"learning_rate": rate}}


def write(suite, planted_ledger, metrics, selected, fresh, **plan):
    """Write a run that selected some trials, and fresh trainings of each by seed; a crash has no values."""
    declare(suite, metrics, repetitions=1, **plan)
    rates = [0.1 * (place + 1) for place in range(len(selected))]
    suite.run([configured(measured(index, metrics, values, index + 1.0), rates[index])
               for index, values in enumerate(selected)])  # fmt: skip
    entries = [
        {"objective": "bowl", "algorithm": "random", "repetition": 0, "list": 0, "place": place,
         "valid_error": values[0], "test_error": None} for place, values in enumerate(selected)
    ]  # fmt: skip
    lists = {"bowl": [[{"config": {"learning_rate": rate}, "epochs": 2} for rate in rates]]}
    folder = suite.folder / "recheck"
    for seed in range(len(fresh[0])):
        records = [
            configured(measured(index, metrics, fresh[index][seed], 1.0 + index), rates[index])
            for index in range(len(selected))
        ]
        header = {"kind": "header", "format": 1, "environment": {}, "run": {
            "objective": {"label": "bowl"}, "algorithm": {"label": "list-000"}, "repetition": seed}}  # fmt: skip
        end = {"kind": "end", "reason": "budget", "evaluations": len(records)}
        path = folder / "runs" / "bowl" / "list-000" / f"{seed:03d}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(planted_ledger([header, *records, end]))
    content = {"format": 1, "suite": "planted", "fresh": len(fresh[0]), "lists": lists, "incumbents": entries}
    (folder / "incumbents.json").write_text(json.dumps(content))


def test_dominance_that_fresh_seeds_leave(suite, planted_ledger):
    """With one seed both stay; with the other, and in the means (3/5, 3) and (3/5, 1), the first is dominated."""
    fresh = [[(0.3, 3.0), (0.9, 3.0)], [(0.6, 1.0), (0.6, 1.0)]]
    write(suite, planted_ledger, SEVERAL, [(0.25, 3.0), (0.5, 1.0)], fresh)
    [row] = study(suite).tables["recheck_front"].to_dict("records")
    assert (row["n_front"], row["n_rechecked"], row["k"], row["n_crashed"]) == (2, 2, 2, 0)
    assert (row["n_survive"], row["share_by_seed"]) == (1, 0.75)
    # Shares of the unit square: 1/2 * 3/4 + 1/4 * 1/4; then 2/5 * 3/4 + 3/10 * 1/4, and 2/5 * 3/4 alone.
    assert row["selected_hypervolume"] == pytest.approx(0.4375)
    assert row["fresh_hypervolume"] == pytest.approx((0.375 + 0.3) / 2)


def test_a_fresh_training_that_crashed_is_no_survivor(suite, planted_ledger):
    """It is counted, its mean is undefined, and the other seeds still count one by one."""
    fresh = [[(0.25, 3.0), None], [(0.5, 1.0), (0.5, 1.0)]]
    write(suite, planted_ledger, SEVERAL, [(0.25, 3.0), (0.5, 1.0)], fresh)
    [row] = study(suite).tables["recheck_front"].to_dict("records")
    assert (row["n_crashed"], row["n_survive"], row["share_by_seed"]) == (1, 1, 0.75)


def test_a_front_that_has_changed_since_is_not_rechecked(suite, planted_ledger):
    """What the recheck trained is not what the run now has."""
    write(suite, planted_ledger, SEVERAL, [(0.25, 3.0)], [[(0.3, 3.0)]])
    suite.run([measured(0, SEVERAL, (0.125, 3.0), 1.0)])
    [row] = study(suite).tables["recheck_front"].to_dict("records")
    assert (row["n_front"], row["n_rechecked"], row["k"]) == (1, 0, 0)
    assert math.isnan(row["fresh_hypervolume"])


def test_how_often_what_was_chosen_is_feasible_with_fresh_seeds(suite, planted_ledger):
    """The incumbent is the feasible one of the larger error; three of four trainings meet the bound, one crashes."""
    fresh = [[(0.1, 1.0)] * 4, [(0.5, 2.0), (0.5, 1.0), (0.6, 0.5), None]]
    write(suite, planted_ledger, SINGLE, [(0.25, 3.0), (0.5, 1.0)], fresh, constraints=[UPPER])
    tables = study(suite).tables
    [row] = tables["recheck_feasibility"].to_dict("records")
    assert (row["n_chosen"], row["n_rechecked"], row["n_trainings"], row["n_feasible"], row["share"]) == (
        1,
        1,
        4,
        3,
        0.75,
    )
    assert tables["recheck"]["selected_valid_error"].tolist() == [0.5]
    assert tables["recheck"]["k"].tolist() == [4]


def test_without_a_recheck_there_is_no_row(suite):
    """The tables have their columns."""
    declare(suite, SEVERAL, [UPPER], repetitions=1)
    suite.run([measured(0, SEVERAL, (0.25, 1.0), 1.0)])
    tables = study(suite).tables
    assert tables["recheck_front"].empty
    assert tables["recheck_feasibility"].empty
