"""The parts of the GPU's measurements by name, and the process that carries one of them out."""

from __future__ import annotations

import argparse
import faulthandler
import signal
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


def part_names(precisions: tuple[str, ...] = PRECISIONS) -> Iterator[str]:
    """Every part, the most important first."""
    yield "bits/philox"
    for kind in ("digits", "large"):
        yield from (f"bits/{name}/{kind}/{precision}" for name in NAMES for precision in precisions)
    for kind in ("ratios", "comparison", "rates"):
        yield from (f"{kind}/{name}/{precision}" for name in NAMES for precision in precisions)
    yield from (f"price/{name}/{precision}" for name in ("softmax", "dropout_mlp") for precision in precisions)


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
    faulthandler.enable()
    faulthandler.register(signal.SIGTERM, chain=True)  # The output then says where a part hung that is ended.
    from objectives.objective import Machine
    from tests.perf.gpu.bench import Bench, tensor_cores

    with tensor_cores(False):
        bench = Bench(Machine(device=parsed.device, data=parsed.data), SIZES[parsed.size])
        return leave_checks(work_of(parsed.name)(bench))


def work_of(part: str) -> Callable[[Bench], dict[str, Any]]:
    """What a part does, given the device's bench."""
    from tests.objectives.stacks.gpu.trials import drawn
    from tests.perf.gpu import bit_checks, rival_timings
    from tests.perf.gpu.bench import OBJECTIVES

    if part == "bits/philox":
        return lambda bench: bit_checks.philox(bench.machine.device)
    kind, name, *rest = part.split("/")
    precision = rest[-1]
    if kind == "bits":
        digits = rest[0] == "digits"
        objective = OBJECTIVES[name](data="digits" if digits else "fashion_mnist")
        images = None if digits else drawn
        return lambda bench: bit_checks.contract(objective, bench.machine, bench.size.bits, precision, images)
    if kind in ("ratios", "price"):
        measure = rival_timings.ratios if kind == "ratios" else rival_timings.price
        return lambda bench: measure(bench, name, precision)
    return lambda bench: getattr(bench, kind)(name, precision)
