"""Stacked and reference learning curves of 20 configurations an objective, on real Fashion-MNIST images."""

import pytest

from tests.objectives.stacks.curves import NAMES, Pair, in_place_of_the_whole, pairs, part_of

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIGURATIONS, EPOCHS, IMAGES = 20, 2, 600


@pytest.fixture(scope="module")
def machine(data_folder):
    with in_place_of_the_whole(part_of(data_folder, IMAGES, IMAGES // 2)) as machine:
        yield machine


@pytest.mark.parametrize("name", NAMES)
def test_curves_side_by_side(name, machine):
    """Every configuration has the reference's curve: on these images the arithmetic is the same."""
    found = pairs(name, CONFIGURATIONS, EPOCHS, machine)
    assert len(found) == CONFIGURATIONS
    assert [pair.difference for pair in found] == [0] * CONFIGURATIONS
    assert len({str(pair.stacked) for pair in found}) > CONFIGURATIONS / 4


def test_a_difference_is_seen():
    """One image in one epoch, a divergence, or a shorter curve is a difference."""
    curve = [(0.5, 0.4, False), (0.3, 0.2, False)]

    def difference(other):
        return Pair(name="any", config={}, reference=curve, stacked=other).difference

    assert difference(list(curve)) == 0
    assert difference([(0.5, 0.4, False), (0.3, 0.21, False)]) == pytest.approx(0.01)
    assert difference([(0.5, 0.4, False), (0.3, 0.2, True)]) == 1
    assert difference(curve[:1]) == float("inf")
