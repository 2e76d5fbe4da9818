"""The parts of the GPU's measurements by name, and the process that carries one of them out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from objectives.objective import PRECISIONS
from tests.perf.gpu.session.steps import Step
from tests.perf.gpu.session.verdict import leave_checks
from tests.perf.gpu.sizes import NAMES, SIZES

if TYPE_CHECKING:
    from tests.perf.gpu.bench import Bench


def part_names() -> Iterator[str]:
    """Every part, the most important first."""
    yield "bits/philox"
    for name in NAMES:
        yield f"bits/{name}/digits"
        yield from (f"bits/{name}/large/{precision}" for precision in PRECISIONS)
    yield from (f"ratios/{name}" for name in NAMES)
    for kind in ("comparison", "rates"):
        yield from (f"{kind}/{name}/{precision}" for name in NAMES for precision in PRECISIONS)
    yield from ("price/softmax", "price/dropout_mlp")


def step_of(name: str, *, size: str, device: str, data: Path | None) -> Step:
    """The part as a step of its own process."""
    command = [sys.executable, "-m", "tests.perf.gpu", "part", name, "--size", size, "--device", device]
    if data is not None:
        command += ["--data", str(data)]
    return Step(name=name, command=tuple(command), limit=SIZES[size].limit)


def main(arguments: list[str]) -> int:
    """Carry out one part and leave its result; exit code 1 where bits differ."""
    parser = argparse.ArgumentParser(prog="tests.perf.gpu part", allow_abbrev=False)
    parser.add_argument("name", choices=list(part_names()), metavar="NAME")
    parser.add_argument("--size", choices=list(SIZES), default="quick")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--data", type=Path)
    parsed = parser.parse_args(arguments)
    from objectives.objective import Machine
    from tests.perf.gpu.bench import Bench, tensor_cores

    with tensor_cores(False):
        bench = Bench(Machine(device=parsed.device, data=parsed.data), SIZES[parsed.size])
        return leave_checks(work_of(parsed.name)(bench))


def work_of(part: str) -> Callable[[Bench], dict[str, Any]]:
    """What a part does, given the device's bench."""
    from tests.perf.gpu import bit_checks, rival_timings
    from tests.perf.gpu.bench import OBJECTIVES, noise

    kind, name, *rest = part.split("/")
    if part == "bits/philox":
        return lambda bench: bit_checks.philox(bench.machine.device)
    if kind == "bits":
        large = rest[0] == "large"
        objective = OBJECTIVES[name](data="fashion_mnist" if large else "digits")
        precision, drawn = (rest[1], noise) if large else (PRECISIONS[0], None)
        return lambda bench: bit_checks.contract(objective, bench.machine, bench.size.bits, precision, drawn)
    if kind in ("ratios", "price"):
        measure = rival_timings.ratios if kind == "ratios" else rival_timings.price
        return lambda bench: measure(bench, name)
    return lambda bench: getattr(bench, kind)(name, rest[0])
