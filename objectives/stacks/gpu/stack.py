"""The stack on a GPU: slots, replayed CUDA graphs of steps, batched evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from objectives.epoch import Epoch
from objectives.space import Config
from objectives.stack import Stack, Ticket, Work
from objectives.stacks.gpu.images import DeviceImages, PixelBytes
from objectives.stacks.gpu.kernels.dense import count_not_finite
from objectives.stacks.gpu.kernels.philox import orders
from objectives.stacks.gpu.kernels.table import BATCH, EPOCH, KEEP, POSITION, RATE, ROWS, SCALE, WIDTH, advance_rows
from objectives.stacks.gpu.network import Network, StackBuffers, count_tiles
from objectives.stacks.network_objective import NetworkObjective
from objectives.training.counter_rng import Key, trial_key
from objectives.training.data import Split
from objectives.training.networks import dropouts
from objectives.training.reference_loop import Counts, epoch_from_counts

FINITE_TILE = 4096
ORDERS_AT_ONCE = 64
"""Data orders sorted together: 64 of 60 000 words are 31 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A paused trial: copies of its parameters, and the epochs it has done."""

    parameters: list[Tensor]
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The constants of a trial in its slot; what changes is in the stack's table."""

    ticket: Ticket
    batch: int
    widths: list[int]
    shapes: list[torch.Size]


