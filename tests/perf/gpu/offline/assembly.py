"""Reads the assembly of a compiled kernel: instructions, loops, registers, spills."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx as nx

LABEL = re.compile(r"^(\.L_x_\d+):")
INSTRUCTION = re.compile(r"^\s+/\*[0-9a-f]{4,}\*/\s+(?:@(!?U?P[T0-9]+)\s+)?([A-Z][A-Za-z0-9_.]*)\s*(.*?)\s*;")
TARGET = re.compile(r"\.L_x_\d+")
RESOURCES = re.compile(r"REG:(\d+) STACK:(\d+)")
ENDS = ("EXIT", "RET", "KILL", "BPT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One machine instruction, with the predicate that guards it and its operands as they are written."""

    opcode: str
    operands: tuple[str, ...]
    predicate: str | None = None

    @property
    def kind(self) -> str:
        """Return the opcode without its modifiers."""
        return self.opcode.partition(".")[0]

    @property
    def bits(self) -> int:
        """Return the width of a memory access: of one lane."""
        for width in (128, 64, 16, 8):
            if {str(width), f"U{width}", f"S{width}"} & set(self.opcode.split(".")):
                return width
        return 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Loop:
    """A natural loop.

    Attributes:
        own: numbers of its instructions, without those of the loops in it.
        inside: number of the loop around it, None for an outermost one.
    """

    own: tuple[int, ...]
    inside: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """A kernel's instructions.

    Attributes:
        instructions: in the order of their addresses.
        straight: numbers of those that are in no loop and can be reached.
        loops: in the order of their first instructions, an outer one before those in it.
        registers: of a thread.
        stack: bytes of a thread's stack, to which registers are spilled.
    """

    instructions: Sequence[Instruction]
    straight: Sequence[int]
    loops: Sequence[Loop]
    registers: int
    stack: int


def disassemble(cubin: bytes) -> Assembly:
    """Read a binary with the disassemblers that come with Triton."""
    from triton import knobs  # type: ignore[import-untyped,unused-ignore]

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "kernel.cubin")
        path.write_bytes(cubin)
        text = _call(knobs.nvidia.nvdisasm.path, "-c", str(path))
        resources = RESOURCES.search(_call(knobs.nvidia.cuobjdump.path, "--dump-resource-usage", str(path)))
    assert resources is not None
    return parse_assembly(text, registers=int(resources[1]), stack=int(resources[2]))


def _call(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def parse_assembly(text: str, *, registers: int = 0, stack: int = 0) -> Assembly:
    """Read nvdisasm's text of one kernel."""
    labels: dict[str, int] = {}
    instructions: list[Instruction] = []
    for line in text.splitlines():
        if label := LABEL.match(line):
            labels[label[1]] = len(instructions)
        elif found := INSTRUCTION.match(line):
            operands = tuple(part.strip() for part in found[3].split(",")) if found[3] else ()
            instructions.append(Instruction(opcode=found[2], operands=operands, predicate=found[1]))
    graph = _flow(instructions, labels)
    loops = list(_loops(graph))
    looped = {number for loop in loops for number in loop.own}
    return Assembly(
        instructions=instructions,
        straight=[number for number in sorted(graph) if number not in looped],
        loops=loops,
        registers=registers,
        stack=stack,
    )


def _flow(instructions: Sequence[Instruction], labels: dict[str, int]) -> nx.DiGraph[int]:
    """Build the graph of what may be executed after what, as far as the entry reaches."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_node(0)
    for number, instruction in enumerate(instructions):
        for following in _successors(number, instruction, labels):
            if following < len(instructions):
                graph.add_edge(number, following)
    return graph.subgraph({0} | nx.descendants(graph, 0))


def _successors(number: int, instruction: Instruction, labels: dict[str, int]) -> Iterator[int]:
    guarded = instruction.predicate not in (None, "PT")
    jumps = instruction.kind in ("BRA", "UBRA", "JMP")
    if jumps:
        target = TARGET.search(" ".join(instruction.operands))
        if target:
            yield labels[target[0]]
        conditional = guarded or len(instruction.operands) > 1
        if not conditional:
            return
    if instruction.kind in ENDS and not guarded:
        return
    yield number + 1


def _loops(graph: nx.DiGraph[int]) -> Iterator[Loop]:
    """Find the natural loops: of every edge back to an instruction that all ways to the edge pass."""
    bodies: dict[int, set[int]] = {}
    dominators = nx.immediate_dominators(graph, 0)
    for source, header in graph.edges:
        if header <= source and _dominates(header, source, dominators):
            bodies.setdefault(header, {header}).update(_body(graph, header, source))
    ordered = sorted(bodies.values(), key=lambda body: (min(body), -len(body)))
    for number, body in enumerate(ordered):
        around = [n for n, other in enumerate(ordered) if n != number and body < other]
        within = set().union(*(other for other in ordered if other < body))
        inside = min(around, key=lambda n: len(ordered[n]), default=None)
        yield Loop(own=tuple(sorted(body - within)), inside=inside)


def _dominates(header: int, number: int, dominators: dict[int, int]) -> bool:
    while number not in (header, 0):
        number = dominators[number]
    return number == header


def _body(graph: nx.DiGraph[int], header: int, source: int) -> set[int]:
    found, waiting = {header}, [source]
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting.extend(graph.predecessors(number))
    return found
