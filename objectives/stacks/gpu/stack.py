"""The stack on a GPU: slots that train in rounds, which are launched before the results of earlier ones are read."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from objectives.epoch import Epoch
from objectives.space import Config
from objectives.stack import Stack, Ticket, Work
from objectives.stacks.gpu.images import DeviceImages
from objectives.stacks.gpu.kernels.table import BATCH, EPOCH, KEEP, POSITION, RATE, ROWS, SCALE, WIDTH
from objectives.stacks.gpu.launches import Launches
from objectives.stacks.gpu.lead import Lead
from objectives.stacks.gpu.network import Network, StackBuffers, count_tiles
from objectives.stacks.gpu.round import Mark, Round, Slot
from objectives.stacks.network_objective import NetworkObjective
from objectives.training.counter_rng import Key, trial_key
from objectives.training.data import Split
from objectives.training.networks import dropouts
from objectives.training.reference_loop import Counts, epoch_from_counts


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A paused trial: copies of its parameters, and the epochs it has done."""

    parameters: list[Tensor]
    epoch: int


@dataclass(slots=True, kw_only=True)
class GpuStack(Stack):
    """Slots that train by Triton kernels; see `objectives.stacks.gpu`.

    The host only replays graphs: it knows every slot's steps, so that it launches rounds of training ahead
    and reads each one's results in one piece, when the device is behind its end. A round ends where the first
    slot has reached its epoch's end, and sooner where new trials would wait too long. A slot that rests, and
    an empty one, has no rows and costs an early exit.

    Attributes:
        quantum: steps of one replay.
        longest: replays of a round at most.
        slot_steps: minibatches of finished epochs; `slot_steps / (work.steps * capacity)` is the occupancy.
    """

    objective: NetworkObjective
    split: Split
    images: DeviceImages
    site: StackBuffers
    network: Network
    quantum: int
    longest: int
    work: Work = field(default_factory=Work)
    slot_steps: int = 0
    route: str = field(init=False)
    arithmetic: str = field(init=False)
    capacity: int = field(init=False)
    launches: Launches = field(init=False)
    _slots: list[Slot | None] = field(init=False)
    _index: dict[Ticket, int] = field(init=False, default_factory=dict)
    _unordered: set[int] = field(init=False, default_factory=set)
    _rounds: deque[Round] = field(init=False, default_factory=deque)
    _lead: Lead = field(init=False)

    def __post_init__(self) -> None:
        self.route = self.arithmetic = f"triton-{self.site.precision}"
        self.capacity = self.site.capacity
        self.launches = Launches(site=self.site, network=self.network, images=self.images, quantum=self.quantum)
        self._slots = [None] * self.capacity
        self._lead = Lead(least=2 * self.longest * self.quantum, clock=time.perf_counter)

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
            index=self._slots.index(None),
            batch=min(self.objective.batch_size(config), len(self.site.train)),
            widths=self.network.widths(module),
            shapes=[value.shape for value in values],
        )
        if slot.batch > self.site.rows:
            raise ValueError(f"batch_size = {slot.batch!r}: the stack holds up to {self.site.rows} rows")
        with self._on_device():
            self.network.load(slot.index, values)
        self._enter(slot, module, key, self.objective.learning_rate(config), 0 if saved is None else saved.epoch)
        slot.seconds = time.perf_counter() - started

    def begin(self, until: Mapping[Ticket, int]) -> None:
        self._lead.come_back()
        with self._on_device():
            self.launches.prepare()
            while sum(each.steps for each in self._rounds) < self._lead.steps and self._launch(until):
                pass
        self._lead.leave()

    @property
    def ready(self) -> bool:
        return bool(self._rounds) and self._rounds[0].end.is_behind

    def finish(self) -> list[tuple[Ticket, Epoch | Exception]]:
        self._lead.come_back()
        if not self._rounds:
            return []
        ended = self._rounds.popleft()
        ended.end.wait()
        self._charge(ended)
        counts = zip(ended.finished, ended.counts(), strict=True)
        # A trial that has diverged or was removed has left its slot, though it was in rounds launched before.
        return [(slot.ticket, self._epoch(slot, *seen)) for slot, seen in counts if self._slots[slot.index] is slot]

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        results: list[tuple[Ticket, Epoch | Exception]] = []
        while self._index and not results:
            with self._on_device():
                self.launches.prepare()
                self._launch(None)
            results = self.finish()
        return results

    def pause(self, ticket: Ticket) -> Saved:
        index = self._index.get(ticket)
        slot = None if index is None else self._slots[index]
        if index is None or slot is None:
            raise ValueError(f"ticket {ticket!r}: in no slot")
        row = self.site.table.host_whole[index]
        if row[POSITION.value] > 0 or any(slot in each.live for each in self._rounds):
            raise ValueError(f"ticket {ticket!r}: in the middle of an epoch")
        with self._on_device():
            saved = Saved(parameters=self.network.save(index, slot.shapes), epoch=int(row[EPOCH.value]))
        self._leave(slot)
        return saved

    def remove(self, ticket: Ticket) -> None:
        slot = self._slots[self._index[ticket]]
        assert slot is not None
        self._leave(slot)

    def _module(self, config: Config, key: Key, saved: Saved | None) -> nn.Module:
        """Build the trial's network: with its initial weights, or with the shapes of saved ones only."""
        if saved is None:
            return self.objective.start(config, self.split, key, "cpu")
        with torch.device("meta"):
            return self.objective.network(config, self.split)

    def _enter(self, slot: Slot, module: nn.Module, key: Key, learning_rate: float, epoch: int) -> None:
        """Fill the slot's row of the table, at the beginning of an epoch."""
        table, index = self.site.table, slot.index
        table.clear(index)
        table.host_keys[index] = key.view(np.int64)
        integers, rates = table.host_whole[index], table.host_rates[index]
        integers[BATCH.value], integers[ROWS.value], integers[EPOCH.value] = slot.batch, len(self.site.train), epoch
        integers[WIDTH.value : WIDTH.value + len(slot.widths)] = slot.widths
        rates[RATE.value] = learning_rate
        for layer, dropout in enumerate(dropouts(module)):
            integers[KEEP.value + layer], rates[SCALE.value + layer] = dropout.keep, dropout.scale
        self._slots[index], self._index[slot.ticket] = slot, index
        self._unordered.add(index)

    def _leave(self, slot: Slot) -> None:
        self._slots[slot.index] = None
        del self._index[slot.ticket]
        self._unordered.discard(slot.index)
        self.site.table.clear(slot.index)

    def _launch(self, until: Mapping[Ticket, int] | None) -> bool:
        """Launch a round of the trials that have an epoch before them; False where there are none."""
        table = self.site.table
        rows, batch, position, epoch = (table.column(c.value) for c in (ROWS, BATCH, POSITION, EPOCH))
        live = [x for x in self._slots if x is not None and (until is None or epoch[x.index] < until[x.ticket])]
        if not live:
            return False
        index = np.array([slot.index for slot in live])
        needed = int(np.min(-((position - rows)[index] // batch[index])))
        replays = min(count_tiles(needed, self.quantum), self.longest)
        steps = replays * self.quantum
        after = np.minimum(rows, position + steps * batch)[index]
        finished = [slot for slot, row in zip(live, after, strict=True) if row == rows[slot.index]]
        start = Mark.here(self.site.device)
        self._train(index, [slot.index for slot in finished], replays)
        trained = Mark.here(self.site.device)
        seen = self._evaluate(len(finished))
        end = Mark.here(self.site.device)
        self._rounds.append(
            Round(steps=steps, live=live, finished=finished, seen=seen, start=start, trained=trained, end=end)
        )
        self.work.steps += steps
        position[index] = after
        done = [slot.index for slot in finished]
        position[done], epoch[done] = 0, epoch[done] + 1
        return True

    def _train(self, live: np.ndarray, finished: list[int], replays: int) -> None:
        """Launch training, data orders before and behind it included."""
        asleep = np.ones(self.capacity, dtype=bool)
        asleep[live] = False
        new = sorted(self._unordered)
        self._unordered.clear()
        self.site.table.upload(asleep, finished, new)
        self.launches.order(self.site.table.new, new, later=0)
        for _ in range(replays):
            self.launches.steps()
        self.launches.order(self.site.table.finished, finished, later=1)

    def _evaluate(self, count: int) -> Tensor:
        """Launch the evaluation of the first slots of the table's `finished`, all lanes at a time.

        Returns:
            The memory of the host that their counts, (groups, 3, lanes) int32, are on their way to.
        """
        lanes, table = self.site.lanes, self.site.table
        groups = count_tiles(count, lanes)
        on_device = torch.empty((groups, 3, lanes), dtype=torch.int32, device=self.site.device)
        for group in range(groups):
            self.site.who.copy_(table.finished[group * lanes : (group + 1) * lanes])
            self.launches.evaluate()
            on_device[group].copy_(self.launches.seen)
        seen = torch.empty((groups, 3, lanes), dtype=torch.int32, pin_memory=table.pinned)
        return seen.copy_(on_device, non_blocking=True)

    def _charge(self, ended: Round) -> None:
        """Divide a round's time among its slots; the test set is off the clock."""
        valid, test = len(self.images.valid), len(self.images.test)
        seconds = ended.seconds(1.0 if self.images.test is self.images.valid else valid / (valid + test))
        self._lead.step = ended.end.seconds_since(ended.start) / ended.steps
        for slot in ended.live:
            slot.seconds += seconds / len(ended.live)

    def _epoch(self, slot: Slot, valid_wrong: int, test_wrong: int, not_finite: int) -> Epoch:
        """Count a finished epoch's work and make its result."""
        self._count(slot)
        seconds, slot.seconds = slot.seconds, 0.0
        if not_finite:
            self._leave(slot)
        counts = Counts(valid_wrong=valid_wrong, test_wrong=test_wrong, seconds=seconds, finite=not not_finite)
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
