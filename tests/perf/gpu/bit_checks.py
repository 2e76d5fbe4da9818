"""Bit checks on a device: what a trial's curve and weights must not depend on."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from objectives.classification.base import ImageClassification
from objectives.objective import Machine
from objectives.space import Config
from objectives.training import counter_rng
from objectives.training.counter_rng import trial_key
from objectives.training.data import Images, Split, load_splits
from objectives.training.reference_loop import train
from tests.perf.gpu.sizes import Extent

TOLERANCE = {"ieee": 1e-4, "bf16x6": 1e-4, "tf32x3": 1e-3, "tf32": 0.1}
"""Of a weight, as a share of the greatest move of one in two epochs. Between float32 and float64 it is below 1e-5
(measured for the trials of this page); products in TF32 lose 10 of 23 bits."""
MOST_WRONG = 2
"""Wrong answers that may differ, of 300: two classes that are nearly equally likely change places."""

Curve = tuple[list[tuple[float, float, bool]], list[Tensor] | None]


def contract(
    objective: ImageClassification,
    machine: Machine,
    extent: Extent,
    precision: str,
    drawn: Callable[[int, int], Images] | None = None,
) -> dict[str, Any]:
    """Compare stacks of several sizes, orders, neighbours and pauses with stacks of one slot.

    Args:
        objective: one of the three networks.
        machine: a CUDA device, or a CPU in Triton's interpreter.
        extent: how much.
        precision: of the products.
        drawn: images to train on, by number and seed; None for the digits.
    """
    rng = np.random.default_rng(5)
    configs = {number: objective.space.sample(rng) for number in range(extent.trials)}
    others = {1000 + number: objective.space.sample(rng) for number in range(max(extent.sizes))}
    probe = Probe(
        objective=objective,
        machine=machine,
        split=excerpt(extent.images, drawn),
        epochs=extent.epochs,
        precision=precision,
    )
    alone = probe.curves(1, configs)
    checks = {f"{size} slots, shuffled": probe.shuffled(size, alone, configs, others) for size in extent.sizes}
    checks["same again"] = agreement(alone, probe.curves(1, configs))
    checks["diverging neighbour"] = probe.ruined(extent.sizes[-1], alone, configs)
    checks["paused every epoch"] = agreement(alone, probe.curves(2, configs, pausing=True))
    return {"checks": checks, "reference": {precision: probe.reference(alone, configs, extent.references)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """Trials of one objective through stacks of one precision."""

    objective: ImageClassification
    machine: Machine
    split: Split
    epochs: int
    precision: str

    def curves(self, capacity: int, configs: dict[int, Config], *, pausing: bool = False) -> dict[int, Curve]:
        """Errors and last weights of every trial, through one stack."""
        from objectives.stacks.gpu import gpu_stack

        stack: Any = gpu_stack(self.objective, self.machine, capacity, self.precision, split=self.split)
        waiting: list[tuple[int, Any]] = [(number, None) for number in configs]
        found: dict[int, Curve] = {number: ([], None) for number in configs}
        while waiting or stack.free < stack.capacity:
            while waiting and stack.free:
                number, saved = waiting.pop(0)
                stack.admit(number, configs[number], np.random.SeedSequence(number), saved)
            for number, epoch in stack.advance():
                errors = found[number][0]
                errors.append((epoch.valid_error, epoch.test_error, epoch.diverged))
                if len(errors) == self.epochs and not epoch.diverged:
                    found[number] = errors, [p.cpu() for p in stack.pause(number).parameters]
                elif pausing and not epoch.diverged:
                    waiting.append((number, stack.pause(number)))
        return found

    def shuffled(
        self, size: int, alone: dict[int, Curve], configs: dict[int, Config], others: dict[int, Config]
    ) -> dict[str, Any]:
        """A stack filled up with other trials, admitted in a random order."""
        more = {**configs, **dict(list(others.items())[: max(0, size - len(configs))])}
        order = np.random.default_rng(size).permutation(list(more)).tolist()
        return agreement(alone, self.curves(size, {number: more[number] for number in order}))

    def ruined(self, size: int, alone: dict[int, Curve], configs: dict[int, Config]) -> dict[str, Any]:
        """A neighbour whose weights are lost in the first step."""
        config: Config = {**configs[0], "lr" if "lr" in configs[0] else "learning_rate": math.inf, "batch_size": 4}
        found = self.curves(size, {9999: config, **configs})
        if not found[9999][0][-1][2]:
            return {"equal": 0, "of": len(alone), "first_difference": "the neighbour has not diverged"}
        return agreement(alone, found)

    def reference(self, alone: dict[int, Curve], configs: dict[int, Config], count: int) -> dict[str, Any]:
        """Hold trials against the reference loop on the CPU, which multiplies in float32.

        Returns:
            How many of the trials are within TOLERANCE, where the first other one is, and the greatest difference.
        """
        found = {number: self._distance(alone[number], number, configs[number]) for number in list(configs)[:count]}
        far = [
            f"trial {number}: weights by {share:.1e} of what they have moved, {wrong} wrong answers"
            for number, (share, wrong) in found.items()
            if not (share <= TOLERANCE[self.precision] and (wrong <= MOST_WRONG or self.precision == "tf32"))
        ]
        return {
            "equal": len(found) - len(far),
            "of": len(found),
            "first_difference": next(iter(far), None),
            "greatest": max((share for share, _ in found.values()), default=0.0),
        }

    def _distance(self, curve: Curve, number: int, config: Config) -> tuple[float, int]:
        """The greatest difference of a weight, as a share of the greatest move of one, and of wrong answers."""
        key = trial_key(np.random.SeedSequence(number), 0)
        network = self.objective.start(config, self.split, key, "cpu")
        initial = [parameter.detach().clone() for parameter in network.parameters()]
        rate, batch = self.objective.learning_rate(config), self.objective.batch_size(config)
        loop = train(network, self.split, learning_rate=rate, batch_size=batch, key=key)
        errors, weights = curve
        wrong = 0
        for error, _, _ in errors:
            wrong = max(wrong, abs(next(loop).valid_wrong - round(error * len(self.split.valid))))
        trained = [parameter.detach() for parameter in network.parameters()]
        return distance(weights or [], trained) / distance(initial, trained), wrong


def distance(ours: list[Tensor], theirs: list[Tensor]) -> float:
    """The greatest difference of a value; infinite where there are no values to compare."""
    return max((float((a - b).abs().max()) for a, b in zip(ours, theirs, strict=bool(ours))), default=math.inf)


def agreement(one: dict[int, Curve], other: dict[int, Curve]) -> dict[str, Any]:
    """How many trials have equal curves and weights equal to the bit, and where the first of the others differs."""
    found = {number: first_difference(curve, other[number]) for number, curve in one.items()}
    unequal = [f"trial {number}, {where}" for number, where in found.items() if where]
    return {"equal": len(one) - len(unequal), "of": len(one), "first_difference": next(iter(unequal), None)}


def first_difference(one: Curve, other: Curve) -> str | None:
    """Where two curves of one trial part; None where they are equal to the bit."""
    for epoch, (mine, theirs) in enumerate(itertools.zip_longest(one[0], other[0]), start=1):
        if mine != theirs:
            return f"epoch {epoch}: errors {mine} and {theirs}"
    if one[1] is None or other[1] is None:
        return None if one[1] is other[1] else "one of them has no weights"
    for number, (a, b) in enumerate(zip(one[1], other[1], strict=True)):
        unequal = int((a.view(torch.int32) != b.view(torch.int32)).sum())
        if unequal:
            return f"parameter {number}: {unequal} of {a.numel()} values"
    return None


def excerpt(sizes: tuple[int, int, int], drawn: Callable[[int, int], Images] | None) -> Split:
    if drawn is not None:
        train_part, valid, test = (drawn(size, seed) for seed, size in enumerate(sizes))
        return Split(train=train_part, valid=valid, test=test)
    full = load_splits("digits", "standard", None, Machine())[0]
    parts = ((full.train, sizes[0]), (full.valid, sizes[1]), (full.test, sizes[2]))
    train_part, valid, test = (part.take(np.arange(min(size, len(part)))) for part, size in parts)
    return Split(train=train_part, valid=valid, test=test)


def philox(device: str) -> dict[str, Any]:
    """Data orders and dropout draws of the device, held against NumPy's."""
    from objectives.stacks.gpu.kernels.philox import dropout_draws, orders

    keys = np.random.SeedSequence(3).generate_state(4, np.uint64).reshape(2, 2)
    on_device = torch.from_numpy(keys.view(np.int64)).to(device)
    checks = {}
    for count in (1, 7, 1197, 5000 if device == "cpu" else 60_000):
        slots, epochs = torch.tensor([1, 0, 1]), torch.tensor([0, 3, 9999])
        made = orders(slots.int().to(device), on_device, epochs.int().to(device), count).cpu().numpy()
        pairs = zip(slots.tolist(), epochs.tolist(), strict=True)
        expected = np.array([counter_rng.permutation(keys[slot], epoch, count) for slot, epoch in pairs])
        checks[f"order of {count}"] = equal_arrays(made, expected)
    for layer, width, rows in ((0, 8, 20), (1, 100, 50), (0, 1024, 30)):
        made = dropout_draws(on_device[1], layer=layer, epoch=4, rows=rows, width=width).cpu().numpy()
        expected = counter_rng.KeepBits(keys[1], layer=layer, epoch=4).rows(rows, width)
        checks[f"dropout of {width}"] = equal_arrays(made, expected)
    return {"checks": checks}


def equal_arrays(made: np.ndarray, expected: np.ndarray) -> dict[str, Any]:
    """How many values are equal, and where the first other one is."""
    unequal = np.argwhere(made != expected)
    where = f"index {unequal[0].tolist()} of {list(made.shape)}" if len(unequal) else None
    return {"equal": made.size - len(unequal), "of": made.size, "first_difference": where}
