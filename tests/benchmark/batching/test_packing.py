"""Refilled slots: fewer stack steps than static waves, and slots that work, in the harness's own batcher."""

import pytest

from tests.perf.packing import compare, static_waves


def test_static_waves_by_hand():
    """Slots are filled, the longest trial is waited for, and slots are filled again."""
    assert static_waves([3, 1, 2, 5, 1], capacity=2) == 3 + 5 + 1
    assert static_waves([4, 4], capacity=8) == 4


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lenet", "dropout_mlp"])
def test_refilling_beats_static_waves_over_a_whole_comparison(name):
    """2000 trials in 50 slots take at most 1/2.5 of the steps of static waves, and 0.7 of the work is useful."""
    packing = compare(name, 50)
    assert packing["waves_over_refilled"] >= 2.5
    assert packing["useful_share"] >= 0.7
    assert packing["trials"] < 2000  # Both algorithms begin with the default: it is trained once.
