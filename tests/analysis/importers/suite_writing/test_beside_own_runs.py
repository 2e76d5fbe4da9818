"""Imported studies beside runs of a suite that was run here, and what refuses to train them again."""

import math

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.explanations import explain
from analysis.loading.results import load
from analysis.study import Study
from benchmark.cli.main import main as run
from tests.analysis.conftest import PlantedSuite

MAPPING = """\
algorithm = "who"
repetition = "rep"
seconds = "t"
hyperparameters.learning_rate = "lr"
metrics.loss = { column = "loss", goal = "min" }
"""
ROWS = "who,rep,lr,loss,t\nrandom,0,0.1,0.4,10\nrandom,0,0.2,0.3,30\nrandom,1,0.1,0.5,10\ntpe,0,0.1,0.2,5\n"


@pytest.fixture
def folder(tmp_path):
    """A suite that was run here, a CSV file, and its mapping."""
    suite = PlantedSuite(tmp_path / "results", "own")
    suite.objective("other")
    for repetition in range(2):
        suite.run([(0.5, 0.6, 1.0), (0.1, 0.2, 2.0)], repetition)
    (tmp_path / "rows.csv").write_text(ROWS)
    (tmp_path / "rows.toml").write_text(MAPPING)
    return tmp_path


def import_beside(folder, *own, name="both"):
    """Import the CSV file beside own objectives."""
    sources = [str(folder / "rows.csv"), "--mapping", str(folder / "rows.toml")]
    beside = [word for entry in own for word in ("--with", str(folder / "results" / entry))]
    return main(["import", name, *sources, "--results", str(folder / "results"), "--quiet", *beside])


def test_own_runs_become_further_algorithms_with_their_own_clock(folder):
    """Under one objective and metric, without test errors, as no pairs; a label that is taken gets the suite's name."""
    assert import_beside(folder, "own/bowl") == 0
    results = load(folder / "results" / "both")
    assert results.plan.algorithms == ("random", "tpe", "own-random")
    assert [objective.label for objective in results.plan.objectives] == ["bowl"]
    assert not results.plan.paired
    assert results.plan.imported.clocks["own-random"] == "measured seconds of training and deciding"
    own = results.evaluations[results.evaluations["algorithm"] == "own-random"]
    assert (own["valid_error"].tolist(), own["decide_seconds"].tolist()) == ([0.5, 0.1] * 2, [0.25] * 4)
    assert results.evaluations["test_error"].isna().all()
    pairwise = Study(results, folder / "results" / "both").tables["pairwise"]
    sizes = pairwise[(pairwise["a"] == "random") & (pairwise["b"] == "own-random")][["n_a", "n_b", "test"]]
    assert sizes.to_numpy().tolist() == [[2, 2, "Mann-Whitney"]]


def test_nobody_has_planned_a_study_that_is_not_there(folder):
    """An algorithm with fewer studies than another one has no missing runs, and no failure."""
    import_beside(folder)
    study = Study(load(folder / "results" / "both"), folder / "results" / "both")
    assert study.tables["summary"][["n", "n_planned"]].to_numpy().tolist() == [[2, 2], [1, 1]]
    assert study.tables["failures"].empty
    assert study.tables["totals"]["n_missing"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("own", "told"),
    [
        (("own",), "has several objectives, name one"),
        (("own/bowls",), 'did you mean "bowl"'),
        (("own/other",), "no run of other is complete"),
        (("own/bowl", "own/bowl"), "give every objective once"),
        (("none/bowl",), "need results of a suite that was run here"),
    ],
)
def test_own_results_that_cannot_be_taken_are_refused(own, told, folder, capsys):
    """One message, exit code 2, and nothing is written."""
    assert import_beside(folder, *own) == 2
    assert told in capsys.readouterr().err
    assert not (folder / "results" / "both").exists()


@pytest.mark.parametrize(
    "words",
    [
        ["run", "digits", "--results", "results"],
        ["audit", "digits"],
        ["recheck", "digits"],
        ["reprice", "digits", "--calibration", "epyc"],
        ["run", "smoke", "--reuse", "results/digits"],
        ["merge", "merged", "results/digits"],
    ],
)
def test_nothing_trains_imported_studies_again(words, folder, monkeypatch, capsys):
    """Commands that would are refused with the reason, also under the name of a suite that is shipped."""
    import_beside(folder, name="digits")
    monkeypatch.chdir(folder)
    assert run(words) == 2
    assert "its runs were imported from another tool" in capsys.readouterr().err


def test_power_of_repetitions_that_are_no_pairs_is_the_mann_whitney_tests(folder, capsys):
    """The plan says so, and its sd is that of the difference of two independent runs."""
    (folder / "rows.csv").write_text(f"{ROWS}tpe,1,0.1,0.25,5\n")
    import_beside(folder, "own/bowl")
    pair = ["--a", "random", "--b", "tpe", "--results", str(folder / "results")]
    assert main(["power", "both", "--effect", "0.1", *pair]) == 0
    header, line, *notes = capsys.readouterr().out.splitlines()
    assert header.startswith("objective")
    sd = math.sqrt(np.var([0.3, 0.5], ddof=1) + np.var([0.2, 0.25], ddof=1))
    assert line.split()[1:7] == ["random", "tpe", "2,", "2", f"{sd:.4g}", f"{0.1 / sd:.3g}"]
    assert any("two-sided Mann-Whitney test" in note for note in notes)


@pytest.mark.slow
def test_four_objectives_without_pairs_have_the_tables_that_need_none(tmp_path):
    """Ranks, win rates and verdicts are there, and what rests on pairs is not; captions say how ranks are made."""
    rows = [
        f"task{task},{who},{task}{who}{number},{(task + number + len(who) // 3) / 9},1,0.5\n"
        for task in range(4)
        for who in ("tpe", "random")
        for number in range(2)
    ]
    (tmp_path / "rows.csv").write_text("task,who,name,loss,t,lr\n" + "".join(rows))
    columns = 'study = "name"\nobjective = "task"\nalgorithm = "who"\nseconds = "t"\n'
    metric = 'metrics.loss = { column = "loss", goal = "min" }\nhyperparameters.lr = "lr"\n'
    (tmp_path / "rows.toml").write_text(columns + metric)
    source = [str(tmp_path / "rows.csv"), "--mapping", str(tmp_path / "rows.toml")]
    assert main(["import", "tasks", *source, "--results", str(tmp_path / "results"), "--quiet"]) == 0
    study = Study(load(tmp_path / "results" / "tasks"), tmp_path / "results" / "tasks")
    assert {"task_map", "mean_ranks", "win_rates", "ratings", "critical_difference"} <= study.tables.keys()
    assert not {"performance_profiles", "advice", "advice_held_out"} & study.tables.keys()
    assert study.tables["mean_ranks"]["mean_rank"].tolist() == [1.125, 1.875]
    assert "drawn, each by itself" in explain("mean_ranks", study.results)
