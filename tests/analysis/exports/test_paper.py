"""Tables for papers: numbers, marks and escapes, in LaTeX and in Markdown."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pytest

from analysis.exports import latex, markdown
from analysis.exports.paper import BEST, PLAIN, caption, entries
from analysis.loading.results import load
from analysis.study import Study
from analysis.tables.pairwise import pairwise_table
from analysis.tables.statistics import statistics_table

NOISE = np.random.default_rng(9).normal(0.0, 0.01, size=(3, 20))


def study_of(suite):
    """Results with the two tables that papers' tables are made from."""
    results = load(suite.folder)
    tables = {"statistics": statistics_table(results), "pairwise": pairwise_table(results)}
    return SimpleNamespace(results=results, tables=tables)


@pytest.fixture
def planted(plant):
    """Plants 20 repetitions of algorithms with the given means."""

    def execute(**means):
        suite = plant("paper_suite")
        suite.plan["algorithms"] = []
        suite.set(repetitions=20, title="50 % of_all & {more}")
        for row, (algorithm, mean) in enumerate(means.items()):
            suite.algorithm(algorithm)
            for place, error in enumerate(mean + NOISE[row]):
                suite.run([(error, error, 1.0)], place, algorithm=algorithm)
        return suite

    return execute


def marks(suite):
    """The mark of every algorithm."""
    return {entry.algorithm: entry.mark for entry in entries(study_of(suite))}


@pytest.mark.slow
def test_the_best_of_all_is_marked(planted):
    """An algorithm that is shown to be better than each other one is the best."""
    assert marks(planted(random=0.3, tpe=0.2, grid=0.4)) == {"random": "plain", "tpe": "best", "grid": "plain"}


def test_ties_with_the_best_are_marked(planted):
    """Without a significant difference there is no best one: both are marked as tied, the third is not."""
    assert marks(planted(random=0.2, tpe=0.2, grid=0.4)) == {"random": "tied", "tpe": "tied", "grid": "plain"}


def test_a_single_algorithm_is_no_winner(planted):
    """Nothing is marked where there is nothing to be better than."""
    assert marks(planted(random=0.2)) == {"random": "plain"}


def test_a_higher_score_is_better(planted):
    """The best score is the highest one."""
    suite = planted(random=0.3, tpe=0.2, grid=0.4)
    suite.set(endpoint="score")
    assert marks(suite)["tpe"] == "best"


def test_a_failed_run_does_not_crown_another(planted):
    """Where a mean is undefined medians are compared, so that a worse algorithm is not marked as the best."""
    suite = planted(random=0.3, tpe=0.2)
    (suite.folder / "runs/bowl/tpe/003.jsonl").unlink()
    suite.run([], 3, algorithm="tpe", state="failed")
    assert marks(suite) == {"random": "plain", "tpe": "best"}


def test_latex_holds_the_numbers(planted, tmp_path):
    """Rows are the algorithms, entries the means and stds of the runs, rounded; the best is bold."""
    suite = planted(random=0.3, a_b=0.2)
    assert latex.write(study_of(suite), tmp_path) == []
    text = (tmp_path / "results.tex").read_text()
    mean, std = 0.2 + NOISE[1].mean(), NOISE[1].std(ddof=1)
    assert rf"a\_b & \textbf{{{mean:.4f}}} $\pm$ {std:.4f} \\" in text
    assert rf"random & {0.3 + NOISE[0].mean():.3f} $\pm$ {NOISE[0].std(ddof=1):.3f}" in text
    assert r"\caption{50 \% of\_all \& \{more\}. Test error" in text
    row = study_of(suite).tables["statistics"].query("algorithm == 'a_b' and endpoint == 'test_error'").iloc[0]
    assert f"[{row['mean_lo']:.4f}, {row['mean_hi']:.4f}]" in (tmp_path / "bowl.tex").read_text()


def test_latex_is_well_formed(planted, tmp_path):
    """Every environment ends, every row has as many columns as declared, and no special letter is bare."""
    latex.write(study_of(planted(random=0.3, a_b=0.2)), tmp_path)
    for path in sorted(tmp_path.glob("*.tex")):
        text = path.read_text()
        assert re.findall(r"\\begin\{(\w+)\}", text) == re.findall(r"\\end\{(\w+)\}", text)[::-1]
        columns = len(re.search(r"\\begin\{tabular\}\{(\w+)\}", text).group(1))
        body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
        for row in (line for line in body.splitlines() if line.endswith(r"\\")):
            assert len(re.findall(r"(?<!\\)&", row)) == columns - 1
        assert not re.search(r"(?<!\\)[%#_]", re.sub(r"\\label\{[^}]*\}", "", text))


