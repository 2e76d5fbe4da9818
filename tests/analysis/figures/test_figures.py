"""The figures: drawn for every suite, however little of it there is, and the same bytes every time."""

import matplotlib as mpl
import numpy as np
import pytest

from analysis.figures import draw
from analysis.figures.anytime import anytime
from analysis.figures.scatter import landscape, learning_rate
from analysis.figures.theme import algorithm_styles, theme
from analysis.loading.results import load
from analysis.study import Study
from analysis.tables.basic import trajectory_table

MIXED_SPACE = {
    "lr": {"kind": "float", "low": 0.01, "high": 1.0, "log": True},
    "depth": {"kind": "int", "low": 1, "high": 8, "log": False},
    "activation": {"kind": "categorical", "choices": ["relu", "tanh", True]},
}

CONDITIONAL_SPACE = {
    "learning_rate": {"kind": "ordinal", "choices": [0.001, 0.01, 0.1, 1.0]},
    "layers": {"kind": "int", "low": 1, "high": 3, "log": False},
    "width_2": {"kind": "int", "low": 8, "high": 64, "log": False, "when": {"parent": "layers", "values": [2, 3]}},
    "width_3": {"kind": "ordinal", "choices": [8, 16, 24, 32], "when": {"parent": "layers", "values": [3]}},
}


def figure(suite, axis="runtime"):
    """The anytime figure of a suite's objective bowl."""
    results = load(suite.folder)
    return anytime(results, trajectory_table(results), "bowl", axis)


def draw_kinds(suite, *kinds, objective="bowl"):
    """Files of some kinds of figures of one objective, by name."""
    study = Study(load(suite.folder), suite.folder)
    return {name: data for kind in kinds for name, data in draw(study, only=f"{kind}-{objective}").items()}


def clock_note(drawn):
    """What the legend says of the clock."""
    return drawn.legends[0].get_title().get_text()


def legend(drawn):
    """The texts of a figure's legend."""
    return [text.get_text() for text in drawn.legends[0].get_texts()]


KINDS = (
    "anytime", "curves", "gap", "importance", "landscape", "learning_rate", "overhead", "parallel", "scores", "targets",
    "timeline", "trials",
)  # fmt: skip
"""Figures of every objective with a learning rate, in two formats; two algorithms also have a difference."""


@pytest.fixture
def two_algorithms(suite):
    """Two algorithms, one of them with a failed and a missing run."""
    suite.set(repetitions=3)
    suite.algorithm("local")
    for repetition in range(3):
        suite.run([(0.5 - 0.1 * repetition, 0.6, 1.0 + repetition), (0.2, 0.3, 4.0)], repetition)
    suite.run([(0.4, 0.4, 1.5), (0.3, 0.3, 2.5)], 0, algorithm="local")
    suite.run([(0.3, 0.4, 1.0), (0.1, 0.2, 2.0)], 1, algorithm="local", state="failed")
    return suite


@pytest.fixture
def mixed_space(suite, planted_evaluation):
    """An objective with log, integer and categorical hyperparameters, a default, and crashes."""
    default = {"lr": 0.1, "depth": 3, "activation": "relu"}
    suite.objective("mixed", MIXED_SPACE, default)
    evaluations = [
        planted_evaluation(
            index, None if index % 5 == 4 else 0.1 * index, None if index % 5 == 4 else 0.2, 1.0 + index,
            config={"lr": 0.02 * (index + 1), "depth": 1 + index % 8, "activation": ["relu", "tanh", True][index % 3]},
            epochs=1 + index % 2,
        )
        for index in range(10)
    ]  # fmt: skip
    suite.run(evaluations, objective="mixed")
    return suite


@pytest.fixture
def conditional_space(suite, planted_evaluation):
    """An objective of one to three layers on a finite grid: of 12 evaluations 8 have a second, 4 a third layer."""
    suite.algorithm("local")
    suite.objective("deep", CONDITIONAL_SPACE, {"learning_rate": 0.1, "layers": 2, "width_2": 16})
    for algorithm in ("random", "local"):
        evaluations = []
        for index in range(6):
            config = {"learning_rate": [0.001, 0.01, 0.1, 1.0][index % 4], "layers": 1 + index % 3}
            config |= {"width_2": 8 + index} if index % 3 else {}
            config |= {"width_3": 8 * (1 + index % 4)} if index % 3 == 2 else {}
            evaluations.append(planted_evaluation(index, 0.1 * index, 0.2, 1.0 + index, config=config))
        suite.run(evaluations, objective="deep", algorithm=algorithm)
    return suite