@dataclass(slots=True, kw_only=True)
class GpuStack(Stack):
    """Slots that train by Triton kernels; see `objectives.stacks.gpu`.

    Between two evaluations the host only replays graphs: it knows every slot's steps, so it reads nothing
    back. A slot that has reached its epoch's end, and an empty one, has no rows and costs an early exit.

    Attributes:
        quantum: steps of one replay.
        slot_steps: minibatches of finished epochs; `slot_steps / (work.steps * capacity)` is the occupancy.
    """

    objective: NetworkObjective
    split: Split
    images: DeviceImages
    site: StackBuffers
    network: Network
    quantum: int
    work: Work = field(default_factory=Work)
    slot_steps: int = 0
    route: str = field(init=False)
    arithmetic: str = field(init=False)
    capacity: int = field(init=False)
    _slots: list[Slot | None] = field(init=False)
    _index: dict[Ticket, int] = field(init=False, default_factory=dict)
    _unordered: set[int] = field(init=False, default_factory=set)
    _seconds: np.ndarray = field(init=False)
    _broken: Tensor = field(init=False)
    _launch: dict[str, Callable[[], None]] = field(init=False, default_factory=dict)
    _clock: float = 0.0

    def __post_init__(self) -> None:
        self.route = self.arithmetic = f"triton-{self.site.precision}"
        self.capacity = self.site.capacity
        self._slots = [None] * self.capacity
        self._seconds = np.zeros(self.capacity)
        self._broken = torch.zeros(self.site.lanes, dtype=torch.int32, device=self.site.device)

    @property
    def free(self) -> int:
        return self.capacity - len(self._index)

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Saved | None = None) -> None:
        started = time.perf_counter()
        if ticket in self._index:
            raise ValueError(f"ticket {ticket!r}: already in a slot")
        if self.free == 0:
            raise ValueError(f"ticket {ticket!r}: all {self.capacity} slots are taken")
        key = trial_key(seed, 0)
        module = self._module(config, key, saved)
        values = [p.detach() for p in module.parameters()] if saved is None else saved.parameters
        slot = Slot(
            ticket=ticket,
            batch=min(self.objective.batch_size(config), len(self.site.train)),
            widths=self.network.widths(module),
            shapes=[value.shape for value in values],
        )
        if slot.batch > self.site.rows:
            raise ValueError(f"batch_size = {slot.batch!r}: the stack holds up to {self.site.rows} rows")
        index = self._slots.index(None)
        with self._on_device():
            self.network.load(index, values)
        self._enter(index, slot, module, key, self.objective.learning_rate(config), 0 if saved is None else saved.epoch)
        self._seconds[index] = time.perf_counter() - started

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        if not self._index:
            return []
        with self._on_device():
            self._prepare()
            self._clock = time.perf_counter()
            self._begin_epochs()
            self._run()
            return list(self._finish())

    def pause(self, ticket: Ticket) -> Saved:
        index = self._index.get(ticket)
        slot = None if index is None else self._slots[index]
        if index is None or slot is None:
            raise ValueError(f"ticket {ticket!r}: in no slot")
        row = self.site.table.host_whole[index]
        if row[POSITION.value] > 0:
            raise ValueError(f"ticket {ticket!r}: in the middle of an epoch")
        with self._on_device():
            saved = Saved(parameters=self.network.save(index, slot.shapes), epoch=int(row[EPOCH.value]))
        self._leave(index, slot)
        return saved

    def _module(self, config: Config, key: Key, saved: Saved | None) -> nn.Module:
        """Build the trial's network: with its initial weights, or with the shapes of saved ones only."""
        if saved is None:
            return self.objective.start(config, self.split, key, "cpu")
        with torch.device("meta"):
            return self.objective.network(config, self.split)

    def _enter(self, index: int, slot: Slot, module: nn.Module, key: Key, learning_rate: float, epoch: int) -> None:
        """Fill the slot's row of the table, at the beginning of an epoch."""
        table = self.site.table
        table.clear(index)
        table.host_keys[index] = key.view(np.int64)
        whole, rates = table.host_whole[index], table.host_rates[index]
        whole[BATCH.value], whole[ROWS.value], whole[EPOCH.value] = slot.batch, len(self.site.train), epoch
        whole[WIDTH.value : WIDTH.value + len(slot.widths)] = slot.widths
        rates[RATE.value] = learning_rate
        for layer, dropout in enumerate(dropouts(module)):
            whole[KEEP.value + layer], rates[SCALE.value + layer] = dropout.keep, dropout.scale
        self._slots[index], self._index[slot.ticket] = slot, index
        self._unordered.add(index)

    def _leave(self, index: int, slot: Slot) -> None:
        self._slots[index] = None
        del self._index[slot.ticket]
        self._unordered.discard(index)
        self.site.table.clear(index)

    def _begin_epochs(self) -> None:
        """Bring the device's table up to date, and give slots at an epoch's beginning their data orders."""
        table, new, count = self.site.table, sorted(self._unordered), len(self.site.train)
        table.upload()
        for first in range(0, len(new), ORDERS_AT_ONCE):
            slots = torch.tensor(new[first : first + ORDERS_AT_ONCE], dtype=torch.int32, device=self.site.device)
            epochs = table.whole[slots.long(), EPOCH.value].contiguous()
            self.site.order[slots.long()] = orders(slots, table.keys, epochs, count)
        self._unordered.clear()

    def _run(self) -> None:
        """Replay until the first slot has reached its epoch's end; all others move on as far."""
        table = self.site.table
        live = table.column(ROWS.value) > 0
        rows, batch, position = (table.column(c.value) for c in (ROWS, BATCH, POSITION))
        needed = int(np.min(-((position - rows)[live] // batch[live])))
        replays = count_tiles(needed, self.quantum)
        for _ in range(replays):
            self._launch["steps"]()
        steps = replays * self.quantum
        self.work.steps += steps
        position[:] = np.minimum(rows, position + steps * batch)

    def _finish(self) -> Iterator[tuple[Ticket, Epoch]]:
        """Evaluate the slots at their epochs' ends, all lanes at a time; the test set off the clock."""
        rows, position = (self.site.table.column(c.value) for c in (ROWS, POSITION))
        done = [int(index) for index in np.flatnonzero((rows > 0) & (position == rows))]
        groups = [done[first : first + self.site.lanes] for first in range(0, len(done), self.site.lanes)]
        valid = self._results(groups, "valid")
        self._charge()
        test = valid if self.images.test is self.images.valid else self._results(groups, "test")
        for group, seen, unseen in zip(groups, valid, test, strict=True):
            for lane, index in enumerate(group):
                slot = self._slots[index]
                assert slot is not None
                yield slot.ticket, self._close(index, slot, seen[0][lane], unseen[0][lane], seen[1][lane] == 0)

    def _results(self, groups: list[list[int]], part: str) -> list[list[list[int]]]:
        """For every group [wrong answers on one part of the data, numbers of weights that are not finite]."""
        results: list[list[list[int]]] = torch.stack([self._look(group, part) for group in groups]).tolist()
        return results

    def _look(self, group: list[int], part: str) -> Tensor:
        """Evaluate one group; the results, (2, lanes) int32, stay on the device."""
        who = group + [-1] * (self.site.lanes - len(group))
        self.site.who.copy_(torch.tensor(who, dtype=torch.int32))
        self._launch[part]()
        return torch.stack((self.site.wrong, self._broken))

    def _charge(self) -> None:
        """Divide the time since the last charge among the live slots; the device is idle here."""
        moment = time.perf_counter()
        live = self.site.table.column(ROWS.value) > 0
        self._seconds[live] += (moment - self._clock) / len(self._index)
        self._clock = moment

    def _close(self, index: int, slot: Slot, valid_wrong: int, test_wrong: int, finite: bool) -> Epoch:
        """Count a finished epoch's work, and set the slot to the beginning of its next one."""
        self._count(slot)
        seconds, self._seconds[index] = float(self._seconds[index]), 0.0
        row = self.site.table.host_whole[index]
        row[EPOCH.value], row[POSITION.value] = row[EPOCH.value] + 1, 0
        self._unordered.add(index)
        if not finite:
            self._leave(index, slot)
        counts = Counts(valid_wrong=valid_wrong, test_wrong=test_wrong, seconds=seconds, finite=finite)
        sizes = {"valid": len(self.images.valid), "test": len(self.images.test)}
        return epoch_from_counts(counts, **sizes, chance=self.objective.chance_error)

    def _count(self, slot: Slot) -> None:
        full, rest = divmod(len(self.site.train), slot.batch)
        for times, batch in ((full, slot.batch), (int(rest > 0), rest)):
            useful, spent = self.network.multiply_adds(batch, slot.widths)
            self.work.useful += times * useful
            self.work.spent += times * spent
            self.slot_steps += times

    def _on_device(self) -> AbstractContextManager[object]:
        return torch.cuda.device(self.site.device) if self.site.device.startswith("cuda") else nullcontext()

    def _prepare(self) -> None:
        """Compile all kernels on empty slots and, on a GPU, capture their launches as graphs."""
        if self._launch:
            return
        plain: dict[str, Callable[[], None]] = {
            "steps": self._steps,
            "valid": lambda: self._evaluate(self.images.valid),
            "test": lambda: self._evaluate(self.images.test),
        }
        if not self.site.device.startswith("cuda"):
            self._launch = plain
            return
        self.site.table.whole.zero_()
        self.site.who.fill_(-1)
        for launch in plain.values():
            launch()
        torch.cuda.synchronize(self.site.device)
        self._launch = {name: captured(launch) for name, launch in plain.items()}

    def _steps(self) -> None:
        for step in range(self.quantum):
            self.network.step(step)
        advance_rows[(self.capacity,)](self.site.table.whole, STEPS=self.quantum)

    def _evaluate(self, images: PixelBytes) -> None:
        self.site.wrong.zero_()
        self._broken.zero_()
        for first in range(0, len(images), self.site.chunk):
            self.network.evaluate(images, first)
        for parameter in self.network.parameters:
            size = parameter[0].numel()
            count_not_finite[(count_tiles(size, FINITE_TILE), self.site.lanes)](
                parameter, self.site.who, self._broken, SIZE=size, TILE=FINITE_TILE
            )


def captured(launch: Callable[[], None]) -> Callable[[], None]:
    """Capture the launches of a function as one CUDA graph."""
    graph = torch.cuda.CUDAGraph()  # type: ignore[no-untyped-call,unused-ignore]
    with torch.cuda.graph(graph):
        launch()
    return graph.replay
