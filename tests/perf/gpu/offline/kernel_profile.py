"""What a compiled kernel asks of a multiprocessor: registers, spills, and the work of each of its loops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.perf.gpu.offline.assembly import Assembly, Instruction, disassemble
from tests.perf.gpu.offline.bank_conflicts import wavefronts
from tests.perf.gpu.offline.compilation import Specialisation

SCHEDULERS = 4
"""Of a multiprocessor; each issues one instruction of a warp in a cycle."""
INTEGER = frozenset(
    [
        "IADD3", "VIADD", "LEA", "LOP3", "ISETP", "SHF", "SEL", "PRMT", "PLOP3", "IABS", "VIMNMX", "VIADDMNMX", "SGXT",
        "BMSK", "FSETP", "FSEL", "FMNMX", "I2FP", "POPC", "FLO", "BREV", "MOV", "P2R", "R2P",
    ]
)  # fmt: skip
"""Of the pipe that takes a warp's instruction every second cycle (64 lanes a cycle and multiprocessor)."""
TENSOR_FLOPS = {"TF32": 2048, "BF16": 4096, "F16": 4096}
"""Dense, of a multiprocessor in a cycle: 495 and 989 TFLOP/s by 132 at 1.83 GHz."""
WARP_SHARE = 0.5
"""Of these, what the products of single warps (HMMA) reach on Hopper: an assumption; those of four warps reach all."""
MEMORY = ("LDG", "STG", "LDGSTS", "LDS", "STS", "LDSM", "STSM")
SPILLS = ("LDL", "STL")


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """Instructions that are executed equally often: a loop's own, or those outside of loops.

    Attributes:
        inside: number of the loop around it; None for an outermost loop and for the straight part.
        issue: instructions of a warp.
        integer: of these, in the integer pipe.
        multiply_adds: of these, of float32 (FFMA).
        tensor: products on tensor cores by opcode.
        tensor_cycles: of a program on them.
        wavefronts: of shared memory, of a whole program.
        underived: accesses to shared memory whose wavefronts are not known, and not in them.
    """

    inside: int | None = None
    issue: int
    integer: int
    multiply_adds: int
    tensor: dict[str, int]
    tensor_cycles: float
    wavefronts: int
    underived: int

    def cycles(self, warps: int) -> float:
        """Cycles of a multiprocessor: of what is busiest, as if all else overlapped."""
        issue = self.issue * warps / SCHEDULERS
        return max(issue, 2 * self.integer * warps / SCHEDULERS, self.tensor_cycles, self.wavefronts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One row of the table.

    Attributes:
        network: the objective's name.
        data: its data set.
        precision: of the products.
        kernel: what tells it apart, as `Specialisation.label`.
        function: its name in the source.
        constants: compile-time arguments.
        warps: of a program.
        registers: of a thread.
        stack: bytes of a thread's stack.
        spills: instructions that write registers to it or read them back.
        shared: bytes of shared memory of a program.
        accesses: instructions by kind and bits of a lane, such as "LDG 128".
        straight: all that is in no loop.
        loops: in the order of the program.
    """

    network: str
    data: str
    precision: str
    kernel: str
    function: str
    constants: dict[str, Any]
    warps: int
    registers: int
    stack: int
    spills: int
    shared: int
    accesses: dict[str, int]
    straight: Segment
    loops: list[Segment]

    @property
    def main(self) -> Segment:
        """The loop with the most instructions, or the straight part of a kernel without loops."""
        return max(self.loops, key=lambda loop: loop.issue, default=self.straight)


def profile(kernel: Specialisation) -> Profile:
    """Disassemble a kernel and count."""
    assembly = disassemble(kernel.code["cubin"])
    instructions = assembly.instructions
    conflicts = wavefronts(instructions, kernel.warps)
    reachable = [instructions[n] for n in sorted({*assembly.straight, *(n for x in assembly.loops for n in x.own)})]
    return Profile(
        network=kernel.network,
        data=kernel.data,
        precision=kernel.precision,
        kernel=kernel.label,
        function=kernel.function,
        constants={name: value for name, value in kernel.constants.items() if isinstance(value, (int, float, str))},
        warps=kernel.warps,
        registers=assembly.registers,
        stack=assembly.stack,
        spills=sum(instruction.kind in SPILLS for instruction in reachable),
        shared=kernel.shared,
        accesses=_accesses(reachable),
        straight=_segment(assembly, assembly.straight, conflicts, kernel.warps),
        loops=[_segment(assembly, loop.own, conflicts, kernel.warps, loop.inside) for loop in assembly.loops],
    )


def _accesses(instructions: Iterable[Instruction]) -> dict[str, int]:
    counted = Counter(f"{i.kind} {i.bits}" for i in instructions if i.kind in MEMORY and i.predicate != "!PT")
    return dict(sorted(counted.items()))


def _segment(
    assembly: Assembly,
    numbers: Sequence[int],
    conflicts: dict[int, int | None],
    warps: int,
    inside: int | None = None,
) -> Segment:
    instructions = [assembly.instructions[number] for number in numbers]
    products = [i for i in instructions if i.kind in ("HGMMA", "HMMA")]
    counts = [conflicts[number] for number in numbers if number in conflicts]
    return Segment(
        inside=inside,
        issue=len(instructions),
        integer=sum(i.kind in INTEGER for i in instructions),
        multiply_adds=sum(i.kind == "FFMA" for i in instructions),
        tensor=dict(Counter(".".join(i.opcode.split(".")[:4]) for i in products)),
        tensor_cycles=sum(_tensor_cycles(i.opcode, warps) for i in products),
        wavefronts=sum(count for count in counts if count is not None),
        underived=sum(count is None for count in counts),
    )


def _tensor_cycles(opcode: str, warps: int) -> float:
    """Cycles of a multiprocessor's tensor cores for one product of every warp (HMMA) or every four warps (HGMMA)."""
    kind, shape, *types = opcode.split(".")
    rate = next(TENSOR_FLOPS[name] for name in types if name in TENSOR_FLOPS)
    if kind == "HGMMA":
        rows, columns, depth = (int(part) for part in shape.split("x"))
        return 2 * rows * columns * depth * (warps / 4) / rate
    depth = int(shape.removeprefix("168"))
    return 2 * 16 * 8 * depth * warps / rate / WARP_SHARE
