"""Blocks of slots, in which trials of one structure and one number of padded rows train at once.

Everything that a step needs of a slot is a row of a tensor on the device, so that a step is a handful of
tensor operations for all slots, never waits for the device, and is captured as a graph on a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from objectives.stacks.cuda_graph import captured
from objectives.stacks.functional.masks import draw_masks
from objectives.stacks.functional.traced_network import TracedNetwork
from objectives.training import counter_rng
from objectives.training.data import Images
from objectives.training.networks import Dropout, dropouts


@dataclass(slots=True, kw_only=True, eq=False)
class Trial:
    """A trial in a slot, which holds its weights; `network` is for evaluating it.

    Attributes:
        ticket: the caller's name.
        learning_rate: of SGD.
        batch_size: rows of a full batch.
        key: of its random numbers.
        layers: the network's active dropouts.
        epoch: finished epochs.
        steps_left: of the current epoch; 0 between two epochs.
        seconds: measured since its last epoch was handed out.
        bits: the epoch's dropout decisions, on the CPU.
    """

    ticket: Hashable
    network: nn.Module
    learning_rate: float
    batch_size: int
    key: counter_rng.Key
    layers: list[Dropout] = field(init=False)
    epoch: int = 0
    steps_left: int = 0
    seconds: float = 0.0
    bits: list[counter_rng.KeepBits] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.layers = [layer for layer in dropouts(self.network) if layer.active]


class Block:
    """Slots whose first ones hold trials; a step is computed for the next traced number of slots."""

    def __init__(self, program: TracedNetwork, train: Images) -> None:
        self.program, self.train = program, train
        self.trials: list[Trial] = []
        slots, device = program.slots, train.x.device
        self.weights = [torch.zeros(slots, *shape, device=device) for shape in program.weights]
        self.masks = [torch.zeros(slots, program.rows, *shape, device=device) for shape in program.masks]
        self.orders = torch.zeros(slots, len(train), dtype=torch.int64, device=device)
        self.cursor, self.batch, self.epoch = (torch.zeros(slots, dtype=torch.int64, device=device) for _ in range(3))
        self.batch.fill_(1)
        self.negative_rate = torch.zeros(slots, device=device)
        self.key = torch.zeros(slots, 2, dtype=torch.int64, device=device)
        self.keep = torch.zeros(slots, len(self.masks), dtype=torch.int64, device=device)
        self.scale = torch.zeros(slots, len(self.masks), device=device)
        self._row = torch.arange(program.rows, device=device)
        self._launch: Callable[[], object] = lambda: self._step(slots)
        if device.type == "cuda":
            self._capture()

    @property
    def tables(self) -> list[Tensor]:
        """All tensors with a row for every slot that outlast a step."""
        columns = [
            self.orders,
            self.cursor,
            self.batch,
            self.epoch,
            self.negative_rate,
            self.key,
            self.keep,
            self.scale,
        ]
        return [*self.weights, *columns]

    def put(self, trial: Trial) -> None:
        """Give a trial the next slot, with the weights of its network."""
        slot = len(self.trials)
        for table, parameter in zip(self.weights, trial.network.parameters(), strict=True):
            table[slot].copy_(parameter.detach())
        self.batch[slot] = trial.batch_size
        self.negative_rate[slot] = -trial.learning_rate
        self.key[slot] = counter_rng.as_tensor(trial.key, self.key.device)
        for index, layer in enumerate(trial.layers):
            self.keep[slot, index], self.scale[slot, index] = layer.keep, layer.scale
        self.trials.append(trial)

    def move(self, source: Block, slot: int) -> None:
        """Fill slot number `slot`, whose trial is gone, with the last trial of `source`, and clear that one's slot."""
        last = len(source.trials) - 1
        for table, source_table in zip(self.tables, source.tables, strict=True):
            table[slot].copy_(source_table[last])
            source_table[last].zero_()
        source.batch[last] = 1
        trial = source.trials.pop()
        if (self, slot) != (source, last):
            self.trials[slot] = trial

    def fetch(self, slot: int) -> None:
        """Write a slot's weights into its trial's network."""
        with torch.no_grad():
            for table, parameter in zip(self.weights, self.trials[slot].network.parameters(), strict=True):
                parameter.copy_(table[slot])

    def start_epoch(self, slot: int) -> None:
        """Start the next epoch of a slot's trial."""
        trial = self.trials[slot]
        order = counter_rng.permutation(trial.key, trial.epoch, len(self.train))
        self.orders[slot].copy_(torch.from_numpy(order))
        self.cursor[slot], self.epoch[slot] = 0, trial.epoch
        trial.steps_left = math.ceil(len(self.train) / trial.batch_size)
        if not self.on_device:
            layers = self.program.layers
            trial.bits = [counter_rng.KeepBits(trial.key, layer=layer, epoch=trial.epoch) for layer in layers]

    @property
    def on_device(self) -> bool:
        """Return whether dropout is drawn on the device and not by NumPy."""
        return self.cursor.device.type != "cpu"

    def step(self) -> int:
        """Move every trial on by a minibatch.

        Returns:
            Rows computed, padding and empty slots included.
        """
        if self.on_device:
            size = self.program.slots
            self._launch()
        else:
            size = next(size for size in self.program.steps if size >= len(self.trials))
            self._step(size)
        for trial in self.trials:
            trial.steps_left -= 1
        return size * self.program.rows

    def _capture(self) -> None:
        """Capture a step as a graph, while all slots are empty."""
        self._launch()  # Loads what a graph cannot load; what this leaves in the slots is cleared.
        for table in self.tables:
            table.zero_()
        self.batch.fill_(1)
        self._launch = captured(self._launch, shares_memory=True)

    @torch.no_grad()
    def _step(self, size: int) -> None:
        """Compute a minibatch of the first slots."""
        count = len(self.train)
        live = (count - self.cursor[:size]).minimum(self.batch[:size]).unsqueeze(1)
        used = self._row < live
        # A row of padding is the batch's first row again: it cannot overflow where no row of the batch does.
        position = self.cursor[:size].unsqueeze(1) + torch.where(used, self._row, 0)
        row_weights = torch.where(used, live.to(torch.float32).reciprocal(), 0.0)
        chosen = self.orders[:size].gather(1, position).flatten()
        images = self.train.x.index_select(0, chosen).view(size, len(self._row), *self.train.x.shape[1:])
        labels = self.train.y.index_select(0, chosen).view(size, len(self._row))
        weights = [table[:size] for table in self.weights]
        masks = self._drawn(size, position) if self.on_device else self._masks(size)
        gradients = self.program.steps[size](*weights, *masks, images, labels, row_weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.addcmul_(gradient, self.negative_rate[:size].view(-1, *[1] * (weight.dim() - 1)))
        # An empty slot stops at the last image; a trial that has passed it begins its next epoch before it goes on.
        self.cursor[:size].add_(self.batch[:size]).clamp_(max=count - 1)

    def _masks(self, size: int) -> list[Tensor]:
        """Draw the next rows of every trial's dropout masks by NumPy."""
        count = len(self.train)
        for slot, trial in enumerate(self.trials):
            done = (math.ceil(count / trial.batch_size) - trial.steps_left) * trial.batch_size
            rows = min(trial.batch_size, count - done)
            for index, (layer, bits) in enumerate(zip(trial.layers, trial.bits, strict=True)):
                mask = self.masks[index][slot].flatten(1).numpy()
                np.multiply(bits.rows(rows, mask.shape[1]) < layer.keep, np.float32(layer.scale), out=mask[:rows])
                mask[rows:] = mask[0]
        return [mask[:size] for mask in self.masks]

    def _drawn(self, size: int, position: Tensor) -> list[Tensor]:
        """Draw the same masks on the device."""
        for index, (layer, mask) in enumerate(zip(self.program.layers, self.masks, strict=True)):
            draw_masks(
                mask[:size],
                key=self.key[:size],
                epoch=self.epoch[:size],
                position=position,
                keep=self.keep[:size, index],
                scale=self.scale[:size, index],
                layer=layer,
            )
        return [mask[:size] for mask in self.masks]


class TrialGroup:
    """The blocks of all trials of one traced network; all blocks but the last are full."""

    def __init__(self, program: TracedNetwork, train: Images) -> None:
        self.program, self.train = program, train
        self.blocks: list[Block] = []

    def add(self, trial: Trial) -> None:
        if not self.blocks or len(self.blocks[-1].trials) == self.program.slots:
            self.blocks.append(Block(self.program, self.train))
        self.blocks[-1].put(trial)

    def remove(self, trial: Trial) -> None:
        """Take a trial out; the last trial of all moves into its slot."""
        block = next(block for block in self.blocks if trial in block.trials)
        block.move(self.blocks[-1], block.trials.index(trial))
        if not self.blocks[-1].trials:
            self.blocks.pop()
