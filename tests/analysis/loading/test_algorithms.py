"""What stands behind a label: declared in the plan, told by the ledgers, shown in legends and in a table."""

import csv
import json

import pytest

from analysis.__main__ import main
from analysis.figures.anytime import MOST_BANDS, anytime
from analysis.loading.algorithms import LONGEST, MARK, Algorithm, Part, algorithms_table, declared_algorithm
from analysis.loading.plan import read_plan
from analysis.loading.results import load
from analysis.tables.basic import trajectory_table
from benchmark.errors import BadInput

BASIC = Part(name="basic", options={})
RANDOM = Part(name="random", options={})
OPTUNA = {"optuna": "5.0.0", "cmaes": "0.13.1"}


def method(**changes):
    """Random search, but for what is changed."""
    return Algorithm(**{"scheduler": BASIC, "searcher": RANDOM, "n_workers": 1, **changes})


# Labels.


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ""),
        ({"n_workers": 4}, "4 workers"),
        ({"searcher": None}, ""),
        ({"libraries": {"optuna": "5.0.0"}}, "optuna 5.0.0"),
        ({"libraries": {"optuna": "5.0.0/5.1.0"}}, "optuna 5.0.0/5.1.0"),
        ({"searcher": Part(name="local", options={"probab_local": 0.5, "num_init_random": 3})},
         "probab_local=0.5, num_init_random=3"),
        ({"scheduler": Part(name="asha", options={"eta": 4}), "searcher": Part(name="grid", options={"levels": 2})},
         "eta=4, levels=2"),
        ({"searcher": None, "scheduler": Part(name="loner", options={"deep": {"a": [1, True]}, "text": "tpe"})},
         'deep={"a":[1,true]}, text=tpe'),
        ({"n_workers": 8, "libraries": OPTUNA, "searcher": Part(name="optuna", options={"sampler": "tpe"})},
         "8 workers, optuna 5.0.0, sampler=tpe, cmaes 0.13.1"),
    ],
    ids=str,
)  # fmt: skip
def test_a_description_tells_what_a_name_does_not(changes, expected):
    """Workers when there are several, the library's version, options as they were given, what it builds on."""
    assert method(**changes).description() == expected


def test_a_long_description_is_cut_after_the_options():
    """Variants of one library differ in their options: those stay, the libraries below it go first."""
    libraries = {"syne-tune": "0.15.0", "xgboost": "3.1.1", "statsmodels": "0.14.5", "scikit-learn": "1.9.1"}
    told = [
        method(libraries=libraries, searcher=Part(name="syne_tune", options={"searcher": name})).description()
        for name in ("kde", "botorch")
    ]

    assert told[0].startswith("syne-tune 0.15.0, searcher=kde, xgboost")
    assert told[1].startswith("syne-tune 0.15.0, searcher=botorch, xgboost")
    for text in told:
        assert len(text) == LONGEST
        assert text.endswith("\u2026")


def test_a_description_that_just_fits_is_whole():
    """Sixty letters are shown, of sixty-one the last two make room for the dots."""
    texts = [method(searcher=Part(name="x", options={"x": "y" * (count - 2)})).description() for count in (60, 61)]

    assert texts == ["x=" + "y" * 58, "x=" + "y" * 57 + "\u2026"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "it"),
        ({"n_workers": 2}, "it [2 workers]"),
        ({"lacks": {"copy": "why"}}, f"it {MARK}"),
        ({"n_workers": 2, "lacks": {"copy": "why"}}, f"it [2 workers] {MARK}"),
    ],
    ids=str,
)
def test_a_label_marks_what_lacks_something(changes, expected):
    """The name first, what there is to tell in brackets, a mark at the end."""
    assert method(**changes).label("it") == expected


# The plan.


def test_a_declaration_is_read():
    """As a suite's plan writes it: parts with options, null for what is not given."""
    entry = {
        "label": "it",
        "scheduler": {"name": "asha", "options": {"eta": 4}},
        "searcher": {"name": "random", "options": {}},
        "n_workers": None,
    }
    expected = method(scheduler=Part(name="asha", options={"eta": 4}), n_workers=3)

    assert declared_algorithm("it", entry, 3) == expected
    assert declared_algorithm("it", {**entry, "n_workers": 8}, 3).n_workers == 8
    assert declared_algorithm("it", {**entry, "searcher": None}, 3).searcher is None


