"""The timed parts of the GPU measurements: comparisons, ratios, rates, and the price of the bit contract."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from objectives.classification.base import ImageClassification
from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import PRECISIONS, Machine
from objectives.space import Config
from objectives.stacks.gpu import gpu_stack
from objectives.training.data import Images, Split, load_splits
from tests.perf.gpu import bit_checks
from tests.perf.gpu.rivals import Batched, Tight, Wave, batch_of

OBJECTIVES: dict[str, type[ImageClassification]] = {
    "softmax": SoftmaxRegression,
    "lenet": LeNet,
    "dropout_mlp": DropoutMLP,
}
TRIALS = 2000
CHAIN = 20
"""Trials that a sequential searcher trains one after the other."""
FLOORS: dict[str, dict[str, float]] = {
    "softmax": {"fp32_s": 0.54, "tf32_s": 0.08, "weight_traffic_s": 1.3},
    "lenet": {"fp32_s": 48.0, "tf32_s": 7.2, "weight_traffic_s": 1.9},
    "dropout_mlp": {"fp32_s": 347.0, "tf32_s": 52.0, "weight_traffic_s": 99.0},
}
"""Of all 2000 trials of 60 000 images on an H200: at 60 and 400 TFLOP/s; three passes over the weights at 4.3 TB/s."""
TARGETS: dict[str, dict[str, float]] = {
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
        bits: what `bit_checks` checks.
    """

    rounds: int = 5
    configs: int = 8
    tight_steps: int = 150
    wave_steps: int = 20
    refills: int = 4
    images: tuple[int, int, int] | None = None
    capacity: int | None = None
    bits: bit_checks.Extent = bit_checks.FULL


FULL = Size()
QUICK = Size(rounds=3, configs=4, tight_steps=60, wave_steps=10, refills=2, bits=bit_checks.QUICK)
TINY = Size(
    rounds=1, configs=1, tight_steps=2, wave_steps=1, refills=1, images=(12, 4, 4), capacity=1, bits=bit_checks.TINY
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
        chain = CHAIN * objective.max_epochs * statistics.mean(steps) * spent / stack.work.steps
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
        configs, stacks = self.configs(name, self.size.configs), {each: self.stack(name, each) for each in PRECISIONS}
        capacity = stacks["ieee"].capacity
        several = (configs * -(-2 * capacity // len(configs)))[: 2 * capacity]
        wave_slots = min(capacity, 64)
        wave = Wave(name, several[:wave_slots], greatest(name), self.images)
        tights = [Tight(name, config, self.images) for config in configs]
        steps = self._steps(configs)
        sides: dict[str, Callable[[], float]] = {
            "tight": lambda: self._tight(tights, steps),
            "vmap": lambda: self._wave(wave, max(steps)) / wave_slots,
            **{each: lambda stack=stack: self._stacked(stack, several) for each, stack in stacks.items()},  # type: ignore[misc]
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
                each: {
                    rival: spread([a / b for a, b in zip(measured[rival], measured[each], strict=True)])
                    for rival in ("tight", "vmap")
                }
                for each in PRECISIONS
            },
            "target": TARGETS[name],
            "slots": {"stack": capacity, "vmap": wave_slots},
            "note": f"stack: with admission and evaluation; rivals: steps alone, in float32; "
            f"at most {self.size.tight_steps} (tight) and {self.size.wave_steps} (vmap) steps of an epoch measured",
        }

    def _stacked(self, stack: Any, configs: list[Config]) -> float:
        """Mean seconds of an epoch of a trial."""
        return self.seconds(lambda: one_epoch_each(stack, configs)) / len(configs)

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
        for precision in PRECISIONS:
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
