"""The functional route: trains any plain network in stacks by torch.func, without rewriting it.

Trials whose networks have the same structure and whose batches are padded to the same number of rows
train side by side (`group`); `program` turns their network into one function and proves that slot and
neighbours change no bit. A trial whose network does not pass is trained alone in its slot, by the
objective itself: which way a trial takes is a function of its configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from objectives.stack import Context, Stack, Start, Ticket, Work
from objectives.stacks.functional.blocks import Block, Trial, TrialGroup
from objectives.stacks.functional.structure import Unstackable
from objectives.stacks.functional.traced_network import Template, TracedNetwork, padded_rows, trace_network
from objectives.stacks.looped.stack import LoopedStack
from objectives.stacks.network_objective import NetworkObjective
from objectives.training.counter_rng import trial_key
from objectives.training.data import Split, load_splits
from objectives.training.reference_loop import Counts, epoch_from_counts, finite, synchronised_time, wrong_answers

SAMPLES = 16
"""Configurations that `refusal` looks at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A paused trial: its weights after `epoch` epochs."""

    epoch: int
    parameters: tuple[Tensor, ...]


class FunctionalStack(Stack):
    """Slots for the trials of any objective that trains a network, without folds.

    A network's forward is run once to be traced, and to evaluate: it must be a function of weights and
    images. What it does to Python objects of its own in training is not repeated.

    Args:
        objective: what is trained.
        machine: where.
        capacity: slots.
        split: train on this division, which is on the device, instead of the objective's own.
    """

    route = arithmetic = "functional"

    def __init__(
        self, objective: NetworkObjective, machine: Machine, capacity: int, *, split: Split | None = None
    ) -> None:
        if objective.folds is not None:
            raise ValueError(f"folds = {objective.folds!r}: the functional route trains on one split")
        self.objective, self.machine = objective, machine
        self.capacity, self.work = capacity, Work()
        self.split = split or load_splits(objective.data, objective.split, None, machine, objective.train_rows)[0]
        self.groups: dict[int, TrialGroup] = {}
        self.trials: dict[Ticket, tuple[Trial, TrialGroup]] = {}
        self.context: Context = nullcontext
        self.alone = LoopedStack(self._alone, lambda config: 0.0, route="looped", capacity=capacity)

    @property
    def free(self) -> int:
        return self.alone.free - len(self.trials)

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Any = None) -> None:
        assert self.free > 0
        try:
            trial, found = self._trial(ticket, config, seed)
        except Exception:  # A user's network may raise anything; trained alone it does so in its turn.
            found = Unstackable("cannot be built")
        if isinstance(found, Unstackable):
            self.alone.admit(ticket, config, seed, saved)
            return
        if saved is not None:
            _restore(trial, saved)
        group = self.groups.setdefault(id(found), TrialGroup(found, self.split.train))
        group.add(trial)
        self.trials[ticket] = trial, group

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        finished = self.alone.advance()
        for block in [block for group in self.groups.values() for block in group.blocks]:
            finished += self._advance(block)
        return finished

    def pause(self, ticket: Ticket) -> Any:
        if ticket not in self.trials:
            return self.alone.pause(ticket)
        trial, _ = self.trials[ticket]
        assert trial.steps_left == 0, "only a trial that has just finished an epoch is paused"
        self._leave(trial)
        return Saved(
            epoch=trial.epoch, parameters=tuple(parameter.detach() for parameter in trial.network.parameters())
        )

    def isolate(self, start: Start, context: Context) -> None:
        self.alone.isolate(start, context)
        self.context = context

    def _alone(self, config: Config, seed: np.random.SeedSequence) -> Iterator[Epoch]:
        return self.objective.train(config, seed, self.machine)

    def _trial(
        self, ticket: Ticket, config: Config, seed: np.random.SeedSequence
    ) -> tuple[Trial, TracedNetwork | Unstackable]:
        started = synchronised_time(self._device)
        key = trial_key(seed, 0)
        network = self.objective.start(config, self.split, key, self.machine.device)
        batch_size = self.objective.batch_size(config)
        trial = Trial(
            ticket=ticket,
            network=network,
            learning_rate=self.objective.learning_rate(config),
            batch_size=batch_size,
            key=key,
            seconds=synchronised_time(self._device) - started,
        )
        # Tracing is not charged: it serves every trial of the structure.
        return trial, _program(network, batch_size, self.split, self.machine)

    def _advance(self, block: Block) -> list[tuple[Ticket, Epoch | Exception]]:
        """Train a block's trials on until the first of them has finished an epoch."""
        started = synchronised_time(self._device)
        trials = list(block.trials)
        try:
            self._train(block)
        except RuntimeError as error:  # The device's: the network's own code is not run here.
            for trial in trials:
                self._leave(trial)
            return [(trial.ticket, error) for trial in trials]
        share = (synchronised_time(self._device) - started) / len(trials)
        for trial in trials:
            trial.seconds += share
        finished = [slot for slot, trial in enumerate(trials) if trial.steps_left == 0]
        for slot in finished:
            block.fetch(slot)
        return self._evaluate([trials[slot] for slot in finished])

    def _train(self, block: Block) -> None:
        for slot, trial in enumerate(block.trials):
            if trial.steps_left == 0:
                block.start_epoch(slot)
        steps = min(trial.steps_left for trial in block.trials)
        for _ in range(steps):
            spent = block.step()
        per_row = 3.0 * block.program.multiply_adds
        self.work.steps += steps
        self.work.spent += steps * spent * per_row
        for trial in block.trials:
            if trial.steps_left == 0:
                self.work.useful += len(self.split.train) * per_row

    def _evaluate(self, trials: list[Trial]) -> list[tuple[Ticket, Epoch | Exception]]:
        """Evaluate trials whose weights have been fetched; their counts are read at once, for a read waits."""
        started = synchronised_time(self._device)
        looks = [self._look(trial) for trial in trials]
        counted = [look for look in looks if isinstance(look, Tensor)]
        counts = iter(torch.stack(counted).cpu().tolist() if counted else [])
        spent = synchronised_time(self._device) - started
        valid, test = len(self.split.valid), len(self.split.test)
        share = spent / max(len(trials), 1) * (1.0 if self._shared else valid / (valid + test))
        return [
            (
                trial.ticket,
                self._failed(trial, look) if isinstance(look, Exception) else self._epoch(trial, next(counts), share),
            )
            for trial, look in zip(trials, looks, strict=True)
        ]

    def _look(self, trial: Trial) -> Tensor | Exception:
        """Wrong answers in validation and test, and whether all weights are finite: (3,) int64 on the device."""
        trial.epoch += 1
        network = trial.network.eval()
        try:
            with self.context():
                valid = wrong_answers(network, self.split.valid)
                test = valid if self._shared else wrong_answers(network, self.split.test)
        except Exception as error:  # A network of the user's may raise anything.
            return error
        return torch.stack((valid, test, finite(network.parameters()).long()))

    def _failed(self, trial: Trial, error: Exception) -> Exception:
        self._leave(trial)
        return error

    def _epoch(self, trial: Trial, counted: list[int], evaluation: float) -> Epoch:
        valid_wrong, test_wrong, is_finite = counted
        seconds, trial.seconds = trial.seconds + evaluation, 0.0
        if not is_finite:
            self._leave(trial)
        counts = Counts(valid_wrong=valid_wrong, test_wrong=test_wrong, seconds=seconds, finite=bool(is_finite))
        sizes = {"valid": len(self.split.valid), "test": len(self.split.test)}
        return epoch_from_counts(counts, **sizes, chance=self.objective.chance_error)

    def _leave(self, trial: Trial) -> None:
        _, group = self.trials.pop(trial.ticket)
        group.remove(trial)
        if not group.blocks:
            del self.groups[id(group.program)]

    @property
    def _shared(self) -> bool:
        """Return whether the test set is the validation set too, as in the book."""
        return self.split.test is self.split.valid

    @property
    def _device(self) -> torch.device:
        return self.split.train.x.device


