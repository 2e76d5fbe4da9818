"""The clocks: under the modelled one nothing measured is in tables and figures, and timing.json has all of it."""

import csv
import io
import json
import random

import pytest

from analysis.__main__ import main
from analysis.loading.results import load
from analysis.tables.basic import as_csv
from analysis.tables.timing import as_json, as_line
from benchmark.errors import BadInput
from tests.analysis.tables.basic_tables import tabulate

CALIBRATION = {"name": "bench", "device": "Some GPU"}

MEASURED = [
    "figures/overhead-bowl.png", "figures/overhead-bowl.svg", "figures/provenance.json",
    "tables/provenance.json",
]  # fmt: skip
"""The figure of measured seconds, and what names the ledgers that hold them."""
CAPTION = ".txt"
"""End of the names of captions, which name the ledgers too."""


def plant_two_algorithms(suite, planted_evaluation, measure):
    """Done, failed, partial and missing runs of three workers; `measure()` gives what was measured."""
    rng = random.Random(5)  # The results: the same whatever was measured.
    suite.set(repetitions=4, budget={"runtime": 6.0})
    suite.algorithm("local")
    for algorithm in ("random", "local"):
        for repetition, state in enumerate(["done", "done", "failed" if algorithm == "local" else "done"]):
            evaluations = priced_at_random(rng, planted_evaluation, measure)
            suite.run(evaluations, repetition, algorithm=algorithm, state=state)
    suite.run(priced_at_random(rng, planted_evaluation, measure), 3, algorithm="local", state="partial")


def priced_at_random(rng, planted_evaluation, measure):
    """Eight evaluations on three simulated workers, charged by their price; some crashed."""
    free, evaluations = [0.0, 0.0, 0.0], []
    for index in range(8):
        worker, price = free.index(min(free)), rng.random()
        start, free[worker] = free[worker], free[worker] + price
        valid, test = (None, None) if rng.random() < 0.2 else (round(rng.random(), 1), rng.random())
        fields = {"config": {"learning_rate": 0.1 * (index + 1)}, "start": start, "modelled_seconds": price}
        evaluations.append(planted_evaluation(index, valid, test, free[worker], **fields, **measure()))
    return evaluations


def measured_at_random(seed):
    """A maker of the measured fields; about a third is shared."""
    rng = random.Random(seed)

    def measure():
        train = rng.random()
        paid = 0.0 if rng.random() < 0.3 else train
        return {"train_seconds": train, "paid_seconds": paid, "decide_seconds": rng.random()}

    return measure


def plots(plant, name, planted_evaluation, seed, clock, command="plots"):
    """What a command makes of a suite: the bytes of all files by path. The seed is that of what was measured."""
    suite = plant(name)
    suite.set(name="planted", clock=clock, calibration=CALIBRATION)
    plant_two_algorithms(suite, planted_evaluation, measured_at_random(seed))
    assert main([command, name, "--quiet", "--results", str(suite.folder.parent)]) == 0
    return {
        f"{folder}/{path.name}": path.read_bytes()
        for folder in ("tables", "figures")
        for path in (suite.folder / folder).glob("*")
    }


