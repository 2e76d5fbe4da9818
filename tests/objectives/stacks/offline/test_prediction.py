"""Predicted seconds: turns and programs counted by hand, and a network whose cycles are known."""

from dataclasses import replace

import pytest

from tests.perf.gpu.offline.cycle_model import Batch, count_programs, count_turns, cycles, lone_cycles
from tests.perf.gpu.offline.kernel_profile import Profile, Segment
from tests.perf.gpu.offline.prediction import predict


def segment(**values):
    given = {"issue": 0, "integer": 0, "multiply_adds": 0, "tensor": {}, "tensor_cycles": 0.0, "wavefronts": 0}
    return Segment(**given | {"underived": 0} | values)


def kernel(function, *loops, warps=4, straight=None, **constants):
    return Profile(
        network="softmax",
        data="fashion_mnist",
        precision="ieee",
        kernel=function,
        function=function,
        constants=constants,
        warps=warps,
        registers=0,
        stack=0,
        spills=0,
        shared=0,
        accesses={},
        straight=straight or segment(),
        loops=list(loops),
    )


@pytest.mark.parametrize(
    ("case", "rows", "programs", "turns"),
    [
        (kernel("dense_forward", segment(), LAYER=0, BM=32, BN=64, BK=32), 33, 2 * 2, [4]),
        (kernel("dense_forward", segment(), LAYER=1, BM=64, BN=16, BK=32), 33, 1, [3]),
        (kernel("dense_inputs", segment(), LAYER=1, BM=32, BN=64, BK=16), 33, 2 * 2, [1]),
        (kernel("dense_inputs", LAYER=1, BM=32, BN=64, BK=16), 33, 2 * 2, []),
        (kernel("dense_update", segment(), segment(), LAYER=0, BM=64, BN=64, BK=16), 33, 2 * 2, [3, 1.5]),
        (kernel("block1_forward", S=14, BM=64), 2, 7, []),
        (kernel("block2_inputs", segment(), S1=14, K=5, BM=64), 2, 4, [5]),
        (kernel("block2_weights", segment(), CHUNK=16, K=5), 18, 10, [9]),
        (kernel("block1_weights", segment(), CHUNK=16, S=14, BM=64), 18, 2, [(49 + 7) / 2]),
        (kernel("block1_update", segment(), segment(), CHUNK=16), 85, 1, [1, 2]),
        (kernel("block1_update", segment(), CHUNK=16), 85, 1, [6]),
    ],
)
def test_programs_and_turns(case, rows, programs, turns):
    """Tiles of rows, units and depth, rounded up, for dense layers of widths 100, 65 and 10, and LeNet's images."""
    batch = Batch(rows=rows, widths=[100, 65, 10])

    assert count_programs(case, batch) == programs
    assert count_turns(case, batch) == turns


def test_other_loops_than_known_are_refused():
    """A kernel with a loop that the model does not know of has no price."""
    with pytest.raises(ValueError, match="dense_forward: 2 loops, turns are known of 1"):
        count_turns(kernel("dense_forward", segment(), segment(), LAYER=0, BK=32), Batch(rows=1, widths=[1, 1]))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"issue": 100, "integer": 30}, 200.0),
        ({"issue": 100, "integer": 80}, 320.0),
        ({"issue": 100, "tensor_cycles": 300.0}, 300.0),
        ({"issue": 100, "wavefronts": 500, "tensor_cycles": 300.0}, 500.0),
    ],
)
def test_the_busiest_unit_counts(values, expected):
    """Of eight warps: four schedulers issue, the integer pipe takes every second cycle, a wavefront takes a cycle."""
    assert segment(**values).cycles(warps=8) == expected


def test_nested_loops_multiply():
    """A loop in another turns in every turn of that one; a program alone waits for memory in every turn."""
    loops = segment(issue=10), segment(issue=100, inside=0)
    case = kernel("dense_update", *loops, straight=segment(issue=7), LAYER=0, BM=16, BN=16, BK=16)
    batch = Batch(rows=64, widths=[32, 16])

    assert count_turns(case, batch) == [4, 2]
    assert cycles(case, batch) == 2 * (7 + 4 * 10 + 4 * 2 * 100)
    assert lone_cycles(case, batch) == 2 * 7 + 4 * 600 + 4 * 2 * 600


def test_seconds_of_a_known_network():
    """Two kernels without loops: 50 million steps of 3125 minibatches, at full occupancy of 132 multiprocessors."""
    forward = kernel("block1_forward", straight=segment(issue=10**6), S=4, BM=256)
    evaluated = replace(
        kernel("block1_forward", straight=segment(issue=10**3), S=1, BM=16), kernel="block1_forward evaluation"
    )
    found = predict("softmax", [forward, evaluated], slots=512)
    speed = 132 * 1.755e9 * 0.7

    assert found.training == pytest.approx(2000 * 8 * 3125 * 10**6 / speed)
    assert found.evaluation == pytest.approx(2000 * 8 * 2 * 625 * 10**3 / speed)
    assert found.waiting == pytest.approx(2000 * 8 * 3125 / 100 * (1.5e-6 + 2e6 / 1.755e9 - 100e6 / speed))
    assert found.seconds == pytest.approx(found.training + found.waiting + found.evaluation)
