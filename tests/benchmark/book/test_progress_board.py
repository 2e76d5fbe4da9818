"""The book's board collects points and draws them, with `plt` in a script."""

import pytest

from benchmark import book as d2l


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    d2l.plt.close("all")


def test_points_become_lines():
    """Every label is a line, the axes are named, and the figure is the current one of `plt`."""
    board = d2l.ProgressBoard(xlabel="time", ylabel="error", yscale="log")
    for time, error in [(1, 0.5), (2, 0.25), (3, 0.25)]:
        board.draw(time, error, "random search", every_n=1)
        board.draw(time, error / 2, "local search", every_n=1)
    axes = d2l.plt.gca()
    assert board.fig is d2l.plt.gcf()
    assert (axes.get_xlabel(), axes.get_ylabel(), axes.get_yscale()) == ("time", "error", "log")
    lines = {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines}
    assert lines["random search"] == ([1, 2, 3], [0.5, 0.25, 0.25])
    assert list(lines) == ["random search", "local search"]


def test_of_several_points_the_mean_is_drawn():
    """Points that are not complete yet wait."""
    board = d2l.ProgressBoard(display=False)
    for x in range(7):
        board.draw(x, 10 * x, "loss", every_n=3)
    assert board.data == {"loss": [(1, 10), (4, 40)]}
    assert board.raw_points == {"loss": [(6, 60)]}
    assert board.fig is None


def test_axes_that_are_given_are_drawn_into():
    """Two boards share a reader's figure."""
    figure, axes = d2l.plt.subplots(1, 2)
    board = d2l.ProgressBoard(axes=axes[1], xlim=[0, 4])
    board.draw(1, 2, "a")
    assert board.fig is figure
    assert [len(part.lines) for part in axes] == [0, 1]
    assert axes[1].get_xlim() == (0, 4)


def test_the_size_of_figures():
    """`set_figsize` holds for the figures after it."""
    with d2l.plt.rc_context():
        d2l.set_figsize((5, 2))
        assert tuple(d2l.plt.figure().get_size_inches()) == (5, 2)