def test_a_plan_of_before_there_were_methods_is_read():
    """Labels alone: a searcher of unknown name under the basic scheduler, with the suite's workers."""
    assert declared_algorithm("it", {"label": "it"}, 1) == method(searcher=None)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_workers": True}, "algorithms.random.n_workers = True: need a whole number >= 1"),
        ({"n_workers": "2"}, "algorithms.random.n_workers = '2': need"),
        ({"n_workers": 1.5}, "algorithms.random.n_workers = 1.5: need"),
        ({"n_workers": 0}, "algorithms.random.n_workers = 0: need"),
        ({"n_workers": False}, "algorithms.random.n_workers = False: need"),
        ({"n_workers": -1}, "algorithms.random.n_workers = -1: need"),
        ({"n_workers": []}, r"algorithms.random.n_workers = \[\]: need"),
        ({"searcher": "random"}, "algorithms.random.searcher = 'random': need a table with a name"),
        ({"searcher": {"options": {}}}, "algorithms.random.searcher = {'options': {}}: need a table with a name"),
        ({"scheduler": None}, "algorithms.random.scheduler = None: need a table with a name"),
        ({"scheduler": {"name": 3}}, "algorithms.random.scheduler = {'name': 3}: need"),
        ({"searcher": {"name": "x", "options": [1]}}, r"algorithms.random.searcher.options = \[1\]: need a table"),
    ],
    ids=str,
)
def test_a_declaration_that_no_suite_writes_is_refused(suite, change, message):
    """The message names the plan, the field, the value and the rule."""
    suite.set(algorithms=[{"label": "random", **change}])

    with pytest.raises(BadInput, match=rf"suite\.json: {message}"):
        read_plan(suite.folder)


def test_a_bad_number_of_workers_of_the_suite_is_refused(suite):
    """Likewise the number that algorithms without one have."""
    suite.set(n_workers="many")

    with pytest.raises(BadInput, match=r"n_workers = 'many': need a whole number >= 1"):
        read_plan(suite.folder)


# The ledgers.


@pytest.fixture
def told(suite, planted_evaluation, planted_ledger):
    """A function that writes a run whose header tells of libraries and lacks; changes go into its header."""

    def write(repetition=0, objective="bowl", algorithm="random", resumed=(), **header):
        path = suite.run([(0.5, 0.6, 1.0), (0.3, 0.2, 3.0)], repetition, objective=objective, algorithm=algorithm)
        run = {"objective": {"label": objective}, "algorithm": {"label": algorithm}, "repetition": repetition}
        first = {"kind": "header", "format": 1, "run": {**run, "clock": "measured"}, "data": {}, **header}
        again = [{"kind": "resumed", "environment": {"libraries": libraries}} for libraries in resumed]
        end = {"kind": "end", "reason": "budget", "evaluations": 2}
        trials = [planted_evaluation(0, 0.5, 0.6, 1.0), *again, planted_evaluation(1, 0.3, 0.2, 3.0)]
        path.write_bytes(planted_ledger([first, *trials, end]))

    return write


def algorithms_of(suite):
    """The methods as the analysis knows them after reading the ledgers."""
    return load(suite.folder).algorithm_by_label


def test_versions_and_lacks_come_from_the_ledgers(suite, told):
    """Not from the plan: what was recorded counts, and of the algorithm that recorded it."""
    suite.algorithm("tpe")
    told(algorithm="tpe", environment={"libraries": OPTUNA}, lacks={"fidelity": "the first result"})
    told(algorithm="random", environment={})

    methods = algorithms_of(suite)

    assert (methods["tpe"].libraries, methods["tpe"].lacks) == (OPTUNA, {"fidelity": "the first result"})
    assert (methods["random"].libraries, methods["random"].lacks) == ({}, {})


def test_what_any_run_lacks_marks_the_algorithm(suite, told):
    """On one objective a library may lack what it has on the next one: the mark stays."""
    suite.objective("plain")
    told(objective="bowl", environment={"libraries": OPTUNA}, lacks={"conditions": "values are dropped"})
    told(objective="plain", environment={"libraries": OPTUNA}, lacks={"copy": "a process"})
    told(objective="plain", repetition=1, environment={"libraries": OPTUNA})

    assert algorithms_of(suite)["random"].lacks == {"conditions": "values are dropped", "copy": "a process"}


def test_every_version_that_was_used_is_named(suite, told):
    """Of two runs, or of two halves of one: each version once, in the order in which they are met."""
    told(0, environment={"libraries": {"optuna": "5.0.0"}})
    told(1, environment={"libraries": {"optuna": "5.1.0"}}, resumed=[{"optuna": "5.0.0", "cmaes": "1"}])

    found = algorithms_of(suite)["random"]

    assert found.libraries == {"optuna": "5.0.0/5.1.0", "cmaes": "1"}
    assert found.label("tpe") == "tpe [optuna 5.0.0/5.1.0, cmaes 1]"


@pytest.mark.parametrize("header", [
    {}, {"environment": None}, {"environment": {"libraries": None}}, {"environment": {"libraries": []}},
    {"environment": {"libraries": {"optuna": None}}}, {"environment": "x", "lacks": "x"}, {"lacks": {"copy": 3}},
], ids=json.dumps)  # fmt: skip
def test_headers_that_tell_nothing_are_read(suite, told, header):
    """Ledgers of before there were libraries, versions that were not known, and what is no table."""
    told(0, **header)

    found = algorithms_of(suite)["random"]

    assert (found.libraries, found.lacks) == ({}, {})


# The table.


