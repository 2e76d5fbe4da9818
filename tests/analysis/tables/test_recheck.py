"""The recheck's tables: planted noise is found again, and nothing missing, crashed or damaged is passed over."""

import json
import math

import pandas as pd
import pytest

from analysis.loading.recheck import FILE, missing
from analysis.loading.results import load
from analysis.tables.recheck import NOISE, OPTIMISM, RECHECK, noise_table, optimism_table, recheck_table
from benchmark.errors import BadInput

pytestmark = pytest.mark.slow  # A suite of a thousand trainings is rechecked with ten seeds.


@pytest.fixture
def rechecked(suite, planted_evaluation, planted_ledger):
    """A function that plants fresh trainings of the configurations rate 0.1, 0.2, ... of two runs; their results.

    Each seed has a list of (valid, test), or of changes to an evaluation, one a configuration.
    """

    def plant(*seeds, state="jsonl", **changes):
        for repetition, valid in enumerate((0.20, 0.30)):
            suite.run([planted_evaluation(0, valid, valid + 0.05, 1.0, config=rate(repetition))], repetition)
        folder = suite.folder / "recheck"
        for seed, errors in enumerate(seeds):
            run = {"objective": {"label": "bowl"}, "algorithm": {"label": "list-000"}, "repetition": seed}
            records = [
                planted_evaluation(place, valid, test, place + 1.0, config=rate(place), **more)
                for place, (valid, test, *rest) in enumerate(errors)
                for more in (rest or [{}])
            ]
            header = {"kind": "header", "format": 1, "run": run}
            end = [{"kind": "end", "evaluations": len(records)}] if state == "jsonl" else []
            path = folder / "runs/bowl/list-000" / f"{seed:03d}.{state}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(planted_ledger([header, *records, *end]))
        told = {
            "format": 1,
            "suite": "planted",
            "fresh": len(seeds),
            "lists": {"bowl": [[{"config": rate(place), "epochs": 2} for place in range(2)]]},
            "incumbents": [selection(repetition, valid) for repetition, valid in enumerate((0.20, 0.30))],
        }
        folder.mkdir(exist_ok=True)
        (folder / FILE).write_text(json.dumps({**told, **changes}))
        return load(suite.folder), suite.folder

    return plant


def rate(place):
    return {"learning_rate": 0.1 + place / 10}


def selection(repetition, valid):
    run = {"objective": "bowl", "algorithm": "random", "repetition": repetition}
    return {**run, "list": 0, "place": repetition, "valid_error": valid, "test_error": valid + 0.05}


def test_known_numbers(rechecked):
    """Means, stds, the pooled sd and the optimism of six trainings, by hand."""
    study = rechecked([(0.25, 0.30), (0.30, 0.32)], [(0.27, 0.34), (0.34, 0.36)], [(0.29, 0.32), (0.38, 0.40)])

    table, noise = recheck_table(*study), noise_table(*study)

    assert table["config"].tolist() == ['{"learning_rate":0.1}', '{"learning_rate":0.2}']
    assert table[["k", "epochs"]].to_numpy().tolist() == [[3, 2], [3, 2]]
    assert table["fresh_valid_mean"].tolist() == pytest.approx([0.27, 0.34])
    assert table["fresh_valid_std"].tolist() == pytest.approx([0.02, 0.04])
    assert table["fresh_test_mean"].tolist() == pytest.approx([0.32, 0.36])
    [row] = noise.to_dict("records")
    assert [row[name] for name in ("n_configs", "k", "n_trainings", "df", "n_crashed")] == [2, 3, 6, 4, 0]
    assert row["valid_sd"] == pytest.approx(math.sqrt((2 * 0.02**2 + 2 * 0.04**2) / 4))
    assert row["test_sd"] == pytest.approx(math.sqrt((2 * 0.02**2 + 2 * 0.04**2) / 4))
    [cell] = optimism_table(study[0], table).to_dict("records")
    assert cell["valid_optimism"] == pytest.approx(-0.055)
    assert cell["test_optimism"] == pytest.approx(0.30 - 0.34)
    assert math.isnan(cell["valid_optimism_lo"]), "two runs give no interval"


