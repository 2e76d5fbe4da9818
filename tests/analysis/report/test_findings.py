"""Sentences, numbers and thinning: what the page says, from tables made by hand."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analysis.loading.metric import Metric
from analysis.loading.results import load
from analysis.report.encoding import as_script, compact, interval_text, number_text, p_text
from analysis.report.findings import findings, sentence
from analysis.report.html_table import html_table, number_column, text_column
from analysis.report.recheck import recheck_section
from analysis.report.trajectories import kept, trajectories_section
from analysis.study import Study

PAIR = {
    "objective": "lenet", "a": "random", "b": "local", "endpoint": "test_error", "n": 50, "p_holm": 0.0034,
    "detectable_sd": 0.404, "detectable": 0.0123, "verdict": "b better",
}  # fmt: skip
REACHED = pd.DataFrame(
    {
        "objective": ["lenet", "lenet"],
        "algorithm": ["random", "local"],
        "endpoint": ["test_error", "test_error"],
        "mean": [0.0421, 0.0312],
        "std": [0.0123, 0.0087],
        "median": [0.04, 0.03],
    }
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "local is better than random: test error 0.0312 vs 0.0421, n = 50 pairs, p (Holm) = 0.0034; detectable: "
             "0.4 sd (0.012)."),
        ({"verdict": "a better"}, "random is better than local: test error 0.0421 vs 0.0312, "),
        ({"verdict": "no difference shown", "p_holm": 0.31}, "no difference shown between random and local: "),
        ({"verdict": "tie (below the noise floor)"}, "random and local are a tie, their gap being below the noise"),
        ({"p_holm": 1e-9}, "p (Holm) < 0.0001"),
        ({"n": 1, "p_holm": math.nan, "detectable_sd": math.nan}, "n = 1 pair."),
        ({"n": 3, "detectable_sd": math.inf}, "too few to show any difference."),
        ({"n": 0}, "random and local have no finished repetition in common."),
    ],
)  # fmt: skip
def test_a_pair_in_words(changes, message):
    """Each verdict has its sentence, with the better one first and its numbers from the tables."""
    assert message in sentence(PAIR | changes, REACHED, Metric())


def test_a_failure_leaves_medians_in_the_sentence():
    """Where a mean is undefined the medians stand, and are called so."""
    reached = REACHED.assign(mean=[math.nan, 0.0312])
    assert "test error median 0.0300 vs 0.0400, " in sentence(PAIR, reached, Metric())


@pytest.mark.parametrize(("second", "expected"), [(1.05, []), (3.0, ["1 s (random) to 3 s (local)"])])
def test_unequal_time_at_the_end_of_a_budget_is_said(suite, second, expected):
    """A budget of trials that takes one algorithm longer is said to be no comparison at equal time."""
    suite.algorithm("local")
    for repetition in range(2):
        suite.run([(0.5, 0.5, 1.0)], repetition)
        suite.run([(0.4, 0.4, second)], repetition, algorithm="local")
    texts = [finding.text for finding in findings(Study(load(suite.folder), suite.folder))]
    unequal = [text for text in texts if "not at equal time" in text]
    assert len(unequal) == len(expected)
    assert all(part in text for part, text in zip(expected, unequal, strict=True))


@pytest.mark.parametrize("text", ["</script><b>", "<!-- ", "a\u2028b\u2029c", "&lt;", "\"quoted\" \\ 'text'", "ü∞"])
def test_json_in_a_page_keeps_texts_and_leaves_no_way_out(text):
    """What comes back is what went in, and no letter could end the element."""
    script = as_script({"text": [text]})
    assert json.loads(script) == {"text": [text]}
    assert not set("<>&\u2028\u2029") & set(script)


def test_json_in_a_page_refuses_what_is_no_number():
    """A NaN that was forgotten is an error here, not a broken page."""
    with pytest.raises(ValueError, match="JSON"):
        as_script([math.nan])


def test_compact_numbers():
    """Five significant digits, more for a small difference; no point in whole numbers, null for what is not finite."""
    assert compact([0.123456789, 3.0, math.nan, math.inf, 1234567.8, 0.0, -1e-9]) == [
        0.12346, 3, None, None, 1234600, 0, -1e-9,
    ]  # fmt: skip
    assert compact([1.00000000001, 1.00000000003]) == [1.00000000001, 1.00000000003]
    assert compact([-1.6e308, 1.6e308]) == [-1.6e308, 1.6e308]


def test_numbers_as_text():
    """Undefined is a dash, infinite a sign, a tiny p no zero."""
    assert number_text(math.nan) == "\u2013"
    assert number_text(-math.inf) == "\u2212∞"
    assert number_text(-0.5) == "\u22120.5"
    assert interval_text(math.nan, 1.0) == "\u2013"
    assert interval_text(0.1, 0.2) == "0.100 to 0.200"
    assert [p_text(p) for p in (0.0, 0.00012, 0.04, 1.0)] == ["< 0.0001", "0.0001", "0.040", "1.000"]


@pytest.mark.parametrize("size", [1, 2, 99, 100, 101, 5000])
def test_thinning_keeps_both_ends_and_is_hardly_late(size):
    """At most the share is kept; at no time is the last kept time more than two parts of the share too old."""
    t = np.cumsum(np.random.default_rng(size).exponential(size=size))
    places = kept(t, 100)
    assert len(places) <= 101
    assert (places[0], places[-1]) == (0, size - 1)
    assert places == sorted(set(places))
    looks = np.linspace(t[0], t[-1], 1000)
    exact, thin = (times[np.searchsorted(times, looks, side="right") - 1] for times in (t, t[places]))
    assert (exact - thin).max() <= (0.0 if size <= 100 else 2 * (t[-1] - t[0]) / 49)


def test_a_sheet_sorts_by_numbers_that_it_does_not_show():
    """Keys are exact where texts are rounded; undefined has no key, infinite JavaScript's."""
    frame = pd.DataFrame({"objective": "bowl", "algorithm": "random", "x": [0.123456, math.nan, math.inf]})
    made = html_table("numbers", frame, [text_column("algorithm", "algorithm"), number_column("x", "x", number_text)])
    assert [line.cells[1].key for line in made.lines] == ["0.123456", "", "Infinity"]
    assert [line.cells[1].text for line in made.lines] == ["0.123", "\u2013", "∞"]
    assert made.lines[0].algorithms == ("random",)


