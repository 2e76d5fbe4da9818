"""The two commands for the first quarter of an hour on a GPU: their steps, and what they come to.

`first` asks whether everything works: bits at small size, what `doctor` finds, a suite at two sizes of the stack with
equal ledgers, rates of steps; it stops at the first failure. `second` asks how good it is: bits, ratios to other ways
of training, a calibration, and the book's suite for as long as there is time. Both leave one JSON file and one of all
output, with predictions beside measurements. They need no network, no virtual environment and nothing built.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from objectives.objective import PRECISIONS
from tests.perf.gpu.parts import part_names, step_of
from tests.perf.gpu.session.carry import Carried, unpack
from tests.perf.gpu.session.predictions import beside_measurements, comparison_table, read_predictions
from tests.perf.gpu.session.steps import Report, Step, run_steps
from tests.perf.gpu.session.verdict import conclude

SECONDS = {"first": 430.0, "second": 300.0}
"""Each command ends within this time, whatever its steps do."""
READING = 20.0
"""Of this, for reading what the last suite has recorded."""
PREDICTIONS = Path(__file__).parents[4] / "results" / "reference" / "gpu" / "predictions.json"
TINY_SUITE = Path(__file__).with_name("tiny.toml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a command runs.

    Attributes:
        interpreted: in Triton's interpreter on the CPU, everything at tiny size.
        precisions: that the device has; the first one is the default there.
        data: folder of Fashion-MNIST; None for random images.
        work: folder for results of suites.
        out: folder of the report.
    """

    interpreted: bool
    precisions: tuple[str, ...] = PRECISIONS
    data: Path | None
    work: Path
    out: Path

    def parts(self, names: Iterable[str], size: str) -> Iterator[Step]:
        """Parts of the measurements.

        In the interpreter all are tiny, and of the two larger networks only the bits on digits are looked at: each of
        their other parts takes minutes there.
        """
        for name in names:
            if not self.interpreted:
                yield step_of(name, size=size, device="cuda", data=self.data)
            elif "/digits/" in name or "softmax" in name or name == "bits/philox":
                yield replace(step_of(name, size="tiny", device="cpu", data=None), limit=self.limit(0))

    def benchmark(self, verb: str, suite: str, *options: str) -> tuple[str, ...]:
        """A command of `python -m benchmark` on the device."""
        if self.interpreted:
            return (sys.executable, "-m", "tests.perf.gpu", "interpreted", verb, str(TINY_SUITE), *options)
        data = ("--data", str(self.data)) if self.data else ()
        return (sys.executable, "-m", "benchmark", verb, suite, "--device", "cuda", *data, *options)

    def own(self, command: str, *options: str) -> tuple[str, ...]:
        """Another command of this package."""
        return (sys.executable, "-m", "tests.perf.gpu", command, *options)

    def limit(self, seconds: float) -> float:
        """A step's limit; the interpreter takes as long as it takes."""
        return 3600.0 if self.interpreted else seconds

    def results(self, name: str) -> str:
        return str(self.work / name)


def first(place: Place) -> Iterator[Step]:
    """Bits at small size, routes and their checks, the whole harness at two sizes of the stack, rates."""
    best = place.precisions[0]
    names = list(part_names(place.precisions))
    bits = [name for name in names if name.startswith("bits/") and ("/digits/" not in name or name.endswith(best))]
    yield from place.parts(bits, "small")
    device = "cpu" if place.interpreted else "cuda"
    doctor = (sys.executable, "-m", "benchmark", "doctor", "--device", device)
    yield Step(name="doctor", command=doctor, limit=place.limit(90))
    one, seven = place.results("stack-1"), place.results("stack-7")
    for size, results in (("1", one), ("7", seven)):
        command = place.benchmark("run", "smoke", "--stack", size, "--results", results, "--quiet")
        yield Step(name=f"smoke/stack {size}", command=command, limit=place.limit(90))
    yield Step(name="ledgers/smoke", command=place.own("ledgers", one, seven), limit=place.limit(30))
    rates = [name for name in names if name.startswith("rates/")]
    yield from place.parts(sorted(rates, key=lambda name: not name.endswith(best)), "quick")