@pytest.mark.slow
def test_the_same_bytes_twice(two_algorithms, mixed_space):
    """Every PNG, SVG and caption is byte-identical when drawn again from the same ledgers."""
    folder = mixed_space.folder
    first, second = (draw(Study(results, folder)) for results in (load(folder), load(folder)))
    assert first == second
    assert sorted(name for name in first if not name.startswith("overview.")) == [
        f"{kind}-{objective}.{suffix}"
        for kind in sorted([*KINDS, "difference"])
        for objective in ("bowl", "mixed")
        for suffix in ("png", "svg", "txt")
    ]


@pytest.mark.slow
def test_drawing_leaves_the_users_settings_alone(two_algorithms):
    """Neither does our theme stay behind, nor does the user's enter the figures."""
    kinds = ("anytime", "landscape", "difference")
    plain = draw_kinds(two_algorithms, *kinds)
    with mpl.rc_context({"font.size": 30.0, "lines.linewidth": 9.0, "svg.fonttype": "none"}):
        before = dict(mpl.rcParams)
        assert draw_kinds(two_algorithms, *kinds) == plain
        assert dict(mpl.rcParams) == before


@pytest.mark.slow
def test_nothing_of_the_day_or_the_machine_is_in_a_figure(two_algorithms):
    """Files name no date and no program version."""
    for data in draw_kinds(two_algorithms, "anytime", "landscape").values():
        assert b"matplotlib.org" not in data.replace(b"<!-- Created with matplotlib (https://matplotlib.org/) -->", b"")
        assert b"<dc:date>" not in data


def test_the_mean_is_drawn_in_steps_with_its_values(two_algorithms):
    """The solid line goes through the table's means, stepped after each event."""
    line = max(figure(two_algorithms).axes[0].lines, key=lambda line: line.get_linewidth())
    assert line.get_drawstyle() == "steps-post"
    np.testing.assert_allclose(line.get_xdata()[-2:], [3.0, 4.0])
    np.testing.assert_allclose(line.get_ydata()[-2:], [0.4, 0.2])


def test_the_line_of_a_cell_ends_where_a_run_failed(two_algorithms):
    """Between the last event of a failed run and the next event of another there is no mean."""
    lines = [line for line in figure(two_algorithms).axes[0].lines if line.get_linewidth() == 1.8]
    t, mean = (np.asarray(values, dtype=float) for values in lines[1].get_data())
    assert np.isfinite(mean).tolist() == [False, True, True, False, False]
    assert t.tolist() == [1.0, 1.5, 2.0, 2.0, 2.5]


def test_the_legend_counts_the_runs(two_algorithms):
    """The legend says what is drawn, of how many runs, and how many of them failed."""
    assert legend(figure(two_algorithms)) == [
        "random: mean ± 1 std, 3 of 3 runs",
        "local: mean ± 1 std, 2 of 3 runs (1 failed)",
    ]


def test_the_runtime_axis_names_the_clock(two_algorithms):
    """Seconds of which clock is written below the axis; those of the measured one need no device."""
    two_algorithms.set(calibration={"name": "bench", "device": "Some GPU"})
    assert figure(two_algorithms).axes[-1].get_xlabel() == "cumulative measured runtime [s]"
    assert figure(two_algorithms, "trials").axes[-1].get_xlabel() == "completed evaluations"
    assert clock_note(figure(two_algorithms)) == ""


def test_a_modelled_runtime_names_its_device(suite, planted_evaluation):
    """Under the modelled clock the axis says so and the legend whose seconds they are, as it is spelled."""
    suite.set(clock="modelled", calibration={"name": "bench_2", "device": r"GPU $\frac{$ 1"})
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, modelled_seconds=1.0)])
    assert figure(suite).axes[-1].get_xlabel() == "cumulative modelled runtime [s]"
    assert clock_note(figure(suite)) == r"runtime modelled for GPU $\frac{$ 1 (calibration bench_2)"
    assert clock_note(figure(suite, "trials")) == ""
    assert draw_kinds(suite, "anytime", "trials")


def test_the_error_axis_is_cut_only_with_a_notice(suite):
    """First results far above the rest do not flatten it, and the figure says what is cut off."""
    suite.run([(0.9, 0.9, 0.1), *((0.1 - 0.001 * step, 0.1, 0.5 + step) for step in range(9))], 0)
    suite.run([(0.8, 0.8, 0.1), *((0.11 - 0.001 * step, 0.1, 0.5 + step) for step in range(9))], 1)
    axes = figure(suite).axes[0]
    assert axes.get_ylim()[1] < 0.2
    assert [text.get_text() for text in axes.texts] == ["axis cut: before 0.85 s, mean ± std spans 0.0979 to 0.921"]