def refusal(objective: NetworkObjective, machine: Machine) -> str | None:
    """Return why this route cannot train an objective, or None; never a matter of timing.

    Looks at the networks of a few configurations, drawn with a fixed seed. Where their structures hardly
    ever meet, as with widths tuned over a wide range, slots would stay empty.
    """
    if objective.folds is not None:
        return "it validates on several folds"
    split = load_splits(objective.data, objective.split, None, machine, objective.train_rows)[0]
    random = np.random.default_rng(0)
    configs = [objective.space.sample(random) for _ in range(SAMPLES)]
    first = objective.default or configs[0]
    key = np.zeros(2, dtype=np.uint64)
    try:
        networks = [objective.start(config, split, key, machine.device) for config in (first, *configs)]
        structures = {Template.of(network, machine.device).structure for network in networks}
    except Exception as error:  # A user's network may raise anything.
        return str(error)
    if len(structures) > SAMPLES // 4:
        return f"{len(structures)} structures among {len(networks)} configurations"
    program = _program(networks[0], objective.batch_size(first), split, machine)
    return str(program) if isinstance(program, Unstackable) else None


def _program(network: nn.Module, batch_size: int, split: Split, machine: Machine) -> TracedNetwork | Unstackable:
    try:
        template = Template.of(network, machine.device)
    except Unstackable as refused:
        return refused
    rows = padded_rows(batch_size, len(split.train))
    return trace_network(template, rows, split.train.x.shape[1:], machine.device)


@torch.no_grad()
def _restore(trial: Trial, saved: Saved) -> None:
    trial.epoch = saved.epoch
    for parameter, weight in zip(trial.network.parameters(), saved.parameters, strict=True):
        parameter.copy_(weight)