def second(place: Place) -> Iterator[Step]:
    """Bits, ratios, whole comparisons, a calibration, the book's suite."""
    names = [name for name in part_names(place.precisions[:1]) if not name.startswith(("rates/", "price/"))]
    yield from place.parts(names, "quick")
    configs, rounds, repetitions = (3, 1, 1) if place.interpreted else (12, 3, 10)
    effort = ("--configs", str(configs), "--rounds", str(rounds))
    calibration = place.out / "calibration.toml"
    calibration.unlink(missing_ok=True)  # A file that is there would be added to.
    command = place.benchmark("calibrate", "book", "--name", "measured", "--out", str(calibration), *effort)
    yield Step(name="calibration", command=command, limit=place.limit(60))
    results = place.results("book")
    command = place.benchmark("run", "book", "--set", f"repetitions={repetitions}", "--results", results, "--quiet")
    limit = place.limit(SECONDS["second"])
    yield Step(name="book", command=command, limit=limit, reserve=READING, may_run_out=True)
    yield Step(name="ledgers/book", command=place.own("ledgers", results), limit=place.limit(READING))


STEPS = {"first": first, "second": second}


def after_the_machine(place: Place, report: Report, steps: Callable[[Place], Iterator[Step]]) -> Iterator[Step]:
    """The step that describes the machine, then, if it can be used, those that follow from what it has."""
    options = ("--interpret",) if place.interpreted else ()
    yield Step(name="machine", command=place.own("machine", *options), limit=place.limit(60))
    machine = report.steps["machine"]
    if machine["outcome"] == "ok":
        yield from steps(replace(place, precisions=precisions_of(machine["result"])))


def precisions_of(machine: Mapping[str, Any]) -> tuple[str, ...]:
    """The precisions that a machine has: those of tensor cores from compute capability 8.0 on, bf16x6 the default."""
    if machine["device"] is None or machine["compute_capability"] < [8, 0]:
        return PRECISIONS[:1]
    return tuple(sorted(PRECISIONS, key=lambda name: name != "bf16x6"))


def main(arguments: list[str]) -> int:
    """Run the steps of "first" or "second"; the exit code is 1 where bits differ or a step fails."""
    started = time.perf_counter()
    parser = argparse.ArgumentParser(prog="tests.perf.gpu session", description=__doc__, allow_abbrev=False)
    parser.add_argument("command", choices=list(STEPS))
    parser.add_argument("--out", type=Path, required=True, help="folder of the report and of all output")
    parser.add_argument("--carried", type=Path, help="folder that `carry` has prepared")
    parser.add_argument("--interpret", action="store_true", help="without a GPU: everything at tiny size, interpreted")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="incumbent-") as folder:
        report = Report(
            parsed.out / f"{parsed.command}.json",
            command=parsed.command,
            started=datetime.now(UTC).isoformat(timespec="seconds"),
            interpreted=parsed.interpret,
        )
        try:
            report.save()
            carried = unpack(parsed.carried, Path(folder))
        except (OSError, ValueError) as error:
            parser.error(str(error))
        place = Place(interpreted=parsed.interpret, data=carried.data, work=Path(folder), out=parsed.out.absolute())
        run_command(parsed.command, place, carried, report, started)
    return conclude(report)


def run_command(command: str, place: Place, carried: Carried, report: Report, started: float) -> None:
    """Run the steps and put all that follows from them into the report."""
    report.content["carried"] = carried.content
    print(f"carried: {json.dumps(carried.content) if carried.content else 'nothing'}")
    run_steps(
        after_the_machine(place, report, STEPS[command]),
        report,
        log=place.out / f"{command}.log",
        environment=os.environ | carried.environment | ({"TRITON_INTERPRET": "1"} if place.interpreted else {}),
        seconds=None if place.interpreted else SECONDS[command] - (time.perf_counter() - started),
        stop_at_failure=command == "first",
    )
    rows = list(beside_measurements(read_predictions(PREDICTIONS), report.steps))
    print(comparison_table(rows))
    report.content |= {
        "kernels_compiled_here": carried.count_new_kernels(),
        "seconds": round(time.perf_counter() - started, 1),
        "predictions_beside_measurements": rows,
    }
