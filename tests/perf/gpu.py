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
import statistics
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))

from objectives.classification import ImageClassification
from objectives.data import Images, Split, load_splits
from objectives.dropout_mlp import DropoutMLP
from objectives.lenet import LeNet
from objectives.objective import Machine
from objectives.softmax import SoftmaxRegression
from objectives.space import Config
from tests.perf import gpu_bits
from tests.perf.gpu_rivals import Batched, Tight, Wave, batch_of

OBJECTIVES: dict[str, type[ImageClassification]] = {
    "softmax": SoftmaxRegression,
    "lenet": LeNet,
    "dropout_mlp": DropoutMLP,
}
TRIALS = 2000
CHAIN = {"softmax": 600_000, "lenet": 112_000, "dropout_mlp": 523_000}
"""Steps that a sequential searcher's 20 trials take one after the other (on average over batch sizes)."""
FLOORS = {
    "softmax": {"fp32_s": 0.54, "tf32_s": 0.08, "weight_traffic_s": 1.3},
    "lenet": {"fp32_s": 48.0, "tf32_s": 7.2, "weight_traffic_s": 1.9},
    "dropout_mlp": {"fp32_s": 347.0, "tf32_s": 52.0, "weight_traffic_s": 99.0},
}
"""Floors of all 2000 trials on an H200: at 60 and 400 TFLOP/s, and at 4.3 TB/s with three passes over the weights."""
TARGETS = {
    "softmax": {"tight": 150, "vmap": 10, "seconds": 60},
    "lenet": {"tight": 12, "vmap": 2.5, "seconds": 360},
    "dropout_mlp": {"tight": 40, "vmap": 5, "seconds": 600},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured.

    Attributes:
        rounds: of the interleaved comparisons.
        configs: that every side of a ratio trains.
        tight_steps: most steps of one configuration of the tight loop in a round.
        wave_steps: of torch.func in a round.
        refills: trials of the measured part of a comparison, in stacks.
        images: training, validation and test images of the timed parts; None for all.
        capacity: slots; None for the stack's own number.
        bits: what `gpu_bits` checks.
    """

    rounds: int = 5
    configs: int = 8
    tight_steps: int = 150
    wave_steps: int = 20
    refills: int = 4
    images: tuple[int, int, int] | None = None
    capacity: int | None = None
    bits: gpu_bits.Extent = gpu_bits.FULL


FULL = Size()
QUICK = Size(rounds=3, configs=4, tight_steps=60, wave_steps=10, refills=2, bits=gpu_bits.QUICK)
TINY = Size(
    rounds=1, configs=1, tight_steps=2, wave_steps=1, refills=1, images=(12, 4, 4), capacity=1, bits=gpu_bits.TINY
)


class Bench:
    """The measurements on one device."""

    def __init__(self, machine: Machine, size: Size) -> None:
        self.machine, self.size, self.device = machine, size, torch.device(machine.device)
        self.real = machine.data is not None
        self.split = self._split()
        train = self.split.train
        self.images = Images(x=train.x.to(self.device), y=train.y.to(self.device))

    def seconds(self, work: Callable[[], object]) -> float:
        """Wall time, the device idle at both ends."""
        self.wait()
        started = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - started

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def stack(self, name: str, precision: str = "ieee", capacity: int | None = None) -> Any:
        from objectives.stacks.gpu import gpu_stack

        objective = OBJECTIVES[name](data="fashion_mnist")
        return gpu_stack(objective, self.machine, capacity or self.size.capacity, precision, split=self.split)

    def configs(self, name: str, count: int, seed: int = 0) -> list[Config]:
        space, rng = OBJECTIVES[name](data="fashion_mnist").space, np.random.default_rng(seed)
        return [space.sample(rng) for _ in range(count)]

    def comparison(self, name: str, precision: str) -> dict[str, Any]:
        """One epoch of fresh random trials through refills: rate, occupancy, and the whole comparison from it."""
        objective, stack = OBJECTIVES[name](data="fashion_mnist"), self.stack(name, precision)
        warm_up(stack, self.configs(name, 1, seed=9))
        stack.work.steps, stack.work.useful, stack.work.spent, stack.slot_steps = 0, 0.0, 0.0, 0
        configs = self.configs(name, self.size.refills * stack.capacity, seed=1)
        spent = self.seconds(lambda: one_epoch_each(stack, configs))
        steps = self._steps(configs)
        waves = sum(max(steps[at : at + stack.capacity]) for at in range(0, len(steps), stack.capacity))
        epoch = spent / len(configs)
        bound = epoch * TRIALS * objective.max_epochs
        chain = CHAIN[name] * spent / stack.work.steps
        return {
            "measured": f"{len(configs)} random trials of 1 epoch, admission and evaluation included, in {spent:.2f} s",
            "capacity": stack.capacity,
            "steps_a_replay": stack.quantum,
            "seconds_a_trial_epoch": epoch,
            "extrapolated_by_rate_s": bound,
            "extrapolated_by_chain_s": chain,
            "extrapolated_2000_trials_s": max(bound, chain),
            "target_s": TARGETS[name]["seconds"],
            "useful_rows_and_widths": stack.work.useful / stack.work.spent,
            "live_share": stack.slot_steps / (stack.work.steps * stack.capacity),
            "static_waves_over_refilled_steps": waves / stack.work.steps,
            "floors_of_2000_trials": FLOORS[name],
        }

    def ratios(self, name: str) -> dict[str, Any]:
        """Seconds a trial and epoch: the stack, a tight loop, torch.func in waves; medians of rounds' ratios."""
        stack, configs = self.stack(name), self.configs(name, self.size.configs)
        several = (configs * -(-2 * stack.capacity // len(configs)))[: 2 * stack.capacity]
        wave_slots = min(len(several), stack.capacity, 64)
        wave = Wave(name, several[:wave_slots], greatest(name), self.images)
        tights = [Tight(name, config, self.images) for config in configs]
        steps = self._steps(configs)
        sides: dict[str, Callable[[], float]] = {
            "tight": lambda: self._tight(tights, steps),
            "vmap": lambda: self._wave(wave, max(steps)) / wave_slots,
            "stack": lambda: self.seconds(lambda: one_epoch_each(stack, several)) / len(several),
        }
        for side in sides.values():
            side()
        measured: dict[str, list[float]] = {key: [] for key in sides}
        for _ in range(self.size.rounds):
            for key, side in sides.items():
                measured[key].append(side())
        return {
            "seconds_a_trial_epoch": {key: spread(values) for key, values in measured.items()},
            "ratio": {
                rival: spread([a / b for a, b in zip(measured[rival], measured["stack"], strict=True)])
                for rival in ("tight", "vmap")
            },
            "target": TARGETS[name],
            "slots": {"stack": stack.capacity, "vmap": wave_slots},
            "note": f"stack: with admission and evaluation; rivals: steps alone; "
            f"at most {self.size.tight_steps} (tight) and {self.size.wave_steps} (vmap) steps of an epoch measured",
        }

    def _steps(self, configs: list[Config]) -> list[int]:
        """Steps of an epoch of each."""
        return [-(-len(self.split.train) // batch_of(config)) for config in configs]

    def _tight(self, loops: list[Tight], steps: list[int]) -> float:
        """Mean seconds of an epoch, from a part of its steps."""
        total = 0.0
        for loop, whole in zip(loops, steps, strict=True):
            part = min(self.size.tight_steps, whole)
            total += self.seconds(lambda loop=loop, part=part: loop.steps(part)) / part * whole  # type: ignore[misc]
        return total / len(loops)

    def _wave(self, wave: Wave, steps: int) -> float:
        """Seconds of an epoch of the wave: its longest trial's steps."""
        count = self.size.wave_steps
        return self.seconds(lambda: times(count, wave.step)) / count * steps

    def rates(self, name: str, precision: str) -> dict[str, Any]:
        """Steady training steps of a full stack: achieved FLOP/s, and bytes/s of three passes over the weights."""
        stack = self.stack(name, precision)
        configs = self.configs(name, stack.capacity, seed=2)
        spent, steps = self._steady(stack, configs)
        useful = computed = values = 0.0
        for slot in stack._slots:
            asked, padded = stack.network.multiply_adds(slot.batch, slot.widths)
            useful, computed = useful + asked * steps, computed + padded * steps
            values += steps * sum(shape.numel() for shape in slot.shapes)
        return {
            "steps": steps,
            "microseconds_a_step": spent / steps * 1e6,
            "useful_tflops": 2 * useful / spent / 1e12,
            "computed_tflops": 2 * computed / spent / 1e12,
            "weight_terabytes_a_second": 3 * 4 * values / spent / 1e12,
        }

    def _steady(self, stack: Any, configs: list[Config], rounds: int = 5) -> tuple[float, int]:
        """Median seconds of a round of replays with every slot live, and its steps."""
        for number, config in enumerate(configs):
            stack.admit(number, config, np.random.SeedSequence(number))
        rows = len(self.split.train)
        fewest = min(-(-rows // batch_of(config)) for config in configs)
        replays = max(1, min(fewest // stack.quantum, 64 // stack.quantum))
        with stack._on_device():
            stack._prepare()
            spent = []
            for _ in range(rounds):
                stack._begin_epochs()  # Back to the beginning of the epoch: the host's positions have not moved.
                spent.append(self.seconds(lambda: times(replays, stack._launch["steps"])))
        return statistics.median(spent), replays * stack.quantum

    def price(self, name: str) -> dict[str, Any]:
        """Equal trials, the one case that cuBLAS's batched products can take: microseconds a step of each."""
        config, widths = uniform(name)
        found: dict[str, float] = {}
        for precision in ("ieee", "tf32x3", "tf32"):
            stack = self.stack(name, precision)
            spent, steps = self._steady(stack, [config] * stack.capacity)
            found[f"stack_{precision}"] = spent / steps * 1e6
        train = stack.images.train
        for key, allowed in (("cublas_fp32", False), ("cublas_tf32", True)):
            with tensor_cores(allowed):
                batched = Batched(widths, batch_of(config), stack.capacity, train.u, train.labels)
                step = self._graph(batched.step)
                found[key] = statistics.median(self.seconds(step) for _ in range(9)) / 10 * 1e6
        return {
            "microseconds_a_step": found,
            "price_fp32": found["stack_ieee"] / found["cublas_fp32"] - 1,
            "price_tf32": found["stack_tf32"] / found["cublas_tf32"] - 1,
            "slots": stack.capacity,
            "config": config,
            "target": 0.15,
        }

    def _graph(self, step: Callable[[], None]) -> Callable[[], None]:
        """Ten steps, as a graph on a GPU."""
        from objectives.stacks.gpu.stack import captured

        def ten() -> None:
            times(10, step)

        if self.device.type != "cuda":
            return ten
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call,unused-ignore]
        with torch.cuda.stream(side):
            ten()
        self.wait()
        return captured(ten)

    def _split(self) -> Split:
        if self.real:
            split = load_splits("fashion_mnist", "standard", None, replace(self.machine, device="cpu"))[0]
            sizes = self.size.images
            if sizes is None:
                return split
            parts = (
                part.take(np.arange(n)) for part, n in zip((split.train, split.valid, split.test), sizes, strict=True)
            )
        else:
            parts = (noise(n, seed) for seed, n in enumerate(self.size.images or (50_000, 10_000, 10_000)))
        train, valid, test = parts
        return Split(train=train, valid=valid, test=test)


def noise(count: int, seed: int) -> Images:
    """Random images of Fashion-MNIST's shape."""
    rng = np.random.default_rng(seed)
    u = rng.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8)
    return Images(x=torch.from_numpy((u / 255.0).astype(np.float32)), y=torch.from_numpy(rng.integers(0, 10, count)))


def one_epoch_each(stack: Any, configs: list[Config]) -> None:
    """Train every configuration for an epoch, refilling slots as they come free."""
    waiting = list(enumerate(configs))[::-1]
    while waiting or stack.free < stack.capacity:
        while waiting and stack.free:
            number, config = waiting.pop()
            stack.admit(number, config, np.random.SeedSequence(number))
        for ticket, epoch in stack.advance():
            if not epoch.diverged:
                stack.pause(ticket)


def warm_up(stack: Any, configs: list[Config]) -> None:
    one_epoch_each(stack, configs)


def greatest(name: str) -> Config:
    """The configuration of the greatest batch and widths of the space."""
    space = OBJECTIVES[name](data="fashion_mnist").space
    return {key: axis["high"] for key, axis in space.describe().items()}


def uniform(name: str) -> tuple[Config, list[int]]:
    """A configuration, and its widths from the pixels to the classes."""
    if name == "softmax":
        return {"learning_rate": 0.01}, [784, 10]
    config: Config = {"num_hiddens_1": 512, "num_hiddens_2": 512, "dropout_1": 0.5, "dropout_2": 0.5, "lr": 0.01}
    return {**config, "batch_size": 256}, [784, 512, 512, 10]


class tensor_cores:
    """TF32 in PyTorch's own products and convolutions, or not; put back at the end."""

    def __init__(self, allowed: bool) -> None:
        self.allowed = allowed

    def __enter__(self) -> None:
        self.before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.allowed

    def __exit__(self, *_: object) -> None:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = self.before


def times(count: int, work: Callable[[], None]) -> None:
    for _ in range(count):
        work()


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values)}


def parts_of(bench: Bench) -> dict[str, Callable[[], Any]]:
    """Everything that is measured, by name, the most important first."""
    parts: dict[str, Callable[[], Any]] = {}
    parts["bits/philox"] = lambda: gpu_bits.philox(bench.machine.device)
    for name in OBJECTIVES:
        parts[f"bits/{name}/digits"] = lambda name=name: gpu_bits.contract(  # type: ignore[misc]
            OBJECTIVES[name](data="digits"), bench.machine, bench.size.bits
        )
        parts[f"bits/{name}/large"] = lambda name=name: gpu_bits.contract(  # type: ignore[misc]
            OBJECTIVES[name](data="fashion_mnist"), bench.machine, bench.size.bits, noise
        )
    for name in OBJECTIVES:
        parts[f"ratios/{name}"] = lambda name=name: bench.ratios(name)  # type: ignore[misc]
    for kind, measure in (("comparison", bench.comparison), ("rates", bench.rates)):
        for name in OBJECTIVES:
            for precision in ("ieee", "tf32x3", "tf32"):
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
    report = {"machine": card(device), "date": datetime.now(UTC).date().isoformat(), "size": repr(size), "parts": {}}
    report["images"] = "fashion_mnist" if parsed.data else "random images of Fashion-MNIST's shape"
    path = parsed.out / f"perf-{slug(str(report['machine']['device']))}.json"  # type: ignore[index]
    parsed.out.mkdir(parents=True, exist_ok=True)
    with tensor_cores(False):
        run(parts_of(Bench(machine, size)), parsed.only, report, path)
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


if __name__ == "__main__":
    sys.exit(main())
