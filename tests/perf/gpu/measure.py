"""Training on a GPU: bit checks, ratios to a tight loop and to torch.func, achieved rates, the contract's price.

One run of a few minutes: `python -m tests.perf.gpu --out FOLDER [--data FOLDER] [--quick]`. It writes
perf-<device>.json, perf-<device>.log with all that the parts print, and a table. Without Fashion-MNIST (--data) the
timed parts train on random images of its shape, which take the same time; the report says which. Every part has a
process and a time limit of its own: one that fails, hangs or kills its process leaves its last lines in the report.
`--tiny` runs every part on a few images; its figures mean nothing. The last lines say whether bits are identical and
which parts failed; the exit code is 1 where bits differ or a part failed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from objectives.objective import PRECISIONS
from tests.perf.gpu.parts import part_names, step_of
from tests.perf.gpu.session.machine import describe_machine, slug
from tests.perf.gpu.session.steps import Report, run_steps
from tests.perf.gpu.session.verdict import conclude
from tests.perf.gpu.sizes import SIZES, TARGETS


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; exit code 2 without a CUDA device or for a part that there is not."""
    parser = argparse.ArgumentParser(prog="tests.perf.gpu", description=__doc__, allow_abbrev=False)
    parser.add_argument("--out", type=Path, required=True, help="folder of perf-<device>.json")
    parser.add_argument("--data", type=Path, default=None, help="folder with FashionMNIST/raw")
    parser.add_argument(
        "--only", nargs="*", default=[""], help="beginnings of the parts' names, such as bits ratios/lenet"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and trials")
    parser.add_argument("--tiny", action="store_true", help="a few images on any device: only to see that it runs")
    parsed = parser.parse_args(arguments)
    names = [name for name in part_names() if name.startswith(tuple(parsed.only))]
    if not names:
        parser.error(f"--only {' '.join(parsed.only)}: no part has such a name; they are {', '.join(part_names())}")
    size = "tiny" if parsed.tiny else "quick" if parsed.quick else "full"
    machine = describe_machine()
    if machine["device"] is None and not parsed.tiny:
        print("tests.perf.gpu: no CUDA device here (--tiny runs in Triton's interpreter)", file=sys.stderr)
        return 2
    return measure(names, size, machine, parsed.data, parsed.out)


def measure(names: list[str], size: str, machine: Mapping[str, Any], data: Path | None, out: Path) -> int:
    """Run the parts and print what they come to."""
    device, environment = ("cuda", {}) if machine["device"] else ("cpu", {"TRITON_INTERPRET": "1"})
    stem = out / f"perf-{slug(machine['device'] or 'interpreter')}"
    report = Report(
        stem.with_suffix(".json"),
        machine=dict(machine),
        date=datetime.now(UTC).date().isoformat(),
        size=repr(SIZES[size]),
        images="fashion_mnist" if data else "random images of Fashion-MNIST's shape",
    )
    report.save()
    steps = [step_of(name, size=size, device=device, data=data) for name in names]
    run_steps(steps, report, log=stem.with_suffix(".log"), environment={**os.environ, **environment})
    print_table({name: step.get("result", {}) for name, step in report.steps.items()})
    return conclude(report)


def print_table(results: Mapping[str, Mapping[str, Any]]) -> None:
    """One line an objective and precision: ratios to the rivals and the whole comparison, with the targets."""
    print(f"\n{'':24s}{'to tight':>16s}{'to vmap':>16s}{'2000 trials':>18s}{'useful':>8s}{'waves/refill':>14s}")
    for name, target in TARGETS.items():
        for precision in PRECISIONS:
            ratio = results.get(f"ratios/{name}/{precision}", {}).get("ratio")
            whole = results.get(f"comparison/{name}/{precision}", {})
            line = f"{name + ' ' + precision:24s}"
            for rival in ("tight", "vmap"):
                line += f"{ratio[rival]['median']:8.1f} (>={target[rival]:4g})" if ratio else f"{'-':>16s}"
            if "live_share" in whole:
                useful = whole["useful_multiply_adds"] * whole["live_share"]
                line += f"{whole['whole_s']:8.0f} s (<={target['seconds']:4g})"
                line += f"{useful:8.2f}{whole['static_waves_over_refilled_steps']:14.2f}"
            print(line)