def test_the_error_axis_shows_all_that_holds_after_the_cut(suite):
    """A first result that stands for a third of the time is not cut off."""
    suite.run([(0.9, 0.9, 0.1), *((0.1 - 0.001 * step, 0.1, 3.0 + step) for step in range(1, 7))], 0)
    suite.run([(0.8, 0.8, 0.1), *((0.11 - 0.001 * step, 0.1, 3.0 + step) for step in range(1, 7))], 1)
    assert figure(suite).axes[0].get_ylim()[1] > 0.9


@pytest.mark.parametrize("axis", ["runtime", "trials"])
def test_cells_without_a_curve_say_so(suite, axis):
    """An algorithm without a finished run, or with crashes only, is in the legend with its reason."""
    for label in ("crashing", "unfinished", "single"):
        suite.algorithm(label)
    suite.run([(0.5, 0.5, 1.0)], 0)
    suite.run([(0.4, 0.5, 2.0)], 1)
    suite.run([(None, None, 1.0)], 0, algorithm="crashing")
    suite.run([(0.4, 0.4, 1.0)], 0, algorithm="unfinished", state="partial")
    suite.run([(0.4, 0.4, 1.0)], 0, algorithm="single")
    assert legend(figure(suite, axis)) == [
        "random: mean ± 1 std, 2 of 2 runs",
        "crashing: never defined for all runs, 1 of 2 runs",
        "unfinished: no finished run (0 of 2 runs)",
        "single: a single run, 1 of 2 runs",
    ]


def test_a_suite_with_nothing_finished_is_drawn_as_words(suite):
    """Without a finished run the figure says how many have begun."""
    suite.run([(0.5, 0.5, 1.0)], 0, state="partial")
    assert [text.get_text() for text in figure(suite).texts] == [
        "bowl (Planted results)",
        "no finished run yet: 1 of 2 runs have begun",
    ]


@pytest.mark.parametrize(
    "runs",
    [
        [([(0.5, 0.5, 1.0)], "done")],
        [([(0.5, 0.5, 1.0)], "done"), ([(0.5, 0.5, 1.0)], "done")],
        [([(None, None, 1.0)], "done"), ([(None, None, 2.0)], "failed")],
        [([], "partial")],
        [([], "done"), ([], "failed")],
        [([(0.5, 0.5, 0.0)], "done")],
    ],
    ids=["one run", "all tied", "all crashed", "nothing yet", "no evaluations", "no time"],
)
@pytest.mark.slow
def test_every_degenerate_suite_is_drawn(suite, runs):
    """However little there is, all figures of single evaluations are drawn and no warning is raised."""
    for repetition, (evaluations, state) in enumerate(runs):
        suite.run(evaluations, repetition, state=state)
    kinds = ("anytime", "trials", "learning_rate", "landscape")  # test_views.py draws the others
    assert len(draw_kinds(suite, *kinds)) == 3 * len(kinds)


@pytest.mark.slow
def test_a_title_is_not_taken_for_mathematics(suite):
    """Dollar signs in a title are drawn, not parsed."""
    suite.set(title=r"costs $\frac{$ per run")
    suite.run([(0.5, 0.5, 1.0)], 0)
    assert draw_kinds(suite, "anytime", "landscape", "parallel", "gap")


def test_all_evaluations_are_points(mixed_space):
    """Every evaluation is a point or, when it crashed, a cross, in each panel of the landscape."""
    results = load(mixed_space.folder)
    mixed = results.plan.objectives[1]
    with theme():
        panels = landscape(results, mixed).axes[: len(mixed.space)]
    for axes in panels:
        assert [len(points.get_offsets()) for points in axes.collections] == [8, 2]
    assert panels[0].get_xscale() == "log"
    assert [label.get_text() for label in panels[2].get_xticklabels()] == ["relu", "tanh", "True"]


def test_learning_rate_is_for_objectives_that_have_one(mixed_space):
    """`lr` and `learning_rate` are learning rates; without one there is no such figure."""
    mixed_space.objective("none", {"depth": MIXED_SPACE["depth"]})
    results = load(mixed_space.folder)
    with theme():
        drawn = [learning_rate(results, objective) for objective in results.plan.objectives]
    assert [found is not None for found in drawn] == [True, True, False]
    assert drawn[1].axes[0].get_xscale() == "log"
    assert drawn[1].axes[0].get_title() == "random: 10 evaluations, 2 crashed"


