"""The functional route: any network, stacked, with the same bits in every company."""

import hashlib
import itertools
import random
import time
from dataclasses import dataclass
from functools import cache
from itertools import islice

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.nn import functional

from objectives.classification.base import ImageClassification, Setting
from objectives.objective import Machine
from objectives.space import Categorical, Space
from objectives.stacks.functional.blocks import Block
from objectives.stacks.functional.stack import FunctionalStack, refusal
from objectives.stacks.functional.tracing import CPU_SIZES
from objectives.training.counter_rng import trial_key
from objectives.training.data import load_splits
from objectives.training.reference_loop import train

pytestmark = pytest.mark.usefixtures("one_thread")

MACHINE = Machine()
EPOCHS = 3
SLOPES = (number / 1000 for number in itertools.count(1))


class Branching(nn.Module):
    """A forward that is no sequence: a skip connection, an activation by function, two dropouts."""

    def __init__(self, width, dropouts):
        super().__init__()
        self.first, self.second, self.last = nn.Linear(64, width), nn.Linear(width, width), nn.Linear(width, 10)
        self.drop_first, self.drop_second = nn.Dropout(dropouts[0]), nn.Dropout(dropouts[1])

    def forward(self, x):
        h = functional.relu(self.first(x.flatten(1)))
        return self.last(self.drop_second(h + torch.tanh(self.second(self.drop_first(h)))))


@dataclass(frozen=True, slots=True, kw_only=True)
class Own(ImageClassification):
    """What a user may write; `kind` chooses the network."""

    kind: str = "branching"

    @property
    def setting(self):
        space = {
            "learning_rate": stats.loguniform(0.01, 1),
            "batch_size": stats.randint(20, 129),
            "width": Categorical([13, 32]),
            "dropout": stats.uniform(0.1, 0.6),
        }
        return Setting(space=Space(space), default=None, epochs=EPOCHS)

    def network(self, config, split):
        width = config["width"]
        if self.kind == "branching":
            return Branching(width, (config["dropout"], config["dropout"] / 2))
        if self.kind[0].isdigit():
            sizes = [64, *map(int, self.kind.split("-"))]
            inside = [part for pair in itertools.pairwise(sizes) for part in (nn.Linear(*pair), nn.GELU())]
            return nn.Sequential(nn.Flatten(), *inside, nn.Linear(sizes[-1], 10))
        if self.kind == "odd":
            return nn.Sequential(nn.Flatten(), nn.Linear(64, 7), nn.Tanh(), nn.Linear(7, 13), nn.ReLU(),
                                 nn.Linear(13, 5), nn.Sigmoid(), nn.Linear(5, 10))  # fmt: skip
        return MISFITS[self.kind](width)


def dense(*inside):
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 16), *inside, nn.Linear(16, 10))


def hooked(network):
    network.register_forward_hook(lambda module, x, y: y * 2)
    return network


class Raises(nn.Module):
    def forward(self, x):
        raise ArithmeticError("not today")


class RaisesInEvaluation(nn.Module):
    def forward(self, x):
        if not self.training:
            raise ArithmeticError("not today")
        return x


class MixesRows(nn.Module):
    def forward(self, x):
        return x - x.mean(0)


class Noisy(nn.Module):
    def forward(self, x):
        return x + torch.randn_like(x)


class Counting(nn.Module):
    calls = 0

    def forward(self, x):
        self.calls += 1
        return x * self.calls


