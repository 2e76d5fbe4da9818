"""The timed parts of the GPU measurements: whole comparisons and rates of steps."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from objectives.classification.base import ImageClassification
from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.space import Config
from objectives.stacks.gpu import gpu_stack
from objectives.training.data import Images, Split, load_splits
from tests.perf.gpu.sizes import BYTES_A_SECOND, CHAIN, FLOPS, IMAGES, TARGETS, TRIALS, Size

OBJECTIVES: dict[str, type[ImageClassification]] = {
    "softmax": SoftmaxRegression,
    "lenet": LeNet,
    "dropout_mlp": DropoutMLP,
}


class Bench:
    """The measurements on one device.

    Args:
        machine: with the folder of Fashion-MNIST, or without: then on random images of its shape.
        size: how much is measured.
    """

    def __init__(self, machine: Machine, size: Size) -> None:
        self.machine, self.size, self.device = machine, size, torch.device(machine.device)
        self._divided: Split | None = None

    @property
    def split(self) -> Split:
        """The images of the timed parts, made when they are first asked for."""
        if self._divided is None:
            self._divided = self._split()
        return self._divided

    def seconds(self, work: Callable[[], object]) -> float:
        """Wall time, the device idle at both ends."""
        self.wait()
        started = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - started

    def device_seconds(self, work: Callable[[], object]) -> float:
        """The device's own time, by two events around the work; wall time on a CPU."""
        if self.device.type != "cuda":
            return self.seconds(work)
        self.wait()
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call,unused-ignore]
        begin.record()  # type: ignore[no-untyped-call,unused-ignore]
        work()
        end.record()  # type: ignore[no-untyped-call,unused-ignore]
        self.wait()
        return float(begin.elapsed_time(end)) / 1000  # type: ignore[no-untyped-call,unused-ignore]

    def wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def stack(self, name: str, precision: str, capacity: int | None = None) -> Any:
        objective = OBJECTIVES[name](data="fashion_mnist")
        return gpu_stack(objective, self.machine, capacity or self.size.capacity, precision, split=self.split)

    def configs(self, name: str, count: int, seed: int = 0) -> list[Config]:
        space, rng = OBJECTIVES[name](data="fashion_mnist").space, np.random.default_rng(seed)
        return [space.sample(rng) for _ in range(count)]

    def steps(self, configs: list[Config]) -> list[int]:
        """Steps of an epoch of each."""
        return [-(-len(self.split.train) // batch_of(config)) for config in configs]

    def comparison(self, name: str, precision: str) -> dict[str, Any]:
        """One epoch of fresh random trials through refills: rate, occupancy, and the whole comparison from it."""
        epochs, stack = OBJECTIVES[name](data="fashion_mnist").max_epochs, self.stack(name, precision)
        one_epoch_each(stack, self.configs(name, 1, seed=9))
        stack.work.steps, stack.work.useful, stack.work.spent, stack.slot_steps = 0, 0.0, 0.0, 0
        configs, coming_and_going = self.configs(name, self.size.refills * stack.capacity, seed=1), Stopwatch()
        spent = self.seconds(lambda: one_epoch_each(stack, configs, coming_and_going))
        steps = self.steps(configs)
        waves = sum(max(steps[at : at + stack.capacity]) for at in range(0, len(steps), stack.capacity))
        estimate = whole_comparison(
            trials=len(configs),
            once=coming_and_going.seconds,
            rest=spent - coming_and_going.seconds,
            stack_steps=stack.work.steps,
            trial_steps=statistics.mean(steps),
            epochs=epochs,
        )
        return {
            "measured": f"{len(configs)} random trials of 1 epoch, evaluation included, in {spent:.2f} s",
            "capacity": stack.capacity,
            "steps_a_replay": stack.quantum,
            **estimate,
            "target_s": TARGETS[name]["seconds"],
            "useful_multiply_adds": stack.work.useful / stack.work.spent,
            "live_share": stack.slot_steps / (stack.work.steps * stack.capacity),
            "static_waves_over_refilled_steps": waves / stack.work.steps,
            "floors_of_2000_trials_s": floors(name),
        }

    def rates(self, name: str, precision: str) -> dict[str, Any]:
        """Steady training steps of a full stack: achieved FLOP/s, bytes/s of three passes over the weights."""
        stack = self.stack(name, precision)
        configs = self.configs(name, stack.capacity, seed=2)
        spent, steps = self.steady(stack, configs)
        useful = computed = values = 0.0
        for slot in stack._slots:
            asked, padded = stack.network.multiply_adds(slot.batch, slot.widths)
            useful, computed = useful + asked * steps, computed + padded * steps
            values += steps * sum(shape.numel() for shape in slot.shapes)
        epoch = statistics.mean(self.steps(configs)) * spent / steps / stack.capacity
        return {
            "steps": steps,
            "slots": stack.capacity,
            "training_s": TRIALS * OBJECTIVES[name](data="fashion_mnist").max_epochs * epoch,
            "microseconds_a_step": spent / steps * 1e6,
            "useful_tflops": 2 * useful / spent / 1e12,
            "computed_tflops": 2 * computed / spent / 1e12,
            "weight_terabytes_a_second": 3 * 4 * values / spent / 1e12,
        }

    def steady(self, stack: Any, configs: list[Config]) -> tuple[float, int]:
        """Median seconds of a round of replays with every slot live, and its steps: up to the first end of an epoch."""
        for number, config in enumerate(configs):
            stack.admit(number, config, np.random.SeedSequence(number))
        replays = max(1, min(self.steps(configs)) // stack.quantum)
        with stack._on_device():
            stack.launches.prepare()
            spent = []
            for _ in range(self.size.rounds):
                stack._train(np.arange(stack.capacity), [], 0)  # Back to the epoch's beginning.
                spent.append(self.device_seconds(lambda: times(replays, stack.launches.steps)))
        return statistics.median(spent), replays * stack.quantum

    def _split(self) -> Split:
        sizes = self.size.images
        if self.machine.data is None:
            return Split(**{part: noise(n, seed) for seed, (part, n) in enumerate(zip(PARTS, sizes, strict=True))})
        whole = load_splits("fashion_mnist", "standard", None, replace(self.machine, device="cpu"))[0]
        if sizes == IMAGES:
            return whole
        return Split(**{part: getattr(whole, part).take(np.arange(n)) for part, n in zip(PARTS, sizes, strict=True)})


PARTS = ("train", "valid", "test")


class Stopwatch:
    """Seconds of what is done within `with`, summed up."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._started


def whole_comparison(
    *, trials: int, once: float, rest: float, stack_steps: int, trial_steps: float, epochs: int
) -> dict[str, float]:
    """Estimate the seconds of TRIALS whole trials from one epoch of some.

    Args:
        trials: that were trained for one epoch.
        once: seconds of admitting them and letting them go, which a trial costs once.
        rest: seconds of steps, evaluations and the like, which every epoch costs.
        stack_steps: steps of the stack in which they trained.
        trial_steps: of an epoch of one trial, in the mean.
        epochs: of a whole trial.

    Returns:
        `by_rate_s`: all slots are busy. `by_chain_s`: one sequential search of CHAIN trials, however many
        others train beside it. No comparison is shorter than the greater of the two, `whole_s`.
    """
    admission, epoch, step = once / trials, rest / trials, rest / stack_steps
    by_rate = TRIALS * (admission + epochs * epoch)
    by_chain = CHAIN * (admission + epochs * trial_steps * step)
    return {
        "seconds_of_admission": admission,
        "seconds_a_trial_epoch": epoch,
        "by_rate_s": by_rate,
        "by_chain_s": by_chain,
        "whole_s": max(by_rate, by_chain),
    }


def floors(name: str, samples: int = 40) -> dict[str, float]:
    """Least seconds of TRIALS whole trials on an H200: by its products, and by three passes over the weights a step."""
    objective, (trained, valid, test) = OBJECTIVES[name](data="fashion_mnist"), IMAGES
    rng = np.random.default_rng(0)
    configs = [objective.space.sample(rng) for _ in range(samples)]
    multiply_adds = weight_bytes = 0.0
    for config in configs:
        shape = objective.network_shape(config)
        multiply_adds += trained * (shape.forward + shape.backward) + (valid + test) * shape.forward
        weight_bytes += 3 * 4 * shape.parameters * -(-trained // batch_of(config))
    times_more = TRIALS * objective.max_epochs / len(configs)
    products = {f"{kind}_s": 2 * multiply_adds * times_more / rate for kind, rate in FLOPS.items()}
    return {**products, "weight_traffic_s": weight_bytes * times_more / BYTES_A_SECOND}


def batch_of(config: Config) -> int:
    return int(config.get("batch_size", 16))


def noise(count: int, seed: int) -> Images:
    """Random images of Fashion-MNIST's shape."""
    rng = np.random.default_rng(seed)
    u = rng.integers(0, 256, (count, 1, 28, 28), dtype=np.uint8)
    return Images(x=torch.from_numpy((u / 255.0).astype(np.float32)), y=torch.from_numpy(rng.integers(0, 10, count)))


def one_epoch_each(stack: Any, configs: list[Config], coming_and_going: Stopwatch | None = None) -> None:
    """Train every configuration for an epoch, refilling slots as they come free."""
    watch, waiting = coming_and_going or Stopwatch(), list(enumerate(configs))[::-1]
    while waiting or stack.free < stack.capacity:
        with watch:
            while waiting and stack.free:
                number, config = waiting.pop()
                stack.admit(number, config, np.random.SeedSequence(number))
        finished = stack.advance()
        with watch:
            for ticket, epoch in finished:
                if not epoch.diverged:
                    stack.pause(ticket)


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
