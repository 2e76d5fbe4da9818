"""Schedulers that have a single rung on an objective are told before the start."""

from types import SimpleNamespace

import pytest

from benchmark.driver.scheduler_notes import single_rung_notes
from benchmark.suite.parsing import parse


@pytest.mark.parametrize(
    ("scheduler", "epochs", "count"),
    [
        ({"name": "hyperband", "eta": 3}, 2, True),
        ({"name": "hyperband", "eta": 3}, 3, False),
        ({"name": "hyperband", "eta": 3, "r_min": 4}, 9, True),
        ({"name": "hyperband", "r_max": 2}, 9, True),
        ({"name": "asha", "eta": 3}, 2, False),
        ({"name": "asha"}, 1, True),
        ({"name": "asha", "r_min": 5}, 5, True),
        ({"name": "successive_halving"}, 1, True),
        ({"name": "successive_halving"}, 2, False),
        ("basic", 1, False),
    ],
)
def test_a_single_rung_is_told(scheduler, epochs, count):
    """The note names objective, algorithm, scheduler and searcher."""
    table = {
        "seed": 1,
        "repetitions": 1,
        "budget": {"epochs": 9},
        "objectives": {"branin": {}},
        "algorithms": {"mine": {"scheduler": scheduler, "searcher": "random"}},
    }
    notes = list(single_rung_notes(parse("toy", table), {"branin": SimpleNamespace(max_epochs=epochs)}))
    assert len(notes) == count
    assert all("branin/mine" in note and "plain search by random" in note for note in notes)