class Branches(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


class TwiceDropped(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        return self.drop(self.drop(x))


MISFITS = {
    "batch_norm": lambda width: dense(nn.BatchNorm1d(16)),
    "batch_norm_without_buffers": lambda width: dense(nn.BatchNorm1d(16, track_running_stats=False)),
    "mixes_rows": lambda width: dense(MixesRows()),
    "noisy": lambda width: dense(Noisy()),
    "counting": lambda width: dense(Counting()),
    "branches": lambda width: dense(Branches()),
    "twice_dropped": lambda width: dense(TwiceDropped()),
    "frozen": lambda width: dense().requires_grad_(False),
    "convolution": lambda width: nn.Sequential(nn.Conv2d(1, 4, 3), nn.Flatten(), nn.Linear(144, 10)),
    "raises": lambda width: dense(Raises()),
    "raises_for_some": lambda width: dense(Raises() if width == 13 else nn.ReLU()),
    "raises_in_evaluation": lambda width: dense(RaisesInEvaluation() if width == 13 else nn.ReLU()),
    "slopes": lambda width: dense(nn.LeakyReLU(width / 100)),
    "hooked": lambda width: hooked(dense()),
    "large": lambda width: nn.Sequential(nn.Flatten(), nn.Linear(64, 4096), nn.Linear(4096, 10)),
    "unlike": lambda width: dense(nn.LeakyReLU(next(SLOPES))),
}
REASONS = {
    "batch_norm": "has buffers",
    "batch_norm_without_buffers": "not those of the network alone",
    "mixes_rows": "not those of the network alone",
    "noisy": "random operation",
    "counting": "depend on the slot",
    "branches": "data-dependent control flow",
    "twice_dropped": "does not see every row once",
    "frozen": "not a trained float32 parameter",
    "convolution": "slower stacked",
    "raises": "not today",
    "hooked": "has hooks",
    "large": "too many to gain",
    "unlike": "17 structures among 17 configurations",
}


def seed(number):
    return np.random.SeedSequence(5, spawn_key=(number,))


def errors(epoch):
    return (epoch.valid_error, epoch.test_error, epoch.diverged)


@cache
def configurations(kind, count=22):
    """Random configurations, every fifth of which diverges."""
    generator = np.random.default_rng(3)
    configs = [Own(kind=kind).space.sample(generator) for _ in range(count)]
    return [{**config, "learning_rate": 1e30} if i % 5 == 4 else config for i, config in enumerate(configs)]


def curves(objective, configs, *, capacity, order=None, pauses=None):
    """Curves and final weights of all trials, through one stack; `pauses` is a generator that decides."""
    stack = FunctionalStack(objective, MACHINE, capacity)
    waiting = [(number, None) for number in (order or range(len(configs)))]
    found, weights = {number: [] for number in range(len(configs))}, {}
    while waiting or stack.free < capacity:
        while waiting and stack.free:
            number, saved = waiting.pop(0)
            stack.admit(number, configs[number], seed(number), saved)
        for number, epoch in stack.advance():
            found[number].append(epoch if isinstance(epoch, Exception) else errors(epoch))
            if isinstance(epoch, Exception) or epoch.diverged:
                continue
            if len(found[number]) == EPOCHS:
                weights[number] = stack.pause(number)
            elif pauses is not None and pauses.random() < 0.7:
                waiting.insert(pauses.randrange(len(waiting) + 1), (number, stack.pause(number)))
    return found, weights


@cache
def together(kind):
    return curves(Own(kind=kind), configurations(kind), capacity=64)


def same(one, other):
    assert one[0] == other[0]
    assert one[1].keys() == other[1].keys()
    for number, saved in one[1].items():
        assert all(map(torch.equal, saved.parameters, other[1][number].parameters))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["branching", "odd"])
@pytest.mark.parametrize("capacity", [1, 2, 7])
def test_capacity_order_and_pauses_change_no_bit(kind, capacity):
    """Epochs and weights are the same for any capacity, admission order and pauses, beside diverging trials."""
    configs = configurations(kind)
    choice = random.Random(capacity)
    order = choice.sample(range(len(configs)), len(configs))
    same(curves(Own(kind=kind), configs, capacity=capacity, order=order, pauses=choice), together(kind))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["7-5-13-3", "100-7", "1-9-1"])
def test_odd_widths_change_no_bit(kind):
    """Slots of odd sizes, which start off the borders of memory, give a lone slot's bits."""
    configs = configurations(kind, 9)
    stacked = curves(Own(kind=kind), configs, capacity=9)
    same(curves(Own(kind=kind), configs, capacity=1), stacked)


def digest():
    """A checksum of the weights of a few trials."""
    torch.set_num_threads(1)
    _, weights = curves(Own(), configurations("branching", 6), capacity=5)
    parts = [weight.numpy().tobytes() for number in sorted(weights) for weight in weights[number].parameters]
    return hashlib.sha256(b"".join(parts)).hexdigest()


