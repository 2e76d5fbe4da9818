"""Training on the CPU, beside a tight loop: what the engine gains, how well slots are packed.

Run by `make perf`, or alone: `python -m tests.perf.engine --out results/reference`. All sides of a
ratio run in one process (the two-process side in two workers of it), interleaved round by round;
medians of the rounds' ratios count. Fashion-MNIST is measured where INCUMBENT_DATA or data/ has it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from joblib import Parallel, delayed

from benchmark.reproducibility.environment import describe_environment, deterministic_arithmetic
from objectives import OBJECTIVES
from objectives.objective import Machine, Objective
from objectives.space import Config
from objectives.stacks.looped.stack import logits_gradient
from objectives.training.data import DEFAULT_FOLDER, FASHION_MNIST_SHA256, load_splits
from tests.perf import packing, tight

TARGETS = {"softmax": 5.0, "dropout_mlp": 1.4, "lenet": 1.15}
"""Least ratios of two cores, engine over tight loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one line of the table trains.

    Attributes:
        tight: trials that the tight loop trains in a round.
        engine: trials that the engine trains in a round, for each process.
    """

    objective: str
    data: str
    epochs: int
    tight: int
    engine: int
    default_only: bool = False

    @property
    def name(self) -> str:
        return f"{self.objective}-{self.data}" + ("-default" if self.default_only else "")


CASES = (
    Case(objective="softmax", data="digits", epochs=8, tight=8, engine=32),
    Case(objective="lenet", data="digits", epochs=6, tight=6, engine=6),
    Case(objective="dropout_mlp", data="digits", epochs=10, tight=8, engine=8),
    Case(objective="softmax", data="fashion_mnist", epochs=1, tight=2, engine=16),
    Case(objective="lenet", data="fashion_mnist", epochs=1, tight=1, engine=1, default_only=True),
    Case(objective="dropout_mlp", data="fashion_mnist", epochs=1, tight=1, engine=1, default_only=True),
)


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--out", type=Path, default=Path("results/reference"), help="folder of perf-<device>.json")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cases", nargs="*", choices=[case.name for case in CASES], default=None)
    parsed = parser.parse_args(arguments)
    machine = Machine(data=_data())
    cases = [case for case in CASES if _wanted(case, parsed.cases, machine)]
    card = describe_environment("cpu", 1)
    report: dict[str, Any] = {
        "machine": {key: card[key] for key in ("cpu", "cores", "cpu_capability", "torch", "numpy", "python")},
        "date": datetime.now(UTC).date().isoformat(),
        "rounds": parsed.rounds,
        "speed": {case.name: _speed(case, machine, parsed.rounds) for case in cases},
        "bit_contract_of_the_stacked_route": stacked_price(parsed.rounds),
        "packing": packing.measure(),
    }
    _print(report)
    parsed.out.mkdir(parents=True, exist_ok=True)
    path = parsed.out / f"perf-{_slug(card['cpu'] or platform.machine())}.json"
    path.write_text(json.dumps(report, indent=1, sort_keys=True) + "\n")
    print(f"wrote {path}")
    return 0


def _speed(case: Case, machine: Machine, rounds: int) -> dict[str, Any]:
    """Seconds a trial of every side, and ratios over the tight loop's better thread count."""
    print(f"{case.name} ...", file=sys.stderr, flush=True)
    sides = _sides(case, machine)
    for side in sides.values():
        side()
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            seconds[name].append(side())
    best = [min(pair) for pair in zip(seconds["tight_1_thread"], seconds["tight_2_threads"], strict=True)]
    ratios = {
        name: statistics.median(rival / own for rival, own in zip(best, seconds[name], strict=True))
        for name in ("reference", "engine", "engine_2_processes")
    }
    return {
        "seconds_a_trial": {name: statistics.median(values) for name, values in seconds.items()},
        "ratio_to_tight": ratios,
        "ratio_to_tight_1_thread": statistics.median(
            rival / own for rival, own in zip(seconds["tight_1_thread"], seconds["engine"], strict=True)
        ),
        "price_of_the_bit_contract": _prices(seconds),
        "target": TARGETS[case.objective],
        "trials": {"tight": case.tight, "engine_a_process": case.engine},
        "epochs": case.epochs,
    }


def stacked_price(rounds: int) -> dict[str, float]:
    """What exactness costs a softmax step of 32 slots: its update beside one fused into the product.

    The fused update is faster in principle (the gradient is never stored), but rounds once where the
    reference loop rounds twice, so its weights are others.
    """
    return {f"{pixels} pixels": _stacked_price(pixels, rounds) for pixels in (64, 784)}


@torch.inference_mode()
def _stacked_price(pixels: int, rounds: int) -> float:
    slots, rows, steps = 32, 16, 300
    weight, rate = torch.zeros(slots, 10, pixels), torch.full((slots, 1, 1), 0.01)
    x, bias, slope = torch.rand(slots, rows, pixels), torch.zeros(slots, 1, 10), torch.empty(slots, 10, pixels)
    slopes = torch.zeros(slots, rows, 10)
    slopes[..., 0] = -1 / rows

    def step(*, fused: bool) -> None:
        gradient = logits_gradient(torch.baddbmm(bias, x, weight.transpose(1, 2)), slopes)
        if fused:
            weight.baddbmm_((gradient * rate).transpose(1, 2), x, alpha=-1)
        else:
            torch.bmm(gradient.transpose(1, 2), x, out=slope)
            weight.addcmul_(slope, rate, value=-1)

    def timed(*, fused: bool) -> float:
        began = time.perf_counter()
        for _ in range(steps):
            step(fused=fused)
        return time.perf_counter() - began

    with deterministic_arithmetic("cpu"):
        timed(fused=False), timed(fused=True)
        pairs = [(timed(fused=False), timed(fused=True)) for _ in range(max(rounds, 5))]
    return statistics.median(exact / min(exact, fused) - 1 for exact, fused in pairs)


