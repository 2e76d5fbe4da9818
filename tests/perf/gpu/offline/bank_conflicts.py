"""Wavefronts of every access to shared memory, from the addresses of all threads of a program.

An access of a warp takes at least as many wavefronts as its busiest bank has different words (32 banks of 4 bytes), and
this is what is counted. Copies from global to shared memory (LDGSTS) count as the stores that they are.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from tests.perf.gpu.offline.assembly import Instruction
from tests.perf.gpu.offline.thread_values import MASK, WARP, Threads, Value

BANKS = 32
SHARED = frozenset(["LDS", "STS", "LDSM", "STSM", "LDGSTS"])
MATRICES = frozenset(["LDSM", "STSM"])
"""Loads and stores of 8 x 8 matrices: eight lanes give the addresses of the rows, of 16 bytes each."""
ADDRESS = re.compile(r"\[([^\[\]]*)\]")
TERM = re.compile(r"([+-]?)([^+-]+)")


def wavefronts(instructions: Sequence[Instruction], warps: int) -> dict[int, int | None]:
    """Count by instruction's number, for all warps of a program together; None where an address is not known."""
    threads = Threads(count=warps * WARP)
    counted: dict[int, int | None] = {}
    for number, instruction in enumerate(instructions):
        if instruction.kind in SHARED and instruction.predicate != "!PT":
            address = _address(instruction, threads)
            counted[number] = None if address is None else _count(address, instruction)
        threads.execute(instruction)
    return counted


def _address(instruction: Instruction, threads: Threads) -> Value | None:
    """Add up what the first brackets hold."""
    inside = next(match[1] for operand in instruction.operands if (match := ADDRESS.search(operand)))
    total = threads.constant(0)
    for sign, term in TERM.findall(inside):
        name, _, scale = term.partition(".X")
        value = threads.read(name)
        if value is None:
            return None
        total = total + (-value if sign == "-" else value) * int(scale or 1)
    return total & MASK


def _count(address: Value, instruction: Instruction) -> int:
    if instruction.kind not in MATRICES:
        return sum(busiest_bank(lanes, max(instruction.bits // 32, 1)) for lanes in address.reshape(-1, WARP))
    last = instruction.opcode.rpartition(".")[2]
    rows = address.reshape(-1, WARP)[:, : 8 * (int(last) if last.isdigit() else 1)]
    return sum(busiest_bank(matrix, 4) for matrix in rows.reshape(-1, 8))


def busiest_bank(address: Value, words: int) -> int:
    """Count the different words of the busiest bank, where every lane accesses `words` from its address on."""
    touched = np.unique(address[:, None] // 4 + np.arange(words))
    return int(np.bincount(touched % BANKS).max())