@pytest.mark.slow
def test_another_process_gives_the_same_bits(in_fresh_process):
    """Nothing that differs between processes, such as addresses and hashes, is in the weights."""
    assert in_fresh_process(__file__, "digest") == digest()


def test_pause_at_every_epoch_changes_no_bit():
    """A stack whose trials are paused after every epoch gives what one that never pauses gives."""

    class Always(random.Random):
        def random(self):
            return 0.0

    configs = configurations("branching")
    same(curves(Own(), configs, capacity=64, pauses=Always(1)), together("branching"))


def test_diverged_trials_are_worth_chance_and_leave():
    """An exploding trial is reported once, with the chance error, and its neighbours stay finite."""
    found, weights = together("branching")
    assert {number for number, curve in found.items() if curve[-1][2]} == set(range(4, 22, 5))
    assert all(found[number] == [(0.9, 0.9, True)] for number in range(4, 22, 5))
    assert all(weight.isfinite().all() for saved in weights.values() for weight in saved.parameters)


@pytest.mark.parametrize("kind", ["branching", pytest.param("odd", marks=pytest.mark.slow)])
def test_agrees_with_the_reference_loop(kind):
    """After an epoch weights are within rounding of the reference loop's, and errors hardly ever differ."""
    objective, split = Own(kind=kind), load_splits("digits", "standard", None, MACHINE)[0]
    stack = FunctionalStack(objective, MACHINE, 64)
    configs = configurations(kind)
    for number, config in enumerate(configs):
        stack.admit(number, config, seed(number))
    assert stack.alone.free == 64
    done = {}
    while len(done) < len(configs):
        done |= {ticket: (epoch, None if epoch.diverged else stack.pause(ticket)) for ticket, epoch in stack.advance()}
    for number, (epoch, saved) in done.items():
        key, config = trial_key(seed(number), 0), configs[number]
        network = objective.start(config, split, key, "cpu")
        counts = next(
            train(network, split, learning_rate=config["learning_rate"], batch_size=config["batch_size"], key=key)
        )
        assert counts.finite is not epoch.diverged
        if saved is not None:
            assert abs(counts.valid_wrong / 300 - epoch.valid_error) < 1.5 / 300
            for ours, theirs in zip(saved.parameters, network.parameters(), strict=True):
                assert (ours - theirs).norm() <= 1e-5 * theirs.norm()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["branching", "odd"])
def test_curves_are_those_of_the_reference_loop(kind):
    """Over all epochs validation errors are the reference loop's, up to an image here and there."""
    found, _ = together(kind)
    distances = []
    for number, config in enumerate(configurations(kind)):
        expected = [errors(epoch) for epoch in islice(Own(kind=kind).reference(config, seed(number), MACHINE), EPOCHS)]
        assert [epoch[2] for epoch in expected] == [epoch[2] for epoch in found[number]]
        distances += [abs(one[0] - other[0]) * 300 for one, other in zip(expected, found[number], strict=True)]
    assert max(distances) < 2.5
    assert np.mean(distances) < 0.1


def test_more_trials_than_a_block_and_settings_apart():
    """Trials beyond a block's slots open another, and equal shapes with other settings are kept apart."""
    stack = FunctionalStack(Own(kind="slopes"), MACHINE, 64)
    configs = [{"learning_rate": 0.1, "batch_size": 100, "width": w, "dropout": 0.0} for w in [13] * 20 + [32] * 5]
    for number, config in enumerate(configs):
        stack.admit(number, config, seed(number))
    assert sorted(len(b.trials) for g in stack.groups.values() for b in g.blocks) == [
        4,
        5,
        CPU_SIZES[-1],
        CPU_SIZES[-1],
    ]
    first = dict(stack.advance())
    for number, config in enumerate(configs):
        alone = FunctionalStack(Own(kind="slopes"), MACHINE, 1)
        alone.admit("it", config, seed(number))
        assert [errors(epoch) for _, epoch in alone.advance()] == [errors(first[number])]
    assert stack.work.useful <= stack.work.spent