def test_one_seed_has_no_spread(rechecked):
    """Means are there, standard deviations are not."""
    study = rechecked([(0.25, 0.30), (0.30, 0.32)])

    assert recheck_table(*study)["fresh_test_mean"].tolist() == [0.30, 0.32]
    assert recheck_table(*study)["fresh_test_std"].isna().all()
    [row] = noise_table(*study).to_dict("records")
    assert row["df"] == 0
    assert math.isnan(row["test_sd"])


def test_a_crashed_training_leaves_no_mean(rechecked):
    """It is counted; the configuration's mean and its cell's are undefined; the noise floor is of the others."""
    study = rechecked([(0.25, 0.30), (0.30, 0.32)], [(None, None), (0.34, 0.36)], [(0.29, 0.32), (0.38, 0.40)])

    table = recheck_table(*study)

    assert table["k"].tolist() == [3, 3]
    assert table["n_crashed"].tolist() == [1, 0]
    assert table["fresh_valid_mean"].isna().tolist() == [True, False]
    [row] = noise_table(*study).to_dict("records")
    assert [row[name] for name in ("n_trainings", "n_crashed", "df")] == [6, 1, 3]
    assert row["valid_sd"] == pytest.approx(math.sqrt((2 * 0.02**2 + 2 * 0.04**2) / 3))
    [cell] = optimism_table(study[0], table).to_dict("records")
    assert (cell["n"], math.isnan(cell["valid_optimism"]), math.isnan(cell["valid_optimism_lo"])) == (2, True, True)


def test_a_diverged_training_counts_with_the_chance_error(rechecked):
    """Its error is in the mean, its epochs need not be all, and it is told."""
    study = rechecked([(0.9, 0.9, {"state": "diverged", "epochs": 1}), (0.30, 0.32)], [(0.3, 0.3), (0.34, 0.36)])

    assert recheck_table(*study)["fresh_valid_mean"].tolist() == pytest.approx([0.6, 0.32])
    assert noise_table(*study)["n_diverged"].tolist() == [1]


def test_an_unfinished_recheck_counts_what_is_there(rechecked):
    """Until all seeds are trained, k says how many are; what is not trained at all has no mean."""
    study = rechecked([(0.25, 0.30), (0.30, 0.32)], [(0.27, 0.34)], [], state="jsonl.part")

    table = recheck_table(*study)

    assert table["k"].tolist() == [2, 1]
    assert table["fresh_valid_mean"].tolist() == pytest.approx([0.26, 0.30])
    assert noise_table(*study)[["k", "n_trainings", "df"]].to_numpy().tolist() == [[3, 3, 1]]


def test_a_selection_that_is_no_more_has_no_fresh_results(rechecked):
    """A run that selected something else since, and one that came later, have k = 0 and are counted."""
    study = rechecked([(0.25, 0.30), (0.30, 0.32)], incumbents=[selection(0, 0.21)])

    table = recheck_table(*study)

    assert table["k"].tolist() == [0, 0]
    assert table["selected_valid_error"].tolist() == [0.20, 0.30]
    assert table["fresh_test_mean"].isna().all()
    [cell] = optimism_table(study[0], table).to_dict("records")
    assert (cell["n"], cell["n_runs"]) == (0, 2)
    assert math.isnan(cell["valid_optimism"])


def test_a_run_without_incumbent_stays(rechecked, suite):
    """A complete run whose every evaluation crashed is a row: it selected nothing, at an infinite error."""
    rechecked([(0.25, 0.30), (0.30, 0.32)])
    suite.run([(None, None, 1.0)], 1)

    table = recheck_table(load(suite.folder), suite.folder)

    assert table["k"].tolist() == [1, 0]
    assert table["selected_valid_error"].tolist() == [0.20, math.inf]