@pytest.mark.slow
def test_evaluations_without_a_hyperparameter_are_left_out_and_counted(conditional_space):
    """A panel has the points of the configurations that hold it, and says how many others there are."""
    results = load(conditional_space.folder)
    deep = results.plan.objectives[1]
    with theme():
        panels = landscape(results, deep).axes[: len(deep.space)]
    points = [sum(len(points.get_offsets()) for points in axes.collections) for axes in panels]
    assert points == [12, 12, 8, 4]
    assert [axes.get_title() for axes in panels] == ["", "", "4 of 12 without width_2", "8 of 12 without width_3"]
    assert len(draw_kinds(conditional_space, "learning_rate", "landscape", "parallel", objective="deep")) == 9


def test_listed_numbers_are_on_a_scale_of_their_own(conditional_space):
    """A geometric grid is on a logarithmic axis, its points around their values; an even one is on a linear axis."""
    results = load(conditional_space.folder)
    deep = results.plan.objectives[1]
    with theme():
        rate, _, _, width = landscape(results, deep).axes[: len(deep.space)]
    assert (rate.get_xscale(), width.get_xscale()) == ("log", "linear")
    assert rate.get_xlim()[0] < 0.001 < 1.0 < rate.get_xlim()[1]
    assert width.get_xlim() == (4.0, 36.0)
    assert [label.get_text() for label in rate.get_xticklabels()] == ["0.001", "0.01", "0.1", "1"]
    assert [label.get_text() for label in width.get_xticklabels()] == ["8", "16", "24", "32"]
    places = np.array([x for points in rate.collections for x, _ in points.get_offsets()])
    values = np.array([evaluation["learning_rate"] for evaluation in results.configs(results.evaluations)])
    distances = np.log10(np.sort(places) / np.sort(values))
    assert np.abs(distances).max() <= 0.25
    assert len(np.unique(places)) > 4


@pytest.mark.slow
def test_a_conditional_learning_rate(suite, planted_evaluation):
    """Evaluations without one are told in its figure, and colours are then the algorithms'."""
    rate = {"kind": "float", "low": 0.01, "high": 1.0, "log": True, "when": {"parent": "optimizer", "values": ["sgd"]}}
    suite.objective("tuned", {"optimizer": {"kind": "categorical", "choices": ["sgd", "none"]}, "lr": rate})
    configs = [{"optimizer": "sgd", "lr": 0.1}, {"optimizer": "none"}, {"optimizer": "none"}]
    records = [planted_evaluation(i, 0.1, 0.1, 1.0 + i, config=config) for i, config in enumerate(configs)]
    suite.run(records, objective="tuned")
    results = load(suite.folder)
    tuned = results.plan.objectives[1]
    with theme():
        assert learning_rate(results, tuned).axes[0].get_title() == "random: 3 evaluations, 2 of 3 without lr"
        assert len(landscape(results, tuned).axes) == 2
    assert draw_kinds(suite, "learning_rate", "landscape", "parallel", objective="tuned")


@pytest.mark.parametrize("choices", [[0.5], [3], [1000000], [0.1, 0.2], list(range(1, 200))])
def test_any_list_of_numbers_is_drawn(suite, planted_evaluation, choices):
    """One value, two, or too many to spread: a learning rate of such values colours the others without a warning."""
    suite.objective("grid", {"lr": {"kind": "ordinal", "choices": choices}, "depth": MIXED_SPACE["depth"]})
    configs = [{"lr": choices[place % len(choices)], "depth": 2} for place in range(5)]
    suite.run([planted_evaluation(i, 0.1, 0.1, 1.0 + i, config=c) for i, c in enumerate(configs)], objective="grid")
    results = load(suite.folder)
    with theme():
        panels = landscape(results, results.plan.objectives[1]).axes
    places = np.concatenate([points.get_offsets()[:, 0] for points in panels[0].collections])
    assert panels[0].get_xlim()[0] < min(places) <= max(places) < panels[0].get_xlim()[1]
    assert draw_kinds(suite, "learning_rate", "landscape", "parallel", objective="grid")


def test_the_look_of_an_algorithm_is_its_place_in_the_plan():
    """Twenty algorithms have twenty looks, and a later one changes no earlier one."""
    names = [f"a{place}" for place in range(20)]
    assert len({(look.colour, look.marker) for look in algorithm_styles(names).values()}) == 20
    assert algorithm_styles(names[:3]) == {name: algorithm_styles(names)[name] for name in names[:3]}
