"""Trials in a queue, and what passes them through stacks; data sets of a given size in the place of real ones."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from objectives.objective import Machine
from objectives.training import counter_rng, data
from objectives.training.data import DataSet, Images
from objectives.training.reference_loop import train


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A configuration and its seed; the number is its ticket."""

    number: int
    config: dict[str, Any]
    seed: np.random.SeedSequence


def trials(objective, count, seed=0):
    """Random configurations of the objective's space, each with a seed of its own."""
    generator = np.random.default_rng(seed)
    configs = [objective.space.sample(generator) for _ in range(count)]
    seeds = [np.random.SeedSequence(seed, spawn_key=(number,)) for number in range(count)]
    return [Trial(number=number, config=configs[number], seed=seeds[number]) for number in range(count)]


def lost(objective, number):
    """A trial whose weights overflow in its first epoch, by a learning rate far outside the space."""
    config = objective.space.sample(np.random.default_rng(number))
    rate = {name: 1e38 for name in ("learning_rate", "lr") if name in config}
    return Trial(number=number, config=config | rate, seed=np.random.SeedSequence(9, spawn_key=(number,)))


def outcome(epoch):
    """All of an epoch but its seconds."""
    return epoch.valid_error, epoch.test_error, epoch.diverged


def alone(way, queue, epochs, machine=None):
    """The curves of trials that train one by one, by `Objective.train` or `Objective.reference`."""
    machine = machine or Machine()
    return {
        trial.number: [outcome(epoch) for epoch in islice(way(trial.config, trial.seed, machine), epochs)]
        for trial in queue
    }


def through(stacks, queue, epochs, *, pauses=None):
    """The curves of trials that wait in a queue for free slots of some stacks.

    Args:
        stacks: each is filled and moved on in turn.
        queue: trials in their order of admission.
        epochs: a trial leaves after so many.
        pauses: a generator; every trial is paused after every epoch and waits at a random place of the
            queue for the next free slot of any stack.
    """
    waiting, known, curves = [(trial, None) for trial in queue], {}, {trial.number: [] for trial in queue}
    while waiting or any(stack.free < stack.capacity for stack in stacks):
        for stack in stacks:
            while waiting and stack.free:
                trial, saved = waiting.pop(0)
                known[trial.number] = trial
                stack.admit(trial.number, trial.config, trial.seed, saved)
            for number, epoch in stack.advance():
                curves[number].append(outcome(epoch))
                if not epoch.diverged and (pauses is not None or len(curves[number]) == epochs):
                    saved = stack.pause(number)
                    if len(curves[number]) < epochs:
                        waiting.insert(int(pauses.integers(len(waiting) + 1)), (known[number], saved))
    return curves


def trained(objective, trial, split, epochs, loop=train):
    """The network of a trial after some epochs on a split, by the reference loop or another."""
    key = counter_rng.trial_key(trial.seed, 0)
    network = objective.start(trial.config, split, key, "cpu")
    options = {"learning_rate": objective.learning_rate(trial.config), "batch_size": objective.batch_size(trial.config)}
    counts = [
        (epoch.valid_wrong, epoch.test_wrong) for epoch in islice(loop(network, split, key=key, **options), epochs)
    ]
    return network, counts


def same_weights(network, other):
    """Equal to the bit, those of a lost network in that they are no numbers."""
    pairs = zip(network.parameters(), other.parameters(), strict=True)
    return all(torch.allclose(mine, theirs, rtol=0, atol=0, equal_nan=True) for mine, theirs in pairs)


def plant(monkeypatch, name, count, side):
    """Random images with a linear teacher's labels as the data set `name`; the machine that finds them."""
    drawn = counter_rng.uniform(np.array([1, side], dtype=np.uint64), 0, count * side * side)
    x = torch.from_numpy(drawn).view(count, 1, side, side)
    teacher = counter_rng.uniform(np.array([2, side], dtype=np.uint64), 0, side * side * 10) - 0.5
    y = (x.flatten(1) @ torch.from_numpy(teacher).view(-1, 10)).argmax(1)
    part = count // 5
    images = Images(x=x, y=y)
    planted = DataSet(
        develop=images.take(np.arange(count - part)),
        test=images.take(np.arange(count - part, count)),
        valid_size=part,
        checksums={},
    )
    return plant_whole(monkeypatch, name, planted, f"{count} random images of {side}")


def plant_whole(monkeypatch, name, whole, label):
    """Another data set in the place of `name`, under a folder's name that no other test uses."""
    monkeypatch.setitem(data.LOADERS, name, lambda folder: whole)
    return Machine(data=Path(label))