def test_markdown_holds_the_numbers(planted, tmp_path):
    """The same in Markdown, with labels that are not emphasis."""
    markdown.write(study_of(planted(random=0.3, a_b=0.2)), tmp_path)
    text = (tmp_path / "results.md").read_text()
    mean, std = 0.2 + NOISE[1].mean(), NOISE[1].std(ddof=1)
    assert rf"| a\_b | **{mean:.4f}** ± {std:.4f} |" in text
    for block in text.split("\n\n"):
        rows = [line for line in block.splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) <= 1


@pytest.mark.parametrize("form", [latex, markdown])
def test_incomplete_cells_are_told(planted, tmp_path, form):
    """A cell with a failed run shows its median in place of a mean, and is named with k of n."""
    suite = planted(random=0.3, tpe=0.2)
    (suite.folder / "runs/bowl/tpe/003.jsonl").unlink()
    (suite.folder / "runs/bowl/random/005.jsonl").unlink()
    suite.run([], 3, algorithm="tpe", state="failed")
    assert form.write(study_of(suite), tmp_path) == ["bowl/random: 19 of 20", "bowl/tpe: 20 of 20, 1 failed"]
    text = (tmp_path / next(iter(sorted(path.name for path in tmp_path.glob("results.*"))))).read_text()
    assert f"median {np.median(np.append(np.delete(0.2 + NOISE[1], 3), np.inf)):.4f}" in text
    assert "nan" not in text


def test_latex_escapes_every_special_letter():
    """All ten letters that mean something to LaTeX."""
    assert latex.escaped("\\&%$#_{}~^") == (r"\textbackslash{}\&\%\$\#\_\{\}\textasciitilde{}\textasciicircum{}")


def test_latex_sets_numbers_of_any_size():
    """An exponent becomes a power of ten, a minus a minus, and the best one stays bold."""
    assert [latex.number(text) for text in ("0.0312", "-0.5", "1.2e-18", "-1.60e+308", "")] == [
        "0.0312", "$-0.5$", r"$1.2 \times 10^{-18}$", r"$-1.60 \times 10^{308}$", "",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_best_of_what_is_maximised_has_the_greatest_mean(planted, tmp_path):
    """It is marked, its values are its own, and its unit is set letter by letter."""
    suite = planted(random=-0.7, tpe=-0.9, grid=-0.8)
    suite.plan["objectives"][0]["metrics"] = [{"name": "hit_rate", "goal": "max", "unit": r"$_x^2 & \5 %"}]
    suite.set()
    study = Study(load(suite.folder), suite.folder)
    assert {entry.algorithm: entry.mark for entry in entries(study)} == {"random": PLAIN, "tpe": BEST, "grid": PLAIN}
    latex.write(study, tmp_path)
    text = (tmp_path / "results.tex").read_text()
    assert re.search(r"tpe & \\textbf\{0\.9\d*\} ", text)
    told = r"hit\_rate (higher is better) {[}\$\_x\textasciicircum{}2 \& \textbackslash{}5 \%]"
    assert rf"Test hit\_rate of the validation incumbent at the end of the budget; {told}, mean" in text
    markdown.write(study, tmp_path)
    assert r"hit\_rate (higher is better) \[\$\_x^2 & \\5 %\], mean" in (tmp_path / "results.md").read_text()


@pytest.mark.slow
def test_without_a_scale_a_paper_shows_the_test_values(planted):
    """Of a suite whose endpoint is the score, on an objective that has none."""
    suite = planted(random=0.7, tpe=0.9)
    suite.plan["objectives"][0] |= {"best_error": None, "chance_error": None}
    suite.set(endpoint="score")
    study = Study(load(suite.folder), suite.folder)
    assert {entry.algorithm: entry.mark for entry in entries(study)} == {"random": BEST, "tpe": PLAIN}
    assert "Test error of the validation incumbent at the end of the budget, mean" in caption(study)
