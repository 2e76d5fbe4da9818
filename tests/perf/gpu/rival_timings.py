"""The stack beside other ways of training: a tight loop, torch.func, and cuBLAS's batched products."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch

from objectives.space import Config
from objectives.training.data import Images
from tests.perf.gpu.bench import OBJECTIVES, Bench, Stopwatch, batch_of, one_epoch_each, tensor_cores, times
from tests.perf.gpu.rivals import Batched, Tight, Wave
from tests.perf.gpu.sizes import TARGETS

GRAPH_STEPS = 10
"""Steps of the rivals that are captured as one graph."""
MOST_WAVE_SLOTS = 64


def ratios(bench: Bench, name: str, precision: str) -> dict[str, Any]:
    """Seconds a trial and epoch: the stack, a tight loop, torch.func in waves; medians of rounds' ratios."""
    sides, slots = _sides(bench, name, precision)
    for side in sides.values():
        side()
    measured: dict[str, list[float]] = {key: [] for key in sides}
    for _ in range(bench.size.rounds):
        for key, side in sides.items():
            measured[key].append(side())
    return {
        "seconds_a_trial_epoch": {key: spread(values) for key, values in measured.items()},
        "ratio": {
            rival: spread([a / b for a, b in zip(measured[rival], measured["stack"], strict=True)])
            for rival in ("tight", "vmap")
        },
        "target": dict(TARGETS[name]),
        "slots": slots,
        "note": f"an epoch of the stack with its evaluation, without admission; rivals: steps alone, in float32; at "
        f"most {bench.size.tight_steps} (tight) and {bench.size.wave_steps} (vmap) steps of an epoch measured",
    }


def _sides(bench: Bench, name: str, precision: str) -> tuple[dict[str, Callable[[], float]], dict[str, int]]:
    """What is measured in turn, and the slots of stack and wave."""
    configs = bench.configs(name, bench.size.configs)
    stack = bench.stack(name, precision)
    capacity = stack.capacity
    several = (configs * -(-2 * capacity // len(configs)))[: 2 * capacity]
    wave_slots = min(capacity, MOST_WAVE_SLOTS)
    images = device_images(bench)
    wave = Wave(name, several[:wave_slots], greatest(name), images)
    tights = [Tight(name, config, images) for config in configs]
    steps = bench.steps(configs)
    sides: dict[str, Callable[[], float]] = {
        "tight": lambda: _tight(bench, tights, steps),
        "vmap": lambda: _wave(bench, wave, max(steps)) / wave_slots,
        "stack": lambda: _stacked(bench, stack, several),
    }
    return sides, {"stack": capacity, "vmap": wave_slots}


def device_images(bench: Bench) -> Images:
    """The training images on the device."""
    train = bench.split.train
    return Images(x=train.x.to(bench.device), y=train.y.to(bench.device))


def _stacked(bench: Bench, stack: Any, configs: list[Config]) -> float:
    """Mean seconds of an epoch of a trial; admission is another matter, of once a trial."""
    coming_and_going = Stopwatch()
    spent = bench.seconds(lambda: one_epoch_each(stack, configs, coming_and_going))
    return (spent - coming_and_going.seconds) / len(configs)


def _tight(bench: Bench, loops: list[Tight], steps: list[int]) -> float:
    """Mean seconds of an epoch, from a part of its steps."""
    total = 0.0
    for loop, whole in zip(loops, steps, strict=True):
        part = min(bench.size.tight_steps, whole)
        total += bench.seconds(lambda loop=loop, part=part: loop.steps(part)) / part * whole  # type: ignore[misc]
    return total / len(loops)


def _wave(bench: Bench, wave: Wave, steps: int) -> float:
    """Seconds of an epoch of the wave: its longest trial's steps."""
    count = bench.size.wave_steps
    return bench.seconds(lambda: times(count, wave.step)) / count * steps


def price(bench: Bench, name: str, precision: str) -> dict[str, Any]:
    """Equal trials, the one case that cuBLAS's batched products can take: microseconds a step of each."""
    config, widths = uniform(name)
    stack = bench.stack(name, precision)
    spent, steps = bench.steady(stack, [config] * stack.capacity)
    train = stack.images.train
    found = {"stack": spent / steps * 1e6}
    for key, allowed in (("cublas_fp32", False), ("cublas_tf32", True)):
        with tensor_cores(allowed):
            batched = Batched(widths, batch_of(config), stack.capacity, train.u, train.labels)
            step = _graph(bench, batched.step)
            found[key] = statistics.median(bench.device_seconds(step) for _ in range(9)) / GRAPH_STEPS * 1e6
    return {
        "microseconds_a_step": found,
        "price_beside_fp32": found["stack"] / found["cublas_fp32"] - 1,
        "price_beside_tf32": found["stack"] / found["cublas_tf32"] - 1,
        "slots": stack.capacity,
        "config": config,
        "target": 0.15,
    }


def _graph(bench: Bench, step: Callable[[], None]) -> Callable[[], None]:
    """GRAPH_STEPS steps, as a graph on a GPU."""
    from objectives.stacks.cuda_graph import captured

    def several() -> None:
        times(GRAPH_STEPS, step)

    if bench.device.type != "cuda":
        return several
    here, side = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call,unused-ignore]
    side.wait_stream(here)  # type: ignore[no-untyped-call,unused-ignore]
    with torch.cuda.stream(side):
        several()
    here.wait_stream(side)  # type: ignore[no-untyped-call,unused-ignore]
    bench.wait()
    return captured(several)


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


def spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "least": min(values), "greatest": max(values)}
