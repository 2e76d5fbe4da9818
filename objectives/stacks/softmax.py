"""The stacked route for softmax regression on the CPU: every slot's products in one batched call.

A slot's product in a batch of two or more has the bits of the same product alone wherever rows start on
64-byte borders, so the weights are the reference loop's to the bit; `agrees` asks the machine at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from objectives.stack import Stack, Ticket, Work
from objectives.stacks.looped.sequential import plain
from objectives.stacks.looped.stack import logits_gradient
from objectives.stacks.network_objective import NetworkObjective
from objectives.training import counter_rng
from objectives.training.data import CLASSES, Images, load_splits
from objectives.training.reference_loop import EVALUATION_BATCH, Counts, epoch_from_counts, synchronised_time

CAPACITY = 32
"""Slots; the time of a slot's step falls by less than 5 % beyond."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A paused trial: its key, weights (classes, pixels), biases (1, classes) and the next epoch."""

    key: counter_rng.Key
    weight: Tensor
    bias: Tensor
    epoch: int


@dataclass(slots=True, kw_only=True)
class _Slot:
    ticket: Ticket
    key: counter_rng.Key
    epoch: int
    set_up: float


class SoftmaxStack(Stack):
    """Slots for one dense layer and one batch size; they pass their epochs in step.

    Trials come and go only between epochs, and an epoch has the same number of steps for all. The
    live slots are the first ones, so nothing is computed for an empty one, but that a single trial
    has a dummy beside it: a batch of one product takes another path, with other bits.
    """

    route = "stacked"
    arithmetic = "reference"

    def __init__(self, objective: NetworkObjective, machine: Machine, capacity: int) -> None:
        self.objective, self.capacity = objective, capacity
        self.split = load_splits(objective.data, objective.split, objective.folds, machine, objective.train_rows)[0]
        self.work = Work()
        pixels, classes = self.split.train.x[0].numel(), CLASSES
        size = max(2, capacity)
        self._slots: list[_Slot] = []
        self._weight, self._bias = torch.zeros(size, classes, pixels), torch.zeros(size, 1, classes)
        self._rate = torch.zeros(size, 1, 1)
        self._batch = objective.fixed_batch_size or 0

    @property
    def free(self) -> int:
        return self.capacity - len(self._slots)

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Saved | None = None) -> None:
        assert self.free > 0
        began = synchronised_time(self._weight.device)
        index = len(self._slots)
        if saved is None:
            key = counter_rng.trial_key(seed, 0)
            linear = dense_layer(self.objective.start(config, self.split, key, "cpu"))
            assert linear is not None
            saved = Saved(key=key, weight=linear.weight.detach(), bias=linear.bias.detach().unsqueeze(0), epoch=0)
        self._weight[index], self._bias[index] = saved.weight, saved.bias
        self._rate[index] = self.objective.learning_rate(config)
        set_up = synchronised_time(self._weight.device) - began if saved.epoch == 0 else 0.0
        self._slots.append(_Slot(ticket=ticket, key=saved.key, epoch=saved.epoch, set_up=set_up))

    @torch.inference_mode()
    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        if not self._slots:
            return []
        live = len(self._slots)
        began = synchronised_time(self._weight.device)
        self._train()
        wrong = self._count_wrong(self.split.valid)
        finite = (
            self._weight[:live].isfinite().flatten(1).all(1) & self._bias[:live].isfinite().flatten(1).all(1)
        ).tolist()
        share = (synchronised_time(self._weight.device) - began) / live
        test_wrong = wrong if self.split.test is self.split.valid else self._count_wrong(self.split.test)
        counted = [
            Counts(valid_wrong=valid, test_wrong=test, seconds=share + slot.set_up, finite=well)
            for valid, test, well, slot in zip(wrong[:live], test_wrong[:live], finite, self._slots, strict=True)
        ]
        totals = {"valid": len(self.split.valid), "test": len(self.split.test)}
        chance = self.objective.chance_error
        finished = [
            (slot.ticket, epoch_from_counts(counts, **totals, chance=chance))
            for slot, counts in zip(self._slots, counted, strict=True)
        ]
        for slot in self._slots:
            slot.epoch, slot.set_up = slot.epoch + 1, 0.0
        for ticket, epoch in finished:
            if epoch.diverged:
                self._leave(self._index_of(ticket))
        return list(finished)

    def pause(self, ticket: Ticket) -> Saved:
        index = self._index_of(ticket)
        slot = self._slots[index]
        saved = Saved(
            key=slot.key, weight=self._weight[index].clone(), bias=self._bias[index].clone(), epoch=slot.epoch
        )
        self._leave(index)
        return saved

    def _index_of(self, ticket: Ticket) -> int:
        return next(index for index, slot in enumerate(self._slots) if slot.ticket == ticket)

    def _leave(self, index: int) -> None:
        """Free a slot: the last live slot moves into the gap."""
        last = len(self._slots) - 1
        for table in (self._weight, self._bias, self._rate):
            table[index] = table[last]
            table[last] = 0
        self._slots[index] = self._slots[last]
        del self._slots[last]

    def _train(self) -> None:
        live, size, batch = len(self._slots), max(2, len(self._slots)), self._batch
        count = len(self.split.train)
        order = torch.zeros(size, count, dtype=torch.int64)
        for index, slot in enumerate(self._slots):
            order[index] = torch.from_numpy(counter_rng.permutation(slot.key, slot.epoch, count))
        images, labels = self.split.train.x.flatten(1), self.split.train.y[order].unsqueeze(-1)
        weight, bias, rate = self._weight[:size], self._bias[:size], self._rate[:size]
        transposed = weight.transpose(1, 2)
        space, slope = torch.empty(size * batch, images.shape[1]), torch.empty_like(weight)
        for first in range(0, count, batch):
            last = min(first + batch, count)  # No padding: rows of zeros would change the bits of sums over rows.
            chosen = order[:, first:last].reshape(-1)
            rows = torch.index_select(images, 0, chosen, out=space[: len(chosen)]).view(size, last - first, -1)
            loss_slope = torch.zeros(size, last - first, CLASSES)
            loss_slope.scatter_(2, labels[:, first:last], -1 / (last - first))
            gradient = logits_gradient(torch.baddbmm(bias, rows, transposed), loss_slope)
            torch.bmm(gradient.transpose(1, 2), rows, out=slope)
            weight.addcmul_(slope, rate, value=-1)
            bias.addcmul_(gradient.sum(1, keepdim=True), rate, value=-1)
        self.work.steps += -(-count // batch)
        self.work.useful += 2.0 * live * count * images.shape[1] * weight.shape[1]
        self.work.spent += 2.0 * size * count * images.shape[1] * weight.shape[1]

    def _count_wrong(self, images: Images) -> list[int]:
        size = max(2, len(self._slots))
        weight, bias = self._weight[:size].transpose(1, 2), self._bias[:size]
        wrong = torch.zeros(size, dtype=torch.int64)
        for x, y in images.batches(EVALUATION_BATCH):
            logits = torch.baddbmm(bias, x.flatten(1).expand(size, len(x), -1), weight)
            wrong += (logits.argmax(dim=2) != y).sum(1)
        return [int(count) for count in wrong.tolist()]


def dense_layer(network: nn.Module) -> nn.Linear | None:
    """Return the layer of softmax regression, or None for any other network."""
    if type(network) is nn.Sequential and [type(module) for module in network] == [nn.Flatten, nn.Linear]:
        linear = network[1]
        assert isinstance(linear, nn.Linear)
        return linear if linear.bias is not None and plain(network) else None
    return None


@cache
def agrees(pixels: int, classes: int, batch: int) -> bool:
    """Return whether batched products equal single ones to the bit on this machine, with one thread.

    One thread is what trials have; whoever asks may have more, with which the answer may be another.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _agrees(pixels, classes, batch)
    finally:
        torch.set_num_threads(threads)


@torch.inference_mode()
def _agrees(pixels: int, classes: int, batch: int) -> bool:
    drawn = counter_rng.uniform(np.array([7, 7], dtype=np.uint64), 0, 3 * (batch + classes) * pixels)
    numbers = torch.from_numpy(drawn)
    x = numbers[: 3 * batch * pixels].view(3, batch, pixels)
    weight = numbers[3 * batch * pixels :].view(3, classes, pixels) - 0.5
    bias = weight[:, :, :1].transpose(1, 2).contiguous()
    for size in (2, 3):
        logits = torch.baddbmm(bias[:size], x[:size], weight[:size].transpose(1, 2))
        slope = torch.bmm(logits.transpose(1, 2), x[:size])
        for slot in range(size):
            alone = functional.linear(x[slot].clone(), weight[slot].clone(), bias[slot, 0].clone())
            if not torch.equal(alone, logits[slot]) or not torch.equal(alone.t().mm(x[slot]), slope[slot]):
                return False
    return True