def study(**tables):
    """A study with the given tables alone."""
    objectives = [SimpleNamespace(key="bowl", label="bowl", metric=Metric())]
    plan = SimpleNamespace(objectives=objectives, metric_name="error", declares_metrics=False)
    return SimpleNamespace(results=SimpleNamespace(plan=plan), tables=tables)


def test_a_recheck_brings_a_noise_floor_and_a_table():
    """Its sd is in the data of the headline and in a sheet; without one the section says so."""
    optimism = {"objective": "bowl", "algorithm": "random", "n": 8}
    for error in ("valid", "test"):
        names = (f"selected_{error}_mean", f"fresh_{error}_mean", f"{error}_optimism")
        optimism |= dict.fromkeys((*names, f"{error}_optimism_lo", f"{error}_optimism_hi"), 0.25)
    noise = {"objective": "bowl", "test_sd": 0.0123, "valid_sd": 0.02}
    noise |= dict.fromkeys(("n_configs", "n_trainings", "n_diverged", "n_crashed"), 3)
    bands = dict.fromkeys(("t", "n", "n_runs", "mean", "std", "lo", "hi", "q10", "q50", "q90"), 1.0)
    bands |= {"objective": "bowl", "algorithm": "random", "axis": "runtime", "error": "test"}
    rows = {name: pd.DataFrame([row]) for name, row in {"optimism": optimism, "noise": noise, "bands": bands}.items()}
    assert trajectories_section(study(**rows)).data["noise"] == {"bowl": {"valid": 0.02, "test": 0.0123}}
    made = recheck_section(study(**rows))
    assert [line.cells[1].text for line in made.sheets[1].lines] == ["0.0123"]
    assert made.absent == ""
    assert recheck_section(study()).absent == "No recheck was made of this suite."
