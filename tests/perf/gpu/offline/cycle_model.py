"""Cycles that kernels cost for a minibatch or an evaluation, from their compiled code.

A program costs what its straight part and every turn of its loops cost (`Segment.cycles`: what is busiest in a
multiprocessor, all else overlapped). This page knows how many programs a launch has that find work, and how often
each of their loops turns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.perf.gpu.offline.kernel_profile import SCHEDULERS, Profile, Segment

LONE_WARP = 2.0
"""Cycles between two instructions of a warp that a scheduler has to itself: an assumption."""
MEMORY_CYCLES = 600.0
"""From a load of the second cache to its use: an assumption; a lone program waits for it in every turn of a loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Images that a slot trains on, or is evaluated on, and the widths of its dense layers."""

    rows: int
    widths: Sequence[int] = ()


def tiles(number: float, tile: int) -> int:
    return int(-(-number // tile))


def count_programs(kernel: Profile, batch: Batch) -> float:
    """Count the programs of a slot's launch that find work."""
    return _COUNTS[kernel.function][0](kernel.constants, batch)


def count_turns(kernel: Profile, batch: Batch) -> list[float]:
    """Count how often each loop of a program turns, on average over the programs, whenever it is entered.

    Raises:
        ValueError: the compiler made other loops of it than are known here.
    """
    turns = _COUNTS[kernel.function][1](kernel, batch)
    if len(turns) != len(kernel.loops):
        raise ValueError(f"{kernel.kernel}: {len(kernel.loops)} loops, turns are known of {len(turns)}")
    return turns


def cycles(kernel: Profile, batch: Batch) -> float:
    """Cycles of one multiprocessor for all programs of a slot, others at work beside them."""
    return count_programs(kernel, batch) * _sum(kernel, batch, lambda segment: segment.cycles(kernel.warps))


def lone_cycles(kernel: Profile, batch: Batch) -> float:
    """Cycles from the beginning to the end of one program that has a multiprocessor to itself."""

    def alone(segment: Segment) -> float:
        issue = LONE_WARP * segment.issue * max(kernel.warps / SCHEDULERS, 1)
        return max(issue, segment.tensor_cycles, segment.wavefronts, 0 if segment is kernel.straight else MEMORY_CYCLES)

    return _sum(kernel, batch, alone)


def _sum(kernel: Profile, batch: Batch, cost: Callable[[Segment], float]) -> float:
    turns = count_turns(kernel, batch)
    total = cost(kernel.straight)
    for loop, own in zip(kernel.loops, turns, strict=True):
        around = 1.0 if loop.inside is None else turns[loop.inside]
        total += own * around * cost(loop)
    return total


Constants = dict[str, Any]


def _layer(constants: Constants, batch: Batch) -> tuple[int, int]:
    """Inputs and outputs of the kernel's dense layer."""
    number = constants["LAYER"]
    return batch.widths[number], batch.widths[number + 1]


def _forward_programs(c: Constants, batch: Batch) -> float:
    return tiles(batch.rows, c["BM"]) * tiles(_layer(c, batch)[1], c["BN"])


def _forward_turns(kernel: Profile, batch: Batch) -> list[float]:
    return [tiles(_layer(kernel.constants, batch)[0], kernel.constants["BK"])]


def _inputs_programs(c: Constants, batch: Batch) -> float:
    return tiles(batch.rows, c["BM"]) * tiles(_layer(c, batch)[0], c["BN"])


def _inputs_turns(kernel: Profile, batch: Batch) -> list[float]:
    turns = tiles(_layer(kernel.constants, batch)[1], kernel.constants["BK"])
    return [turns] if kernel.loops else []  # Of one turn the compiler makes no loop.


def _update_programs(c: Constants, batch: Batch) -> float:
    inputs, outputs = _layer(c, batch)
    return tiles(inputs, c["BN"]) * tiles(outputs, c["BM"])


def _update_turns(kernel: Profile, batch: Batch) -> list[float]:
    """The weights' loop, and the biases', which only the programs of the first inputs enter."""
    c = kernel.constants
    turns = tiles(batch.rows, c["BK"])
    return [turns, turns / tiles(_layer(c, batch)[0], c["BN"])][: len(kernel.loops)]


def _chunks(c: Constants, batch: Batch) -> int:
    return tiles(batch.rows, c["CHUNK"])


def _position_turns(kernel: Profile, batch: Batch) -> list[float]:
    """A loop over the pooled positions of a chunk's images, of which the last chunk has fewer."""
    c = kernel.constants
    full, rest = divmod(batch.rows, c["CHUNK"])
    turns = [tiles(images * c["S"] ** 2, c["BM"]) for images in [c["CHUNK"]] * full + [rest] * (rest > 0)]
    return [sum(turns) / len(turns)]


def _image_turns(kernel: Profile, batch: Batch) -> list[float]:
    """A loop over a chunk's images."""
    return [batch.rows / _chunks(kernel.constants, batch)]


def _sum_turns(kernel: Profile, batch: Batch) -> list[float]:
    """A loop over the chunks, of which the compiler makes one of four chunks a turn and one of the rest."""
    chunks = _chunks(kernel.constants, batch)
    return [chunks // 4, chunks % 4] if len(kernel.loops) == 2 else [chunks]


def _line_turns(kernel: Profile, batch: Batch) -> list[float]:
    """A loop over the lines of a patch."""
    return [kernel.constants["K"]]


_Programs = Callable[[Constants, Batch], float]
_Turns = Callable[[Profile, Batch], list[float]]
_COUNTS: dict[str, tuple[_Programs, _Turns]] = {
    "dense_forward": (_forward_programs, _forward_turns),
    "dense_inputs": (_inputs_programs, _inputs_turns),
    "dense_update": (_update_programs, _update_turns),
    "block1_forward": (lambda c, batch: tiles(batch.rows * c["S"] ** 2, c["BM"]), lambda kernel, batch: []),
    "block2_forward": (lambda c, batch: tiles(batch.rows * c["Q2"] ** 2, c["BM"]), _line_turns),
    "block2_unpool": (
        lambda c, batch: tiles(batch.rows * c["S2"] ** 2 * c["OUT"], c["BM"]),
        lambda kernel, batch: [],
    ),
    "block2_weights": (lambda c, batch: c["K"] * _chunks(c, batch), _image_turns),
    "block2_inputs": (lambda c, batch: tiles(batch.rows * c["S1"] ** 2 // 2, c["BM"]), _line_turns),
    "block2_update": (lambda c, batch: tiles(c["K"] * c["BK"] * c["OUT"], c["TILE"]), _sum_turns),
    "block1_weights": (lambda c, batch: _chunks(c, batch), _position_turns),
    "block1_update": (lambda c, batch: 1, _sum_turns),
    "count_not_finite": (lambda c, batch: tiles(c["SIZE"], c["TILE"]), lambda kernel, batch: []),
    "advance_rows": (lambda c, batch: 1, lambda kernel, batch: []),
    "_tagged_words": (lambda c, batch: tiles(c["COUNT"], c["TILE"]), lambda kernel, batch: []),
}
"""Programs of a slot and turns of their loops, by kernel."""