def test_the_table_has_a_row_for_every_algorithm():
    """In the order of the plan; options, versions and lacks as JSON, whole however long they are."""
    options = {"x": "y" * 100}
    table = algorithms_table(
        {
            "tpe": method(libraries=OPTUNA, lacks={"copy": "why"}, searcher=Part(name="optuna", options=options)),
            "alone": method(searcher=None, n_workers=8),
        }
    )

    first, second = table.to_dict("records")
    assert first == {
        "algorithm": "tpe",
        "scheduler": "basic",
        "scheduler_options": "{}",
        "searcher": "optuna",
        "searcher_options": json.dumps(options, separators=(",", ":")),
        "n_workers": 1,
        "libraries": '{"optuna":"5.0.0","cmaes":"0.13.1"}',
        "lacks": '{"copy":"why"}',
    }
    assert second == {
        "algorithm": "alone",
        "scheduler": "basic",
        "scheduler_options": "{}",
        "searcher": "",
        "searcher_options": "",
        "n_workers": 8,
        "libraries": "{}",
        "lacks": "{}",
    }


def test_the_table_is_written(suite, told, tmp_path):
    """tables/algorithms.csv, for algorithms without a run too, with the same bytes every time."""
    suite.set(n_workers=2)
    suite.algorithm("never")
    told(environment={"libraries": OPTUNA}, lacks={"copy": "why, and more"})
    written = []
    for _ in range(2):
        assert main(["tables", "planted", "--results", str(tmp_path / "results"), "--quiet"]) == 0
        written.append((suite.folder / "tables" / "algorithms.csv").read_bytes())

    assert written[0] == written[1]
    rows = list(csv.DictReader(written[0].decode().splitlines()))
    assert [(row["algorithm"], row["n_workers"], row["lacks"]) for row in rows] == [
        ("random", "2", '{"copy":"why, and more"}'),
        ("never", "2", "{}"),
    ]
    assert b"\r" not in written[0]


# The figures.


def drawn(suite):
    """The any-time figure of the objective bowl."""
    results = load(suite.folder)
    return anytime(results, trajectory_table(results), "bowl", "runtime")


def legend(figure):
    """Texts and title of a figure's legend."""
    (found,) = figure.legends
    return [text.get_text().replace("\n", " ") for text in found.get_texts()], found.get_title().get_text()


def test_a_legend_tells_versions_and_marks(suite, told):
    """Label, workers and versions; the mark is explained below where there is one, and only there."""
    suite.set(algorithms=[{"label": "random", "n_workers": 4}, {"label": "local"}])
    for repetition in range(2):
        told(repetition, environment={"libraries": {"optuna": "5.0.0"}}, lacks={"copy": "why"})
        told(repetition, algorithm="local")

    texts, title = legend(drawn(suite))

    assert texts == [f"random [4 workers, optuna 5.0.0] {MARK}: mean ± 1 std, 2 of 2 runs",
                     "local: mean ± 1 std, 2 of 2 runs"]  # fmt: skip
    assert title == f"{MARK} lacks something that the others have: tables/algorithms.csv"


def test_without_lacks_there_is_no_mark(suite, told):
    """A library that lacks nothing is not told apart but by its version."""
    told(environment={"libraries": {"optuna": "5.0.0"}})

    texts, title = legend(drawn(suite))

    assert MARK not in title + "".join(texts)


@pytest.mark.parametrize("count", [MOST_BANDS, MOST_BANDS + 1])
def test_bands_are_drawn_of_a_few_algorithms_only(suite, count):
    """Up to six; of more, means alone, and the legend says where their std is. The table has it either way."""
    labels = [f"a{number}" for number in range(count)]
    suite.set(algorithms=[{"label": label} for label in labels])
    for place, label in enumerate(labels):
        for repetition in range(2):
            suite.run([(0.9, 0.9, 1.0), (0.3 + 0.1 * repetition + 0.01 * place, 0.4, 9.0)], repetition, algorithm=label)

    figure = drawn(suite)

    texts, title = legend(figure)
    few = count <= MOST_BANDS
    assert len(texts) == count
    assert all((": mean ± 1 std, 2 of 2 runs" if few else ": mean, 2 of 2 runs") in text for text in texts)
    assert title == ("" if few else f"std of {count} algorithms not drawn: tables/trajectory.csv")
    heights = {round(float(height), 3) for line in figure.axes[0].get_lines() for height in line.get_ydata()}
    assert 0.35 in heights  # The mean of 0.3 and 0.4, of the first algorithm.
    assert (0.279 in heights) == few  # Less their std.
    table = trajectory_table(load(suite.folder))
    assert table["valid_std"].notna().any()


def test_a_cut_axis_tells_of_what_is_drawn(suite):
    """Where the early part is cut off, the note is of means and bands, or of means alone."""
    for count, what in ((2, "mean ± std spans"), (MOST_BANDS + 1, "mean spans")):
        labels = [f"a{number}" for number in range(count)]
        suite.set(algorithms=[{"label": label} for label in labels])
        for label in labels:
            for repetition in range(2):
                evaluations = [
                    (0.9 - 0.1 * repetition, 0.9, 0.01),
                    (0.3, 0.4, 1.0),
                    (0.29 + 0.01 * repetition, 0.4, 20.0),
                ]
                suite.run(evaluations, repetition, algorithm=label)

        notes = [text.get_text() for axes in drawn(suite).axes for text in axes.texts]

        assert any(what in note for note in notes), notes
