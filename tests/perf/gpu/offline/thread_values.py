"""Integer registers of all threads of a program, computed from the thread's number by a kernel's own instructions.

The instructions are executed once in the order of their addresses, with all threads side by side. Program numbers,
arguments and what is read from memory count as 0: they move all threads alike or are no addresses. What cannot be
computed here is None, and so is all that follows from it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from tests.perf.gpu.offline.assembly import Instruction

WARP = 32
MASK = 0xFFFFFFFF
REGISTER = re.compile(r"(U?R(?:Z|\d+))(?:\.[A-Z0-9_.]+)?")
PREDICATE = re.compile(r"!?U?P(?:\d|T)")
NUMBER = re.compile(r"0x[0-9a-f]+|\d+")
ALIKE = frozenset(["ULDC", "LDC", "S2UR", "CS2R", "LDG", "LDS", "LDSM", "VOTEU"])
"""Instructions whose results count as 0."""
NOTHING = frozenset(["STG", "STS", "STSM", "RED", "LDGSTS", "BRA", "EXIT", "BAR", "RET", "CALL"])
"""Instructions that write no register, whatever their first operand."""

Value = np.ndarray
"""(threads,) int64, a 32-bit word of every thread; of a predicate 0 or 1."""


@dataclass(slots=True, kw_only=True)
class Threads:
    """The registers and predicates of all threads; a missing one is 0."""

    count: int
    words: dict[str, Value | None] = field(default_factory=dict)

    def constant(self, number: int) -> Value:
        return np.full(self.count, number, dtype=np.int64)

    def read(self, operand: str) -> Value | None:
        """Compute an operand: a predicate, a number, a register, or a constant of the arguments (0)."""
        if PREDICATE.fullmatch(operand):
            name = operand.lstrip("!")
            value = self.constant(1) if name in ("PT", "UPT") else self.words.get(name, self.constant(0))
            return value if value is None or name == operand else 1 - value
        text = operand.removesuffix(".reuse")
        bare = text.lstrip("-~")
        if bare.startswith("c["):
            return self.constant(0)
        if NUMBER.fullmatch(bare):
            value = self.constant(int(bare, 0))
        elif register := REGISTER.fullmatch(bare):
            value = self.words.get(register[1], self.constant(0))
        else:
            return None
        if value is None or bare == text:
            return value
        return -value if text.startswith("-") else ~value & MASK

    def execute(self, instruction: Instruction) -> None:
        """Carry out one instruction."""
        if instruction.kind in NOTHING or not instruction.operands:
            return
        target, *sources = instruction.operands
        if PREDICATE.fullmatch(target):
            self.words[target] = self._condition(instruction, sources)
        elif register := REGISTER.fullmatch(target):
            value = self._result(instruction, sources)
            self.words[register[1]] = self._guarded(instruction, register[1], value)
            self._spread(instruction, register[1])
            self.words.pop("RZ", None)
            self.words.pop("URZ", None)

    def _guarded(self, instruction: Instruction, target: str, value: Value | None) -> Value | None:
        """Keep the old value in the threads whose predicate is false."""
        if instruction.predicate is None:
            return value
        taken, old = self.read(instruction.predicate), self.words.get(target, self.constant(0))
        return choose(taken, value, old)

    def _spread(self, instruction: Instruction, first: str) -> None:
        """Count the further registers of a wide result as 0, or as unknown where the first one is."""
        wide = 4 if ".128" in instruction.opcode else 2 if {"64", "WIDE"} & set(instruction.opcode.split(".")) else 1
        prefix, number = first.rstrip("0123456789Z"), first.lstrip("UR")
        for step in range(1, wide) if number.isdigit() else ():
            unknown = self.words[first] is None
            self.words[f"{prefix}{int(number) + step}"] = None if unknown else self.constant(0)

    def _result(self, instruction: Instruction, sources: Sequence[str]) -> Value | None:
        kind = instruction.kind
        if kind == "S2R":
            return np.arange(self.count) if "TID.X" in sources[0] else self.constant(0)
        if kind in ALIKE:
            return self.constant(0)
        kind = UNIFORM_NAMES.get(kind, kind)
        if kind == "HFMA2" and [source.lstrip("-") for source in sources[:2]] == ["RZ", "RZ"]:
            high, low = np.array(sources[2:4], dtype=np.float16).view(np.uint16)
            return self.constant((int(high) << 16) + int(low))  # How the compiler writes a constant to a register.
        if kind == "SEL":
            return choose(self.read(sources[2]), self.read(sources[0]), self.read(sources[1]))
        values = self._known([source for source in sources if not PREDICATE.fullmatch(source)])
        if kind not in COMPUTED or values is None:
            return None
        return COMPUTED[kind](instruction.opcode, values) & MASK

    def _condition(self, instruction: Instruction, sources: Sequence[str]) -> Value | None:
        """Compute the predicate that a comparison or a bitwise test writes."""
        kind = UNIFORM_NAMES.get(instruction.kind, instruction.kind)
        words = [source for source in sources if not PREDICATE.fullmatch(source)]
        values = self._known(words)
        if kind == "ISETP":
            compared = None if values is None else compare(instruction.opcode, values)
            joined = self.read(sources[-1]) if PREDICATE.fullmatch(sources[-1]) else self.constant(1)
            if compared is None or joined is None:
                return None
            return compared | joined if ".OR" in instruction.opcode else compared & joined
        if kind == "SHFL":
            return None if values is None else self.constant(1)
        if kind != "LOP3" or values is None:
            return None
        return (combine(*values[-4:]) != 0).astype(np.int64)

    def _known(self, sources: Sequence[str]) -> list[Value] | None:
        values = [self.read(source) for source in sources]
        known = [value for value in values if value is not None]
        return known if len(known) == len(values) else None


def choose(chosen: Value | None, one: Value | None, other: Value | None) -> Value | None:
    """Take one value where `chosen` is 1, else the other; unknown unless all threads take one that is known."""
    if chosen is None:
        return None
    if (chosen == 1).all() or (chosen == 0).all():
        return one if chosen[0] == 1 else other
    return None if one is None or other is None else np.where(chosen == 1, one, other)


def signed(value: Value) -> Value:
    return ((value & MASK) ^ 0x80000000) - 0x80000000


def compare(opcode: str, values: Sequence[Value]) -> Value:
    comparison = {"GE": np.greater_equal, "GT": np.greater, "LE": np.less_equal, "LT": np.less, "EQ": np.equal}
    one, other = (value & MASK if ".U32" in opcode else signed(value) for value in values[:2])
    result = comparison.get(opcode.split(".")[1], np.not_equal)(one, other)
    return np.asarray(result, dtype=np.int64)


def combine(a: Value, b: Value, c: Value, table: Value) -> Value:
    """Combine three words bit by bit by a table of eight bits."""
    result = np.zeros_like(a)
    for entry in range(8):
        if int(table[0]) >> entry & 1:
            result |= (a if entry & 4 else ~a) & (b if entry & 2 else ~b) & (c if entry & 1 else ~c)
    return result & MASK


def _multiply_add(opcode: str, values: Sequence[Value]) -> Value:
    product = signed(values[0]) * signed(values[1])
    return (product >> 32 if ".HI" in opcode else product) + values[2]


def _shift(opcode: str, values: Sequence[Value]) -> Value:
    """Shift the low word to the left, or to the right the high one with HI."""
    low, amount, high = values[0], np.minimum(values[1] & MASK, 63), values[2]
    if ".L." in opcode:
        return low << amount
    word = high if ".HI" in opcode else low
    return (signed(word) if ".S32" in opcode else word & MASK) >> amount


def _scaled_add(opcode: str, values: Sequence[Value]) -> Value:
    """`(a << shift) + b`; with HI, the part of the shifted number above 32 bits."""
    if ".HI" not in opcode:
        return (values[0] << values[2]) + values[1]
    return ((signed(values[0]) if ".SX32" in opcode else values[0] & MASK) >> (32 - values[-1])) + values[1]


def _permute(opcode: str, values: Sequence[Value]) -> Value:
    """Pick four bytes of (b, a) by the four digits of the selector."""
    a, selector, b = values[:3]
    result = np.zeros_like(a)
    for position in range(4):
        digit = selector >> (4 * position) & 7
        word = np.where(digit < 4, a, b) & MASK
        result |= (word >> (8 * (digit & 3)) & 0xFF) << (8 * position)
    return result


def _extend(opcode: str, values: Sequence[Value]) -> Value:
    """Cut to the lowest bits, and but for U32 extend their sign."""
    width, sign = values[1], np.int64(1) << (values[1] - 1)
    cut = values[0] & ((np.int64(1) << width) - 1)
    return cut if ".U32" in opcode else (cut ^ sign) - sign


def _shuffle(opcode: str, values: Sequence[Value]) -> Value:
    """Give every thread of a warp the value of the lane it names."""
    lanes = values[1].reshape(-1, WARP) % WARP
    if "BFLY" in opcode:
        lanes = np.arange(WARP) ^ lanes
    return np.take_along_axis(values[0].reshape(-1, WARP), lanes, axis=1).reshape(-1)


UNIFORM_NAMES = {
    "UMOV": "MOV", "R2UR": "MOV", "UIADD3": "IADD3", "UIMAD": "IMAD", "USHF": "SHF", "ULEA": "LEA", "ULOP3": "LOP3",
    "UPRMT": "PRMT", "USEL": "SEL", "UISETP": "ISETP", "USGXT": "SGXT",
}  # fmt: skip
"""Instructions of a warp's uniform registers, and what they are called for a thread's."""
COMPUTED: dict[str, Callable[[str, Sequence[Value]], Value]] = {
    "MOV": lambda opcode, values: values[0],
    "IADD3": lambda opcode, values: np.sum(values[:3], axis=0),
    "VIADD": lambda opcode, values: values[0] + values[1],
    "IMAD": _multiply_add,
    "SHF": _shift,
    "LEA": _scaled_add,
    "LOP3": lambda opcode, values: combine(*values[:4]),
    "PRMT": _permute,
    "SGXT": _extend,
    "SHFL": _shuffle,
    "IABS": lambda opcode, values: np.abs(signed(values[0])),
}
"""The integer arithmetic that addresses are computed with."""
