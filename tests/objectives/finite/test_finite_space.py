"""Finite spaces: rows, and the one way in which every proposal is mapped to a member."""

import itertools
import pickle

import numpy as np
import pytest
from scipy import stats

from objectives.finite.finite_space import FiniteSpace, encode_members
from objectives.space import Categorical, Integer, Ordinal, Space

GRID = FiniteSpace(
    {"rate": Ordinal([1e-3, 1e-2, 1e-1]), "kind": Categorical(["a", "b"]), "share": Ordinal([0.0, 0.5, 1.0])}
)
BOX = Space({"rate": stats.loguniform(1e-4, 1.0), "width": Integer(1, 64), "kind": Categorical(["a", "b"])})


def pool_of(count, seed=3):
    """A pool of configurations drawn from the box, and those."""
    rng = np.random.default_rng(seed)
    configs = [BOX.sample(rng) for _ in range(count)]
    return FiniteSpace({name: BOX[name] for name in BOX}, codes=encode_members(BOX, configs)), configs


def test_the_last_level_changes_fastest():
    """Rows of a grid are the combinations of levels in the order of nested loops."""
    combinations = itertools.product(*(axis.choices for axis in GRID.axes.values()))
    listed = [dict(zip(GRID, values, strict=True)) for values in combinations]
    assert [GRID.member(row) for row in range(GRID.size)] == listed
    assert [GRID.row(config) for config in listed] == list(range(18))


def test_a_pool_gives_its_members_back_to_the_bit():
    """Floats, whole numbers and listed values come back as they were, and have their rows."""
    pool, configs = pool_of(40)
    assert [pool.member(row) for row in range(40)] == configs
    assert [type(value) for value in pool.member(0).values()] == [float, int, str]
    assert [pool.row(config) for config in configs] == list(range(40))
    assert pool.row({**configs[0], "rate": 0.5}) is None


@pytest.mark.parametrize(
    ("proposed", "level"),
    [(0.0032, 0.01), (0.0031, 0.001), (0.031, 0.01), (0.1, 0.1), (0.001, 0.001)],
)
def test_levels_of_a_logarithmic_axis_are_near_by_their_ratio(proposed, level):
    """Halfway between 0.001 and 0.01 is 0.00316, their geometric mean."""
    config = GRID.check_proposal({"rate": proposed, "kind": "a", "share": 0.5})
    assert config["rate"] == proposed
    assert GRID.nearest(config)["rate"] == level


@pytest.mark.parametrize(("proposed", "level"), [(0.24, 0.0), (0.25, 0.0), (0.26, 0.5), (0.9, 1.0)])
def test_levels_of_a_linear_axis_are_near_by_their_difference(proposed, level):
    """A tie goes to the lower level."""
    assert GRID.nearest(GRID.check_proposal({"rate": 0.01, "kind": "a", "share": proposed}))["share"] == level


@pytest.mark.parametrize(
    "wrong", [{"rate": 0.2}, {"rate": 1e-4}, {"kind": "c"}, {"share": "half"}, {"share": float("nan")}]
)
def test_what_is_beyond_the_levels_is_refused(wrong):
    """Only what lies between two levels is mapped; there is no nearest category."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GRID.check_proposal({"rate": 0.01, "kind": "a", "share": 0.5, **wrong})


def test_the_nearest_member_is_the_nearest_in_the_unit_cube():
    """Compared with a loop over all members that was written another way."""
    pool, configs = pool_of(60)
    rng = np.random.default_rng(8)
    for _ in range(50):
        proposal = BOX.sample(rng)
        distances = [float(np.linalg.norm(BOX.encode(config) - BOX.encode(proposal))) for config in configs]
        assert pool.nearest(proposal) == configs[int(np.argmin(distances))]
        unit = rng.random(3)
        away = [float(np.linalg.norm(BOX.encode(config) - unit)) for config in configs]
        assert pool.decode(unit) == configs[int(np.argmin(away))]


def test_a_tie_goes_to_the_lowest_row():
    """Two members as far from a proposal as each other."""
    space = Space({"x": stats.uniform(0.0, 1.0)})
    pool = FiniteSpace({"x": space["x"]}, codes=np.array([[0.75], [0.25]]))
    assert pool.nearest({"x": 0.5}) == {"x": 0.75}


def test_every_member_of_a_pool_is_drawn_as_often():
    """Whatever the density of members: 2,000 draws of 4, within four standard deviations."""
    space = Space({"x": stats.uniform(0.0, 1.0)})
    pool = FiniteSpace({"x": space["x"]}, codes=np.array([[0.0], [0.01], [0.02], [1.0]]))
    rng = np.random.default_rng(1)
    rows = [pool.row(pool.sample(rng)) for _ in range(2000)]
    assert all(abs(count - 500) < 4 * np.sqrt(2000 * 3 / 16) for count in np.bincount(rows, minlength=4))


def test_a_grid_draws_as_the_plain_space_does():
    """The short ways of drawing and decoding give what `Space` gives."""
    plain = Space({name: GRID[name] for name in GRID})
    assert [GRID.sample(np.random.default_rng(n)) for n in range(20)] == [
        plain.sample(np.random.default_rng(n)) for n in range(20)
    ]
    assert GRID.decode(np.ones(3)) == plain.decode(np.ones(3))


def test_a_finite_space_stays_one():
    """Sent to another process or bound to a generator, it still knows its members."""
    pool, configs = pool_of(5)
    for again in (pickle.loads(pickle.dumps(pool)), pool.bound_to(np.random.default_rng(0))):
        assert [again.member(row) for row in range(5)] == configs
    assert pickle.loads(pickle.dumps(GRID)).size == 18


@pytest.mark.parametrize(
    ("codes", "message"),
    [
        (np.array([[0.1, 2.0]]), "shape"),
        (np.array([[2.0, 2.0, 0.0]]), "codes of rate hold 2.0"),
        (np.array([[0.1, 2.5, 0.0]]), "codes of width hold 2.5"),
        (np.array([[0.1, 2.0, 2.0]]), "codes of kind hold 2.0"),
        (np.array([[np.nan, 2.0, 0.0]]), "codes of rate hold NaN"),
        (np.array([[0.1, 2.0, 0.0], [0.1, 2.0, 0.0]]), "two rows are the same"),
    ],
)
def test_codes_of_no_members_are_refused(codes, message):
    """A wrong number of columns, values outside of their axes, and one configuration twice."""
    with pytest.raises(ValueError, match=message):
        FiniteSpace({name: BOX[name] for name in BOX}, codes=codes)


def test_a_grid_of_a_range_is_refused():
    """Without codes every hyperparameter has to be listed."""
    with pytest.raises(ValueError, match="rate has no listed values"):
        FiniteSpace({name: BOX[name] for name in BOX})
