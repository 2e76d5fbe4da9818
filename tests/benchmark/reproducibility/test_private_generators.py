"""Global generators that a run has for itself, with and without torch, and the seeds of rechecks."""

import copy
import pickle
import random
import sys

import numpy as np
import pytest
import torch

from benchmark.reproducibility.seeding import LARGEST_SEED, PrivateGenerators, recheck_seed, seed_sequence


def draw():
    """One number of each global generator."""
    return random.random(), np.random.random(), float(torch.rand(1))  # noqa: NPY002 (what is isolated)


def test_global_streams_are_seeded_and_separate():
    """Inside, all three generators start from the stream's seed, each from another state."""
    streams = PrivateGenerators(seed_sequence(1, "globals"))

    with streams.active():
        drawn = draw()

    assert drawn[:2] == (0.697523491027271, 0.6215947934652687)
    assert drawn[2] == float(torch.rand(1, generator=torch.Generator().manual_seed(14946524680881146968)))


def test_global_streams_continue_where_they_were(global_state, move_global_generators):
    """Several activations draw what one draws, and the process's own states are untouched by any."""
    whole = PrivateGenerators(seed_sequence(1, "globals"))
    with whole.active():
        expected = [draw() for _ in range(6)]
    pieces, found = PrivateGenerators(seed_sequence(1, "globals")), []

    for count in (1, 3, 2):
        before = global_state()
        with pieces.active():
            found += [draw() for _ in range(count)]
        assert global_state() == before
        move_global_generators()

    assert found == expected


def test_global_streams_nest():
    """An activation inside another one does not disturb it."""
    outer, inner = PrivateGenerators(seed_sequence(1, "outer")), PrivateGenerators(seed_sequence(1, "inner"))
    with PrivateGenerators(seed_sequence(1, "outer")).active():
        expected = [draw(), draw()]
    with PrivateGenerators(seed_sequence(1, "inner")).active():
        expected_inner = draw()

    with outer.active():
        first = draw()
        with inner.active():
            inside = draw()
        second = draw()

    assert [first, second] == expected
    assert inside == expected_inner


def test_global_streams_come_back_after_an_error(global_state):
    """An exception inside restores the process's states and keeps the stream's place."""
    streams, drawn = PrivateGenerators(seed_sequence(1, "globals")), []
    before = global_state()

    def interrupted():
        with streams.active():
            drawn.append(draw())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()

    assert global_state() == before
    with streams.active():
        assert draw() != drawn[0]


def test_seeding_inside_does_not_reach_outside(global_state):
    """Third-party code that seeds the global generators seeds its own."""
    before = global_state()
    with PrivateGenerators(seed_sequence(1, "globals")).active():
        random.seed(0)  # noqa: TID251 (what third-party code does)
        np.random.seed(0)  # noqa: NPY002, TID251 (likewise)
        torch.manual_seed(0)  # noqa: TID251 (likewise)

    assert global_state() == before


def test_the_second_gaussian_is_not_lost():
    """Numpy's global generator makes normals in pairs: both the process's and the stream's second one are kept."""
    whole, pieces, found = (
        PrivateGenerators(seed_sequence(1, "globals")),
        PrivateGenerators(seed_sequence(1, "globals")),
        [],
    )
    with whole.active():
        expected = np.random.normal(size=5).tolist()  # noqa: NPY002 (what third-party code does)
    with PrivateGenerators(seed_sequence(1, "process")).active():
        outside = np.random.normal(size=4).tolist()  # noqa: NPY002 (likewise)

    with PrivateGenerators(seed_sequence(1, "process")).active():
        drawn = [np.random.normal()]  # noqa: NPY002 (likewise)
        for count in (1, 3, 1):
            with pieces.active():
                found += np.random.normal(size=count).tolist()  # noqa: NPY002 (likewise)
            drawn.append(np.random.normal())  # noqa: NPY002 (likewise)

    assert found == expected
    assert drawn == outside


def test_copied_streams_go_on_alike():
    """A copy made in the middle, by deepcopy or pickle, draws what the original draws, and neither moves the other."""
    streams = PrivateGenerators(seed_sequence(1, "globals"))
    with streams.active():
        np.random.normal()  # noqa: NPY002 (what third-party code does)
    copies = [copy.deepcopy(streams), pickle.loads(pickle.dumps(streams))]

    drawn = []
    for each in (streams, *copies):
        with each.active():
            drawn.append((np.random.normal(), draw(), np.random.normal()))  # noqa: NPY002 (likewise)

    assert drawn[0] == drawn[1] == drawn[2]


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