def test_no_recheck_is_empty_with_a_reason(suite):
    """The tables have their columns and no row, and there is a command to make some."""
    suite.run([(0.2, 0.3, 1.0)])
    results = load(suite.folder)

    for frame, columns in (
        (recheck_table(results, suite.folder), RECHECK),
        (noise_table(results, suite.folder), NOISE),
        (optimism_table(results, pd.DataFrame(columns=list(RECHECK))), OPTIMISM),
    ):
        assert frame.empty
        assert tuple(frame.columns) == columns
    assert missing(results, suite.folder) == "no recheck yet; make one: python -m benchmark recheck planted"


def test_a_competitor_changes_no_other_row(rechecked, suite):
    """Rows of one algorithm are the same with another one beside it."""
    study = rechecked([(0.25, 0.30), (0.30, 0.32)], [(0.27, 0.34), (0.34, 0.36)])
    alone = recheck_table(*study)
    suite.algorithm("local")
    suite.run([(0.1, 0.2, 1.0)], algorithm="local")

    both = recheck_table(load(suite.folder), suite.folder)

    assert both[both["algorithm"] == "random"].to_csv() == alone.to_csv()
    assert both[both["algorithm"] == "local"]["k"].tolist() == [0]


# Damage.


def shorter(text):
    """The file with the list's second configuration left out."""
    told = json.loads(text)
    del told["lists"]["bowl"][0][1]
    return json.dumps({**told, "incumbents": []})


def swapped(old, new):
    """A function that replaces something in the file."""
    return lambda text: text.replace(old, new)


LEDGER = "of runs/bowl/list-000/000"
BAD = {
    "no JSON": (lambda text: text[:50], "cannot be read"),
    "other format": (swapped('"format": 1', '"format": 2'), "need a JSON object of format 1"),
    "a list": (lambda text: "[]", "need a JSON object of format 1"),
    "other suite": (swapped("planted", "plaited"), "suite = 'plaited'"),
    "no seeds": (swapped('"fresh": 1', '"fresh": -1'), "-1 stands where a whole number must be"),
    "no lists": (swapped('"lists"', '"lots"'), "KeyError: 'lists'"),
    "a place outside": (swapped('"place": 1', '"place": 7'), "IndexError"),
    "a wrong error": (swapped('"valid_error": 0.2', '"valid_error": null'), "None stands where a number must be"),
    "another configuration": (swapped("0.1}", "0.15}"), f"evaluation 0 {LEDGER}"),
    "other epochs": (swapped('"epochs": 2', '"epochs": 3'), f"evaluation 0 {LEDGER}"),
    "a shorter list": (shorter, f"evaluation 1 {LEDGER}"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_damaged_file_is_refused(rechecked, name):
    """One message with the file and what is wrong with it."""
    results, folder = rechecked([(0.25, 0.30), (0.30, 0.32)])
    damage, told = BAD[name]
    path = folder / "recheck" / FILE
    before = path.read_text()
    path.write_text(damage(before))
    assert path.read_text() != before

    for make in (recheck_table, noise_table):
        with pytest.raises(BadInput) as refusal:
            make(results, folder)
        assert str(refusal.value).startswith(f"{path}: ")
        assert told in str(refusal.value)


def test_a_lost_file_is_refused(rechecked):
    """Ledgers without the file that says what they are of are no missing recheck."""
    results, folder = rechecked([(0.25, 0.30), (0.30, 0.32)])
    (folder / "recheck" / FILE).unlink()

    with pytest.raises(BadInput, match="it is missing, but there are ledgers beside it"):
        noise_table(results, folder)


def test_a_damaged_ledger_is_refused(rechecked):
    """A changed digit is found by the ledger's checksums."""
    results, folder = rechecked([(0.25, 0.30), (0.30, 0.32)])
    path = folder / "recheck/runs/bowl/list-000/000.jsonl"
    path.write_bytes(path.read_bytes().replace(b"0.25", b"0.26"))

    with pytest.raises(BadInput, match="its checksum does not match"):
        recheck_table(results, folder)
