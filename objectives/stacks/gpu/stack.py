"""The stack on a device: slots, replayed graphs of steps, batched evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from objectives.classification import ImageClassification
from objectives.counter import Words, key_of
from objectives.data import Split
from objectives.networks import dropouts
from objectives.objective import Epoch
from objectives.space import Config
from objectives.stack import Stack, Ticket, Work
from objectives.stacks.gpu.dense import count_not_finite
from objectives.stacks.gpu.images import Pixels, Resident
from objectives.stacks.gpu.network import Network, Site, tiles
from objectives.stacks.gpu.philox import orders
from objectives.stacks.gpu.table import BATCH, EPOCH, KEEP, POSITION, RATE, ROWS, SCALE, WIDTH, advance_rows

FINITE_TILE = 4096
ORDERS_AT_ONCE = 64
"""Data orders sorted together: 64 of 60 000 words are 31 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A paused trial: copies of its parameters, and the epochs it has done."""

    parameters: list[Tensor]
    epoch: int


@dataclass(slots=True, kw_only=True)
class Slot:
    """A trial in its slot, as the host knows it.

    Attributes:
        position: rows of the epoch that are done; the device's table says the same.
        ordered: whether the epoch's data order is on the device.
        seconds: the trial's share of the stack's time since its epoch began.
    """

    ticket: Ticket
    batch: int
    widths: list[int]
    shapes: list[torch.Size]
    epoch: int
    position: int = 0
    ordered: bool = False
    seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class GpuStack(Stack):
    """Slots in own Triton kernels; see `objectives.stacks.gpu`.

    Between two evaluations the host only replays graphs: it knows every slot's steps, so it reads nothing
    back. A slot that has reached its epoch's end, and an empty one, has no rows and costs an early exit.

    Attributes:
        quantum: steps of one replay.
        slot_steps: steps of live slots; `slot_steps / (work.steps * capacity)` is the stack's occupancy.
    """

    objective: ImageClassification
    split: Split
    images: Resident
    site: Site
    network: Network
    quantum: int
    work: Work = field(default_factory=Work)
    slot_steps: int = 0
    route: str = field(init=False)
    capacity: int = field(init=False)
    _slots: list[Slot | None] = field(init=False)
    _broken: Tensor = field(init=False)
    _launch: dict[str, Callable[[], None]] = field(init=False, default_factory=dict)
    _clock: float = 0.0

    def __post_init__(self) -> None:
        self.route = f"triton-{self.site.precision}"
        self.capacity = self.site.capacity
        self._slots = [None] * self.capacity
        self._broken = torch.zeros(self.site.lanes, dtype=torch.int32, device=self.site.device)

    @property
    def free(self) -> int:
        return self._slots.count(None)

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Saved | None = None) -> None:
        started = time.perf_counter()
        if self._find(ticket) is not None:
            raise ValueError(f"ticket {ticket!r}: already in a slot")
        if self.free == 0:
            raise ValueError(f"ticket {ticket!r}: all {self.capacity} slots are taken")
        index, key = self._slots.index(None), key_of(seed, 0)
        module = self._module(config, key, saved)
        values = [p.detach() for p in module.parameters()] if saved is None else saved.parameters
        slot = Slot(
            ticket=ticket,
            batch=self.objective.batch_size(config),
            widths=self.network.widths(module),
            shapes=[value.shape for value in values],
            epoch=0 if saved is None else saved.epoch,
        )
        if slot.batch > self.site.rows:
            raise ValueError(f"batch_size = {slot.batch!r}: the stack holds up to {self.site.rows} rows")
        with self._on_device():
            self.network.load(index, values)
        self._slots[index] = slot
        self._enter(index, slot, module, key, self.objective.learning_rate(config))
        slot.seconds = time.perf_counter() - started

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        if self.free == self.capacity:
            return []
        self._clock = time.perf_counter()
        with self._on_device():
            self._prepare()
            self._begin_epochs()
            self._run()
            return list(self._finish())

    def pause(self, ticket: Ticket) -> Saved:
        index = self._find(ticket)
        slot = None if index is None else self._slots[index]
        if index is None or slot is None:
            raise ValueError(f"ticket {ticket!r}: in no slot")
        if slot.position > 0:
            raise ValueError(f"ticket {ticket!r}: in the middle of an epoch")
        with self._on_device():
            saved = Saved(parameters=self.network.save(index, slot.shapes), epoch=slot.epoch)
        self._leave(index)
        return saved

    def _module(self, config: Config, key: Words, saved: Saved | None) -> nn.Module:
        """The trial's network: with its first weights, or only the shapes of a saved one's."""
        if saved is None:
            return self.objective.start(config, self.split, key, "cpu")
        with torch.device("meta"):
            return self.objective.network(config, self.split)

    def _find(self, ticket: Ticket) -> int | None:
        for index, slot in enumerate(self._slots):
            if slot is not None and slot.ticket == ticket:
                return index
        return None

    def _enter(self, index: int, slot: Slot, module: nn.Module, key: Words, learning_rate: float) -> None:
        """Fill the slot's row of the table; its rows stay 0 until its epoch's order is made."""
        table = self.site.table
        table.clear(index)
        table.set_key(index, key)
        whole, rates = table.host_whole[index], table.host_rates[index]
        whole[BATCH.value], rates[RATE.value] = slot.batch, learning_rate
        for layer, width in enumerate(slot.widths):
            whole[WIDTH.value + layer] = width
        for layer, dropout in enumerate(dropouts(module)):
            whole[KEEP.value + layer], rates[SCALE.value + layer] = dropout.keep, dropout.scale

    def _leave(self, index: int) -> None:
        self._slots[index] = None
        self.site.table.clear(index)

    def _live(self) -> list[tuple[int, Slot]]:
        return [(index, slot) for index, slot in enumerate(self._slots) if slot is not None]

    def _begin_epochs(self) -> None:
        """Bring the device's table up to date, and give slots at an epoch's beginning their data orders."""
        table, new = self.site.table, []
        for index, slot in self._live():
            row = table.host_whole[index]
            row[POSITION.value], row[EPOCH.value], row[ROWS.value] = slot.position, slot.epoch, len(self.site.train)
            if not slot.ordered:
                new.append(index)
                slot.ordered = True
        table.upload()
        for first in range(0, len(new), ORDERS_AT_ONCE):
            slots = torch.tensor(new[first : first + ORDERS_AT_ONCE], dtype=torch.int32, device=self.site.device)
            epochs = table.whole[slots.long(), EPOCH.value].contiguous()
            self.site.order[slots.long()] = orders(slots, table.keys, epochs, len(self.site.train))

    def _run(self) -> None:
        """Replay until the first slot has reached its epoch's end; all others move on as far."""
        rows = len(self.site.train)
        needed = min(tiles(rows - slot.position, slot.batch) for _, slot in self._live())
        replays = tiles(needed, self.quantum)
        for _ in range(replays):
            self._launch["steps"]()
        steps = replays * self.quantum
        self.work.steps += steps
        for _, slot in self._live():
            self._count(slot, steps, rows)
            slot.position = min(rows, slot.position + steps * slot.batch)

    def _count(self, slot: Slot, steps: int, rows: int) -> None:
        left = rows - slot.position
        full = min(steps, left // slot.batch)
        parts = [(full, slot.batch), (1, left % slot.batch)] if full < steps else [(full, slot.batch)]
        for times, batch in parts:
            if batch > 0:
                useful, spent = self.network.multiply_adds(batch, slot.widths)
                self.work.useful += times * useful
                self.work.spent += times * spent
                self.slot_steps += times

    def _finish(self) -> Iterator[tuple[Ticket, Epoch]]:
        """Evaluate the slots at their epochs' ends, all lanes at a time; the test set off the clock."""
        done = [(index, slot) for index, slot in self._live() if slot.position == len(self.site.train)]
        groups = [done[first : first + self.site.lanes] for first in range(0, len(done), self.site.lanes)]
        valid = [self._look(group, "valid") for group in groups]
        self._charge()
        same = self.images.test is self.images.valid
        test = valid if same else [self._look(group, "test") for group in groups]
        for group, seen, unseen in zip(groups, valid, test, strict=True):
            for lane, (index, slot) in enumerate(group):
                yield slot.ticket, self._close(index, slot, seen[0][lane], unseen[0][lane], seen[1][lane] == 0)

    def _look(self, group: list[tuple[int, Slot]], part: str) -> tuple[list[int], list[int]]:
        """Wrong answers on one part of the data, and numbers of weights that are not finite."""
        who = [index for index, _ in group] + [-1] * (self.site.lanes - len(group))
        self.site.who.copy_(torch.tensor(who, dtype=torch.int32))
        self._launch[part]()
        wrong, broken = torch.stack((self.site.wrong, self._broken)).tolist()
        return wrong, broken

    def _charge(self) -> None:
        """Divide the time since the last charge among the live slots; the device is idle here."""
        moment, live = time.perf_counter(), self._live()
        for _, slot in live:
            slot.seconds += (moment - self._clock) / len(live)
        self._clock = moment

    def _close(self, index: int, slot: Slot, valid_wrong: int, test_wrong: int, finite: bool) -> Epoch:
        seconds, slot.seconds = slot.seconds, 0.0
        slot.epoch, slot.position, slot.ordered = slot.epoch + 1, 0, False
        if finite:
            valid, test = valid_wrong / len(self.images.valid), test_wrong / len(self.images.test)
            return Epoch(valid_error=valid, test_error=test, seconds=seconds)
        self._leave(index)
        chance = self.objective.chance_error
        return Epoch(valid_error=chance, test_error=chance, seconds=seconds, diverged=True)

    def _on_device(self) -> AbstractContextManager[object]:
        return torch.cuda.device(self.site.device) if self.site.device.startswith("cuda") else nullcontext()

    def _prepare(self) -> None:
        """Compile all kernels on empty slots and, on a GPU, capture their launches as graphs."""
        if self._launch:
            return
        plain = {
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

    def _evaluate(self, images: Pixels) -> None:
        self.site.wrong.zero_()
        self._broken.zero_()
        for first in range(0, len(images), self.site.chunk):
            self.network.evaluate(images, first)
        for parameter in self.network.parameters:
            size = parameter[0].numel()
            count_not_finite[(tiles(size, FINITE_TILE), self.site.lanes)](
                parameter, self.site.who, self._broken, SIZE=size, TILE=FINITE_TILE
            )


def captured(launch: Callable[[], None]) -> Callable[[], None]:
    """The launches of a function as one CUDA graph."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        launch()
    return graph.replay  # type: ignore[no-any-return,unused-ignore]