@pytest.mark.parametrize("command", ["tables", pytest.param("plots", marks=pytest.mark.slow)])
def test_a_modelled_suite_gives_the_same_bytes_whatever_was_measured(plant, planted_evaluation, command):
    """Two records that differ in measured seconds only give the same bytes, but for the places that tell them."""
    first, second = (plots(plant, f"run-{seed}", planted_evaluation, seed, "modelled", command) for seed in (1, 2))
    assert {name.rpartition(".")[2] for name in first} >= {"csv", "json"}
    assert first.keys() == second.keys()
    assert sorted(name for name in first if first[name] != second[name] and not name.endswith(CAPTION)) == [
        *(name for name in MEASURED if name in first), "tables/timing.json",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_measured_suite_says_what_was_measured(plant, planted_evaluation):
    """Under the measured clock the same difference is in the three tables that have columns for it."""
    first, second = (plots(plant, f"run-{seed}", planted_evaluation, seed, "measured") for seed in (1, 2))
    differ = sorted(name for name in first if first[name] != second[name] and not name.endswith(CAPTION))
    assert differ == [*MEASURED, "tables/runs.csv", "tables/summary.csv", "tables/timing.json", "tables/trials.csv"]


def heads(folder):
    """The columns of every table of a suite."""
    return {name: data.decode().partition("\n")[0].split(",") for name, data in as_csv(tabulate(load(folder))).items()}


def test_the_clock_decides_the_columns_of_seconds_only(plant, planted_evaluation):
    """The price takes the place of measured training, deciding has none; all other columns stay where they are."""
    columns = {}
    for clock in ("measured", "modelled"):
        suite = plant(clock)
        suite.set(clock=clock, calibration=CALIBRATION)
        suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, modelled_seconds=0.75)])
        columns[clock] = heads(suite.folder)
    measured, modelled = columns["measured"], columns["modelled"]
    assert modelled["trajectory.csv"] == measured["trajectory.csv"]
    assert modelled["summary.csv"] == measured["summary.csv"][:-1]
    assert measured["summary.csv"][-1] == "decide_share"
    for name in ("trials.csv", "runs.csv"):
        place = measured[name].index("train_seconds")
        assert measured[name][place : place + 2] == ["train_seconds", "decide_seconds"]
        assert modelled[name] == [*measured[name][:place], "modelled_seconds", *measured[name][place + 2 :]]


def test_prices_arrive_in_the_tables(suite, planted_evaluation):
    """trials.csv has every price exactly, none where an evaluation crashed unpriced, and runs.csv their sum."""
    suite.set(clock="modelled", calibration=CALIBRATION)
    priced = [planted_evaluation(place, 0.5, 0.5, 1.0 + place, modelled_seconds=0.1) for place in range(3)]
    suite.run(priced, 0)
    suite.run([*priced[:2], planted_evaluation(2, None, None, 3.0, modelled_seconds=None)], 1)
    tables = as_csv(tabulate(load(suite.folder)))
    trials, runs = (list(csv.DictReader(io.StringIO(tables[f"{name}.csv"].decode()))) for name in ("trials", "runs"))
    assert [row["modelled_seconds"] for row in trials] == ["0.1"] * 5 + [""]
    assert [row["modelled_seconds"] for row in runs] == ["0.30000000000000004", ""]


def test_timing_sums_what_was_charged_and_what_was_paid(suite, planted_evaluation):
    """Every cell has its own sums, unfinished runs' included, with sorted keys; the total is over all cells."""
    suite.set(clock="modelled", calibration=CALIBRATION)
    suite.algorithm("local")
    fields = {"train_seconds": 0.5, "decide_seconds": 0.25, "modelled_seconds": 2.0}
    paid = planted_evaluation(0, 0.5, 0.5, 2.0, **fields, paid_seconds=0.5)
    shared = planted_evaluation(1, 0.4, 0.4, 4.0, start=2.0, **fields, paid_seconds=0.0)
    suite.run([paid, shared], 0)
    suite.run([paid], 1, state="partial")
    written = as_json(load(suite.folder))
    content = json.loads(written)
    assert content == {
        "calibration": CALIBRATION,
        "cells": [
            {"objective": "bowl", "algorithm": "random", **sums(3, 1, 6.0, 1.5, 1.0, 0.75)},
            {"objective": "bowl", "algorithm": "local", **sums(0, 0, 0.0, 0.0, 0.0, 0.0)},
        ],
        "clock": "modelled",
        "total": sums(3, 1, 6.0, 1.5, 1.0, 0.75),
    }
    assert written == (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def sums(n_evaluations, n_shared, charged, train, paid, decide):
    """An entry of timing.json."""
    return {
        "n_evaluations": n_evaluations,
        "n_shared": n_shared,
        "charged_seconds": charged,
        "train_seconds": train,
        "paid_seconds": paid,
        "decide_seconds": decide,
    }


def test_overlapping_evaluations_are_each_charged(suite, planted_evaluation):
    """Simulated workers overlap; each evaluation is charged its own span of the clock."""
    spans = [(0.0, 3.0), (0.0, 1.0), (1.0, 2.5)]
    suite.run([planted_evaluation(index, 0.5, 0.5, end, start=start) for index, (start, end) in enumerate(spans)])
    assert json.loads(as_json(load(suite.folder)))["total"]["charged_seconds"] == 5.5


def test_training_that_takes_no_time_is_not_shared(suite, planted_evaluation):
    """A closed form pays nothing because there is nothing to pay."""
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, train_seconds=0.0, paid_seconds=0.0)])
    assert json.loads(as_json(load(suite.folder)))["total"]["n_shared"] == 0