@pytest.mark.slow
def test_batches_larger_than_the_data_and_batches_of_one_row():
    """A batch of all images and one that leaves a single row over train as the reference loop does."""
    configs = [{"learning_rate": 0.1, "batch_size": size, "width": 13, "dropout": 0.3} for size in (5000, 1197, 46, 92)]
    assert 1197 % 46 == 1197 % 92 == 1
    found, _ = curves(Own(), configs, capacity=4)
    for number, config in enumerate(configs):
        expected = [errors(epoch) for epoch in islice(Own().reference(config, seed(number), MACHINE), EPOCHS)]
        assert max(abs(a[0] - b[0]) for a, b in zip(found[number], expected, strict=True)) < 1.5 / 300


@pytest.mark.parametrize("kind", REASONS)
def test_misfits_are_refused(kind):
    """What cannot be stacked without changing a trial is told apart, and the reason given."""
    assert REASONS[kind] in refusal(Own(kind=kind), MACHINE)


@pytest.mark.parametrize("kind", ["branching", "odd", "slopes"])
def test_plain_networks_are_not_refused(kind):
    """Networks that compute their rows one by one are stacked."""
    assert refusal(Own(kind=kind), MACHINE) is None


def test_refused_networks_train_alone_in_their_slots():
    """A refused network's curve is its objective's own, from a slot that can be paused."""
    configs = configurations("batch_norm", 3)
    found, _ = curves(Own(kind="batch_norm"), configs, capacity=2, pauses=random.Random(2))
    for number, config in enumerate(configs):
        own = Own(kind="batch_norm").train(config, seed(number), MACHINE)
        assert found[number] == [errors(epoch) for epoch in islice(own, EPOCHS)]


@pytest.mark.parametrize("kind", ["raises_for_some", "raises_in_evaluation"])
def test_a_raising_network_harms_nobody_else(kind):
    """An exception is handed out under its ticket; the other trials' curves are what they are without it."""
    configs = [config for config in configurations(kind) if config["learning_rate"] < 10]
    found, _ = curves(Own(kind=kind), configs, capacity=64)
    healthy = [number for number, config in enumerate(configs) if config["width"] == 32]
    assert 3 < len(healthy) < len(configs) - 3
    apart, _ = curves(Own(kind=kind), configs, capacity=64, order=healthy)
    for number in range(len(configs)):
        if number in healthy:
            assert found[number] == apart[number]
            assert len(found[number]) == EPOCHS
        else:
            (error,) = found[number]
            assert isinstance(error, ArithmeticError)


def test_a_failing_device_hands_out_the_exception(monkeypatch):
    """A step that fails frees the slots of its block and says why, ticket by ticket."""

    def step(self):
        raise torch.OutOfMemoryError("full")

    monkeypatch.setattr(Block, "step", step)
    stack = FunctionalStack(Own(), MACHINE, 3)
    for number, config in enumerate(configurations("branching")[:3]):
        stack.admit(number, config, seed(number))
    outcomes = stack.advance()
    assert sorted(ticket for ticket, _ in outcomes) == [0, 1, 2]
    assert all(isinstance(error, torch.OutOfMemoryError) for _, error in outcomes)
    assert stack.free == 3


@pytest.mark.slow
def test_dropout_drawn_on_the_device_is_the_same(monkeypatch):
    """Masks that a device draws for itself are those that NumPy draws, so that the weights are too."""
    monkeypatch.setattr(Block, "on_device", True)
    same(curves(Own(), configurations("branching"), capacity=64), together("branching"))


def test_folds_are_refused():
    """The route trains on one split, and says so."""
    assert refusal(Own(folds=3), MACHINE) == "it validates on several folds"
    with pytest.raises(ValueError, match="folds = 3"):
        FunctionalStack(Own(folds=3), MACHINE, 2)


def test_seconds_are_shares_of_the_time():
    """The seconds of trials side by side add up to no more than the time that passed."""
    stack = FunctionalStack(Own(), MACHINE, 8)
    started = time.perf_counter()
    for number in range(4):
        stack.admit(number, configurations("branching")[number], seed(number))
    seconds = [epoch.seconds for _ in range(4) for _, epoch in stack.advance()]
    assert seconds
    assert 0 < sum(seconds) <= time.perf_counter() - started
