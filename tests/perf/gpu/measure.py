"""Training on a GPU: bit checks, ratios to a tight loop and to torch.func, achieved rates, the contract's price.

One run of a few minutes: `python -m tests.perf.gpu --out FOLDER [--data FOLDER] [--quick]`. It writes
perf-<device>.json and prints tables. Without Fashion-MNIST (--data) the timed parts train on random
images of its shape, which take the same time; the report says which. Every part is guarded: one that fails
leaves its traceback in the report. `--tiny` runs every part on a few images; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from objectives.objective import Machine
from objectives.stacks.gpu import PRECISIONS
from tests.perf.gpu import bit_checks
from tests.perf.gpu.bench import FULL, OBJECTIVES, QUICK, TARGETS, TINY, Bench, noise, tensor_cores


def parts_of(bench: Bench) -> dict[str, Callable[[], Any]]:
    """Everything that is measured, by name, the most important first."""
    parts: dict[str, Callable[[], Any]] = {}
    parts["bits/philox"] = lambda: bit_checks.philox(bench.machine.device)
    for name in OBJECTIVES:
        parts[f"bits/{name}/digits"] = lambda name=name: bit_checks.contract(  # type: ignore[misc]
            OBJECTIVES[name](data="digits"), bench.machine, replace(bench.size.bits, precisions=("ieee",))
        )
        parts[f"bits/{name}/large"] = lambda name=name: bit_checks.contract(  # type: ignore[misc]
            OBJECTIVES[name](data="fashion_mnist"), bench.machine, bench.size.bits, noise
        )
    for name in OBJECTIVES:
        parts[f"ratios/{name}"] = lambda name=name: bench.ratios(name)  # type: ignore[misc]
    for kind, measure in (("comparison", bench.comparison), ("rates", bench.rates)):
        for name in OBJECTIVES:
            for precision in PRECISIONS:
                parts[f"{kind}/{name}/{precision}"] = lambda f=measure, a=name, b=precision: f(a, b)  # type: ignore[misc]
    for name in ("softmax", "dropout_mlp"):
        parts[f"price/{name}"] = lambda name=name: bench.price(name)  # type: ignore[misc]
    return parts


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write; exit code 2 without a CUDA device."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--out", type=Path, required=True, help="folder of perf-<device>.json")
    parser.add_argument("--data", type=Path, default=None, help="folder with FashionMNIST/raw")
    parser.add_argument(
        "--only", nargs="*", default=[""], help="beginnings of the parts' names, such as bits ratios/lenet"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds and trials")
    parser.add_argument("--tiny", action="store_true", help="a few images on any device: only to see that it runs")
    parsed = parser.parse_args(arguments)
    if not torch.cuda.is_available() and not parsed.tiny:
        print("tests.perf.gpu: no CUDA device here (--tiny runs in Triton's interpreter)", file=sys.stderr)
        return 2
    device = "cuda" if torch.cuda.is_available() else "cpu"
    size = TINY if parsed.tiny else QUICK if parsed.quick else FULL
    machine = Machine(device=device, data=parsed.data)
    report: dict[str, Any] = {
        "machine": card(device),
        "date": datetime.now(UTC).date().isoformat(),
        "size": repr(size),
        "parts": {},
    }
    report["images"] = "fashion_mnist" if parsed.data else "random images of Fashion-MNIST's shape"
    path = parsed.out / f"perf-{slug(str(report['machine']['device']))}.json"
    parsed.out.mkdir(parents=True, exist_ok=True)
    with tensor_cores(False):
        run(parts_of(Bench(machine, size)), parsed.only, report, path)
    print_table(report["parts"])
    print(f"wrote {path}")
    return 0


def run(parts: dict[str, Callable[[], Any]], only: list[str], report: dict[str, Any], path: Path) -> None:
    """Run every chosen part; what one leaves is written before the next begins."""
    for name, part in parts.items():
        if not any(name.startswith(beginning) for beginning in only):
            continue
        started = time.perf_counter()
        try:
            found = part()
        except Exception as error:  # The other parts' figures must not be lost.
            found = {"failed": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()}
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        report["parts"][name] = found
        path.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
        brief = {key: value for key, value in found.items() if key != "traceback"}
        print(f"{name} ({time.perf_counter() - started:.1f} s)\n  {json.dumps(brief)}", flush=True)


def print_table(parts: dict[str, Any]) -> None:
    """One line an objective and precision: ratios to the rivals and the whole comparison, with the targets."""
    print(f"\n{'':24s}{'to tight':>16s}{'to vmap':>16s}{'2000 trials':>18s}{'useful':>8s}{'waves/refill':>14s}")
    for name, target in TARGETS.items():
        for precision in PRECISIONS:
            ratio = parts.get(f"ratios/{name}", {}).get("ratio", {}).get(precision)
            whole = parts.get(f"comparison/{name}/{precision}", {})
            line = f"{name + ' ' + precision:24s}"
            for rival in ("tight", "vmap"):
                line += f"{ratio[rival]['median']:8.1f} (>={target[rival]:4g})" if ratio else f"{'-':>16s}"
            if "live_share" in whole:
                useful = whole["useful_rows_and_widths"] * whole["live_share"]
                line += f"{whole['extrapolated_2000_trials_s']:8.0f} s (<={target['seconds']:4g})"
                line += f"{useful:8.2f}{whole['static_waves_over_refilled_steps']:14.2f}"
            print(line)


def card(device: str) -> dict[str, Any]:
    """What the figures belong to."""
    import triton  # type: ignore[import-untyped,unused-ignore]

    found: dict[str, Any] = {
        "torch": torch.__version__,
        "triton": triton.__version__,
        "python": platform.python_version(),
    }
    if device == "cpu":
        return {**found, "device": "interpreter"}
    properties = torch.cuda.get_device_properties(0)
    return {
        **found,
        "device": properties.name,
        "multiprocessors": properties.multi_processor_count,
        "cuda": torch.version.cuda,
        "tf32_of_rivals": False,
    }


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
