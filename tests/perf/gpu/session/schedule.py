"""The two commands for the first quarter of an hour on a GPU: their steps, and what they come to.

`first` asks whether everything works: bits at tiny size, a suite at two sizes of the stack with equal ledgers, rates of
steps; it stops at the first failure. `second` asks how good it is: bits, ratios to other ways of training, a
calibration, and the book's suite for as long as there is time. Both leave one JSON file and one of all output, with
predictions beside measurements. They need no network, no virtual environment and nothing that a build makes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from objectives.objective import PRECISIONS
from tests.perf.gpu.parts import part_names, step_of
from tests.perf.gpu.session.carry import unpack
from tests.perf.gpu.session.steps import Report, Step, run_steps
from tests.perf.gpu.session.verdict import exit_code, verdicts

SECONDS = {"first": 430.0, "second": 300.0}
"""Each command ends within this time, whatever its steps do."""
RESERVE = 5.0
"""Of this, for what comes before and after the steps."""
BEST = next(name for name in ("bf16x6", "ieee") if name in PRECISIONS)
"""The fastest precision that agrees with float32."""
TINY_SUITE = Path(__file__).with_name("tiny.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a command runs.

    Attributes:
        interpreted: in Triton's interpreter on the CPU, everything at tiny size.
        data: folder of Fashion-MNIST; None for random images.
        work: folder for results of suites.
        out: folder of the report.
    """

    interpreted: bool
    data: Path | None
    work: Path
    out: Path

    def part(self, name: str, size: str) -> Step:
        """A part of the measurements; none is larger than tiny in the interpreter."""
        device, size = ("cpu", "tiny") if self.interpreted else ("cuda", size)
        return step_of(name, size=size, device=device, data=None if self.interpreted else self.data)

    def benchmark(self, verb: str, suite: str, *options: str) -> tuple[str, ...]:
        """A command of `python -m benchmark` on the device."""
        if self.interpreted:
            return (sys.executable, "-m", "tests.perf.gpu", "interpreted", verb, str(TINY_SUITE), *options)
        data = ("--data", str(self.data)) if self.data else ()
        return (sys.executable, "-m", "benchmark", verb, suite, "--device", "cuda", *data, *options)

    def own(self, command: str, *options: str) -> tuple[str, ...]:
        """Another command of this package."""
        return (sys.executable, "-m", "tests.perf.gpu", command, *options)

    def results(self, name: str) -> str:
        return str(self.work / name)


def first(place: Place) -> Iterator[Step]:
    """Bits at tiny size, the whole harness at two sizes of the stack, rates."""
    for name in part_names():
        if name.startswith("bits/"):
            yield place.part(name, "tiny")
    one, seven = place.results("stack-1"), place.results("stack-7")
    for size, results in (("1", one), ("7", seven)):
        command = place.benchmark("run", "smoke", "--stack", size, "--results", results, "--quiet")
        yield Step(name=f"smoke/stack {size}", command=command, limit=90)
    yield Step(name="ledgers/smoke", command=place.own("ledgers", one, seven), limit=30)
    rates = [name for name in part_names() if name.startswith("rates/")]
    for name in sorted(rates, key=lambda name: not name.endswith(BEST)):
        yield place.part(name, "quick")


def second(place: Place) -> Iterator[Step]:
    """Bits, ratios, whole comparisons, a calibration, the book's suite."""
    for name in part_names():
        if name.startswith("bits/") and name.endswith(("philox", "digits", BEST)):
            yield place.part(name, "quick")
    for name in part_names():
        if name.startswith("ratios/") or (name.startswith("comparison/") and name.endswith(BEST)):
            yield place.part(name, "quick")
    effort = ("--configs", "3" if place.interpreted else "12", "--rounds", "1" if place.interpreted else "3")
    calibration = place.out / "calibration.toml"
    command = place.benchmark("calibrate", "book", "--name", "measured", "--out", str(calibration), *effort)
    yield Step(name="calibration", command=command, limit=60)
    results = place.results("book")
    command = place.benchmark("run", "book", "--set", "repetitions=10", "--results", results, "--quiet")
    yield Step(name="book", command=command, limit=SECONDS["second"], may_run_out=True)
    yield Step(name="ledgers/book", command=place.own("ledgers", results), limit=30)


STEPS = {"first": first, "second": second}


def main(arguments: list[str]) -> int:
    """Run the steps of "first" or "second"; the exit code is 1 where bits differ or a step fails."""
    started = time.perf_counter()
    parser = argparse.ArgumentParser(prog="tests.perf.gpu session", description=__doc__, allow_abbrev=False)
    parser.add_argument("command", choices=list(STEPS))
    parser.add_argument("--out", type=Path, required=True, help="folder of the report and of all output")
    parser.add_argument("--carried", type=Path, help="folder that `carry` has prepared")
    parser.add_argument("--interpret", action="store_true", help="without a GPU: everything at tiny size, interpreted")
    parsed = parser.parse_args(arguments)
    command = parsed.command
    parsed.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="incumbent-") as folder:
        carried = unpack(parsed.carried, Path(folder))
        print(f"carried: {', '.join(f'{name} {value}' for name, value in carried.content.items()) or 'nothing'}")
        environment = {**os.environ, **carried.environment}
        if parsed.interpret:
            environment["TRITON_INTERPRET"] = "1"
        place = Place(interpreted=parsed.interpret, data=carried.data, work=Path(folder), out=parsed.out.absolute())
        limit = None if parsed.interpret else SECONDS[command] - RESERVE - (time.perf_counter() - started)
        report = Report(
            parsed.out / f"{command}.json",
            command=command,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            interpreted=parsed.interpret,
            images="fashion_mnist" if carried.data else "random images of Fashion-MNIST's shape",
            carried=carried.content,
        )
        options = ("--interpret",) if parsed.interpret else ()
        steps = [Step(name="machine", command=place.own("machine", *options), limit=120), *STEPS[command](place)]
        log = parsed.out / f"{command}.log"
        run_steps(steps, report, log=log, environment=environment, seconds=limit, stop_at_failure=command == "first")
        report.content["kernels_compiled_here"] = carried.count_new_kernels()
    report.content["seconds"] = round(time.perf_counter() - started, 1)
    report.content["verdict"] = verdicts(report.steps)
    report.save()
    for subject, verdict in report.content["verdict"].items():
        print(f"{subject}: {verdict}")
    print(f"wrote {report.path} after {report.content['seconds']} s")
    return exit_code(report.steps)