def test_the_line_tells_whose_clock_and_what_was_shared(suite, planted_evaluation):
    """Charged and paid seconds, the device under the modelled clock, and the share of evaluations."""
    suite.set(clock="modelled", calibration=CALIBRATION)
    shared = {"start": 0.0, "modelled_seconds": 100.05, "train_seconds": 0.123}
    evaluations = [
        planted_evaluation(index, 0.5, 0.5, 100.05, paid_seconds=0.0 if index else 0.123, **shared)
        for index in range(3)
    ]
    suite.run(evaluations)
    assert as_line(load(suite.folder)) == (
        "charged 300.1 s (modelled for Some GPU), paid 0.12 s of training: 2 of 3 evaluations shared (67 %)"
    )


def test_a_run_without_evaluations_has_a_line(suite):
    """Nothing charged and nothing shared is said without dividing by it."""
    suite.run([])
    assert as_line(load(suite.folder)) == ("charged 0 s (measured), paid 0 s of training: none of 0 evaluations shared")


def test_ledgers_of_another_clock_are_refused(suite, planted_evaluation):
    """Measured seconds are never drawn as modelled ones, even where each evaluation has its price."""
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, modelled_seconds=2.0)])
    suite.set(clock="modelled", calibration=CALIBRATION)
    with pytest.raises(BadInput, match=r"clock = 'modelled', but they were recorded with 'measured'"):
        load(suite.folder)


def test_a_modelled_result_without_its_price_is_refused(suite, planted_evaluation):
    """Under the modelled clock only an evaluation that came to nothing may lack its price."""
    suite.set(clock="modelled", calibration=CALIBRATION)
    suite.run([planted_evaluation(0, None, None, 1.0)], 0)
    load(suite.folder)
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0)], 1)
    with pytest.raises(BadInput, match=r"clock = 'modelled', but they hold evaluations without modelled_seconds"):
        load(suite.folder)


def test_tabulated_seconds_are_the_objectives_own(suite, planted_evaluation):
    """Tables hold what it reported, nothing that was measured, and the axis says whose seconds they are."""
    suite.set(clock="tabulated", repetitions=1)
    suite.run(
        [planted_evaluation(index, 0.5, 0.5, 30.0 * (index + 1), reported_seconds=30.0, start=30.0 * index)
         for index in range(2)]
    )  # fmt: skip
    results = load(suite.folder)
    tables = tabulate(results)
    assert tables["trials"]["reported_seconds"].tolist() == [30.0, 30.0]
    assert tables["runs"]["reported_seconds"].tolist() == [60.0]
    measured = {"train_seconds", "decide_seconds", "decide_share", "paid_seconds", "modelled_seconds"}
    assert not any(measured & set(frame.columns) for frame in tables.values())
    assert as_line(results).startswith("charged 60.0 s (tabulated: the seconds that the objectives report), paid 1 s")
