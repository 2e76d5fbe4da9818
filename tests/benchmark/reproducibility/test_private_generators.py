"""Streams where torch is not imported, and the seeds of rechecks."""

import random
import sys

import numpy as np
import pytest

from benchmark.reproducibility.seeding import LARGEST_SEED, PrivateGenerators, recheck_seed, seed_sequence


@pytest.mark.parametrize("seed", [0, 1, 5, LARGEST_SEED])
def test_a_recheck_draws_from_seeds_that_no_suite_has(seed):
    """Every suite's recheck has a seed of its own, between the largest suite's and 2**64."""
    assert recheck_seed(seed) == 2**63 + seed
    assert LARGEST_SEED < recheck_seed(seed) < 2**64


def test_streams_work_where_torch_is_not_imported(monkeypatch, global_state):
    """Python's and numpy's generators are exchanged alone, and torch is not imported for it."""
    before = global_state()
    streams = [PrivateGenerators(seed_sequence(3, "test")) for _ in range(2)]
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "torch")
        with streams[0].active():
            without = random.random(), float(np.random.random())  # noqa: NPY002 (third-party code's)
        assert "torch" not in sys.modules
    with streams[1].active():
        found = random.random(), float(np.random.random())  # noqa: NPY002

    assert without == found
    assert global_state() == before


def test_torch_imported_within_draws_from_this_run_from_then_on(monkeypatch, global_state, move_global_generators):
    """What code imports inside the streams is not put back to a state that nobody saved."""
    torch = sys.modules["torch"]
    streams, expected = PrivateGenerators(seed_sequence(3, "test")), PrivateGenerators(seed_sequence(3, "test"))
    with expected.active():
        first = torch.rand(2).tolist()
    with monkeypatch.context() as patch:
        patch.delitem(sys.modules, "torch")
        with streams.active():
            pass
    with streams.active():
        second = torch.rand(2).tolist()

    assert second == first