def _prices(seconds: Mapping[str, list[float]]) -> float:
    """How much longer two pinned processes take than the faster of them and one process of two threads."""
    pairs = zip(seconds["engine_2_processes"], seconds["engine_2_threads"], strict=True)
    return statistics.median(processes / min(processes, threads) - 1 for processes, threads in pairs)


def _sides(case: Case, machine: Machine) -> Mapping[str, Callable[[], float]]:
    objective = OBJECTIVES[case.objective](data=case.data, epochs=case.epochs)  # type: ignore[call-arg]
    objective.prepare(machine)
    configs = _configs(case, objective)
    pool = Parallel(n_jobs=2, return_as="list")
    return {
        "tight_1_thread": lambda: _tight(case, configs[: case.tight], machine, 1),
        "tight_2_threads": lambda: _tight(case, configs[: case.tight], machine, 2),
        "reference": lambda: _reference(objective, configs[: case.tight], machine),
        "engine": lambda: _engine(objective, configs[: case.engine], machine),
        "engine_2_threads": lambda: _unpinned(objective, configs[: case.engine], machine),
        "engine_2_processes": lambda: _engine_twice(pool, objective, configs[: case.engine], machine),
    }


def _configs(case: Case, objective: Objective) -> list[Config]:
    """The same configurations for every side; the first are the tight loop's."""
    if case.default_only:
        assert objective.default is not None
        return [objective.default] * max(case.tight, case.engine)
    rng = np.random.default_rng(0)
    return [objective.space.sample(rng) for _ in range(max(case.tight, case.engine))]


def _tight(case: Case, configs: list[Config], machine: Machine, threads: int) -> float:
    split = load_splits(case.data, "standard", None, machine)[0]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    began = time.perf_counter()
    for config in configs:
        tight.train(case.objective, config, split, case.epochs)
    seconds = time.perf_counter() - began
    torch.set_num_threads(before)
    return seconds / len(configs)


def _reference(objective: Any, configs: list[Config], machine: Machine) -> float:
    with deterministic_arithmetic("cpu"):
        began = time.perf_counter()
        for number, config in enumerate(configs):
            curve = objective.reference(config, np.random.SeedSequence(number), machine)
            for _ in range(objective.max_epochs):
                next(curve)
        return (time.perf_counter() - began) / len(configs)


def _engine(objective: Objective, configs: list[Config], machine: Machine) -> float:
    with deterministic_arithmetic("cpu"):
        began = time.perf_counter()
        train_all(objective, configs, machine)
        return (time.perf_counter() - began) / len(configs)


def _unpinned(objective: Objective, configs: list[Config], machine: Machine) -> float:
    """The engine on two threads: what one may do who does not need the same bits on every machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    began = time.perf_counter()
    train_all(objective, configs, machine)
    seconds = time.perf_counter() - began
    torch.set_num_threads(before)
    return seconds / len(configs)


def _engine_twice(pool: Parallel, objective: Objective, configs: list[Config], machine: Machine) -> float:
    began = time.perf_counter()
    pool(delayed(_engine)(objective, configs, machine) for _ in range(2))
    return (time.perf_counter() - began) / (2 * len(configs))


def train_all(objective: Objective, configs: list[Config], machine: Machine) -> None:
    """Train every configuration to its end in one stack, refilled as slots fall free."""
    stack = objective.stack(machine)
    assert stack is not None
    todo, done = list(enumerate(configs)), dict.fromkeys(range(len(configs)), 0)
    while todo or stack.free < stack.capacity:
        while todo and stack.free:
            number, config = todo.pop()
            stack.admit(number, config, np.random.SeedSequence(number))
        for ticket, epoch in stack.advance():
            if isinstance(epoch, Exception):
                raise epoch
            done[ticket] += 1  # type: ignore[index]  # tickets are ours
            if done[ticket] == objective.max_epochs and not epoch.diverged:  # type: ignore[index]  # likewise
                stack.pause(ticket)


def _wanted(case: Case, chosen: list[str] | None, machine: Machine) -> bool:
    if chosen is not None and case.name not in chosen:
        return False
    raw = (machine.data or DEFAULT_FOLDER) / "FashionMNIST" / "raw"
    return case.data == "digits" or all((raw / name).is_file() for name in FASHION_MNIST_SHA256)


def _data() -> Path | None:
    return Path(os.environ["INCUMBENT_DATA"]) if "INCUMBENT_DATA" in os.environ else None


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _print(report: dict[str, Any]) -> None:
    heads = (("tight 1", 10), ("tight 2", 10), ("reference", 11), ("engine", 10), ("2 procs", 10), ("ratio", 8))
    print(" " * 28 + "".join(f"{head:>{width}}" for head, width in (*heads, ("wanted", 8))))
    for name, row in report["speed"].items():
        seconds = row["seconds_a_trial"]
        cells = [seconds[side] for side in ("tight_1_thread", "tight_2_threads", "reference", "engine")]
        cells.append(seconds["engine_2_processes"])
        text = "".join(f"{1e3 * cell:>{width}.2f}" for cell, width in zip(cells, (10, 10, 11, 10, 10), strict=True))
        print(f"{name:28}{text}{row['ratio_to_tight']['engine_2_processes']:>8.2f}{row['target']:>8.2f}")
    print("milliseconds a trial; ratio: tight loop with its better thread count over the engine in two processes")
    for name, row in report["packing"].items():
        print(f"{name:28}{row}")


if __name__ == "__main__":
    sys.exit(main())
