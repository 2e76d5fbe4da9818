"""The looped route: hand-written layers in a loop, held against the reference loop weight by weight."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from objectives import OBJECTIVES
from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.stacks.looped import stack as looped
from objectives.stacks.looped.sequential import layers_of
from objectives.stacks.looped.stack import LoopedStack
from objectives.stacks.looped.tiny_convolution import TinyConvolution
from objectives.training import counter_rng
from objectives.training.data import Images, Split, load_splits
from objectives.training.networks import Dropout, Tanh, build_network
from objectives.training.reference_loop import train
from tests.objectives.stacks.trials import plant, same_weights, trained, trials

pytestmark = pytest.mark.usefixtures("one_thread")

MACHINE = Machine()
KEY = np.array([10, 11], dtype=np.uint64)
generated = settings(max_examples=15, derandomize=True)


def images(count, side, index):
    x = torch.from_numpy(counter_rng.uniform(KEY, index, count * side * side)).view(count, 1, side, side)
    return Images(x=x, y=torch.from_numpy(counter_rng.permutation(KEY, index, count) % 10))


def random_split(side, count=75):
    valid = images(20, side, 1)
    return Split(train=images(count, side, 0), valid=valid, test=valid)


def both(build, split, *, learning_rate=0.1, batch_size=16, epochs=2):
    """Networks and counts of the reference and the looped route from the same beginning."""
    results = []
    for loop in (train, looped.train):
        network = build_network(build, KEY, "cpu")
        curve = loop(network, split, learning_rate=learning_rate, batch_size=batch_size, key=KEY)
        counts = [next(curve) for _ in range(epochs)]
        results.append((network, [(epoch.valid_wrong, epoch.test_wrong, epoch.finite) for epoch in counts]))
    return results


def agree(build, split, **options):
    (network, counts), (other, other_counts) = both(build, split, **options)
    assert counts == other_counts
    return same_weights(network, other)


def by_hand(build, split):
    """Whether the network trains by hand-written layers, and without a dense product for a convolution."""
    found = layers_of(build_network(build, KEY, "cpu"), split.train.x.shape[1:])
    return found is not None and not any(isinstance(layer, TinyConvolution) for layer in found)


# Weights


@generated
@given(
    widths=st.lists(st.integers(1, 70), max_size=3),
    activation=st.sampled_from([nn.ReLU, nn.Sigmoid, Tanh]),
    dropout=st.sampled_from([0.0, 0.3, 0.9]),
    batch_size=st.integers(2, 80),
)
def test_dense_networks(widths, activation, dropout, batch_size):
    """Random dense networks with dropout end in the reference loop's weights, by batches of any size."""

    def build():
        sizes = [36, *widths]
        hidden = [
            module
            for inputs, outputs in zip(sizes, widths, strict=False)
            for module in (nn.Linear(inputs, outputs), activation(), Dropout(dropout))
        ]
        return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], 10))

    split = random_split(6)
    assert by_hand(build, split)
    assert agree(build, split, batch_size=batch_size, learning_rate=0.3)


@generated
@given(
    channels=st.integers(1, 9),
    kernel=st.sampled_from([1, 3, 5]),
    activation=st.sampled_from([nn.ReLU, nn.Sigmoid, Tanh]),
    dropout=st.booleans(),
    batch_size=st.integers(1, 33),
)
def test_convolutional_networks(channels, kernel, activation, dropout, batch_size):
    """The same for convolutions and pooling on images that are too large for dense products."""

    def build():
        return nn.Sequential(
            nn.Conv2d(1, channels, kernel, padding=kernel // 2), activation(), nn.AvgPool2d(2),
            Dropout(0.4 if dropout else 0.0), nn.Conv2d(channels, 3, 3), activation(),
            nn.Flatten(), nn.Linear(3 * 16, 10),
        )  # fmt: skip

    split = random_split(12, count=40)
    assert by_hand(build, split)
    assert agree(build, split, batch_size=batch_size)


class Branching(nn.Module):
    """No chain: nothing here knows its layers."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(36, 10), nn.Linear(36, 10)

    def forward(self, x):
        return self.one(x.flatten(1)) + torch.sin(self.two(x.flatten(1)))


UNKNOWN = {
    "own module": Branching,
    "normalised": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 9), nn.BatchNorm1d(9), nn.Linear(9, 10)),
    "without bias": lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 10, bias=False)),
    "odd pooling": lambda: nn.Sequential(nn.Conv2d(1, 2, 2), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(8, 10)),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_other_networks_train_by_autograd(name):
    """A network without hand-written layers goes through the reference loop, with its weights."""
    split = random_split(6)
    assert not by_hand(UNKNOWN[name], split)
    assert agree(UNKNOWN[name], split)


def tied():
    shared = nn.Linear(36, 36)
    return nn.Sequential(nn.Flatten(), shared, nn.ReLU(), shared, nn.Linear(36, 10))


def test_networks_with_a_layer_used_twice():
    """A shared weight's gradients are added before its step."""
    assert agree(tied, random_split(6))


def test_networks_with_dense_layers_on_images():
    """nn.Linear before flattening works on the last dimension."""
    assert agree(lambda: nn.Sequential(nn.Linear(6, 4), nn.Flatten(), nn.Linear(24, 10)), random_split(6))


@pytest.mark.parametrize("data", ["digits", "fashion_mnist"])
def test_dropout_mlp(data, monkeypatch):
    """DropoutMLP of random widths, rates and batches on both geometries: the reference's weights."""
    machine = plant(monkeypatch, data, 400, 28) if data == "fashion_mnist" else MACHINE
    objective, split = DropoutMLP(data=data), load_splits(data, "standard", None, machine)[0]
    for trial in trials(objective, 4):
        one, two = (trained(objective, trial, split, 2, loop) for loop in (train, looped.train))
        assert one[1] == two[1]
        assert same_weights(one[0], two[0])


def test_lenet(monkeypatch):
    """LeNet of the book's geometry: the reference's weights."""
    objective, machine = LeNet(data="fashion_mnist"), plant(monkeypatch, "fashion_mnist", 400, 28)
    split = load_splits("fashion_mnist", "standard", None, machine)[0]
    for trial in trials(objective, 6):
        one, two = (trained(objective, trial, split, 2, loop) for loop in (train, looped.train))
        assert one[1] == two[1]
        assert same_weights(one[0], two[0])


def test_lenet_on_digits_within_rounding():
    """With dense products for convolutions an epoch's weights differ by rounding, most by next to nothing.

    Training multiplies differences, the more the longer its steps: of 24 configurations the median was
    6e-8 and the largest 2e-5.
    """
    objective, split = LeNet(), load_splits("digits", "standard", None, MACHINE)[0]
    distances = []
    for trial in trials(objective, 24):
        one, two = (trained(objective, trial, split, 1, loop)[0] for loop in (train, looped.train))
        pairs = zip(one.parameters(), two.parameters(), strict=True)
        distances.append(max(float((mine - other).detach().abs().max()) for mine, other in pairs))
    assert 0 < np.median(distances) <= 1e-6
    assert max(distances) <= 1e-3


@pytest.mark.parametrize("name", ["softmax", "lenet", "dropout_mlp"])
def test_evaluation_and_time(name):
    """A looped epoch has a positive time, and validates without dropout: again, it counts the same."""
    objective, split = OBJECTIVES[name](), load_splits("digits", "standard", None, MACHINE)[0]
    [trial] = trials(objective, 1)
    network = objective.start(trial.config, split, KEY, "cpu")
    epoch = next(looped.train(network, split, learning_rate=0.1, batch_size=64, key=KEY))
    layers = layers_of(network, split.train.x.shape[1:])
    assert epoch.seconds > 0
    assert epoch.valid_wrong == looped._count_wrong(layers, split.valid) == looped._count_wrong(layers, split.valid)
    assert epoch.test_wrong == looped._count_wrong(layers, split.test)


def test_one_infinite_weight_is_seen():
    """Any parameter that is not finite makes the epoch a lost one."""
    build, split = (lambda: nn.Sequential(nn.Flatten(), nn.Linear(36, 10))), random_split(6)
    for index in range(2):
        network = build_network(build, KEY, "cpu")
        with torch.no_grad():
            list(network.parameters())[index].view(-1)[3] = math.inf
        assert not next(looped.train(network, split, learning_rate=0.0, batch_size=16, key=KEY)).finite


# The stack


def counting(config, seed):
    """A toy training: the error is the epoch's number; it may raise or diverge."""
    for number in range(100):
        if number == config.get("raises"):
            raise RuntimeError("broken network")
        diverged = number == config.get("diverges")
        yield Epoch(valid_error=number + config["base"], test_error=0.0, seconds=1.0, diverged=diverged)
        if diverged:
            return


def toy_stack(capacity=3):
    return LoopedStack(counting, lambda config: 10.0 * config["base"], route="looped", capacity=capacity)


def test_the_first_admitted_trains_first():
    """The oldest trial has the processor until it leaves; then the next one."""
    stack = toy_stack()
    for ticket in "abc":
        stack.admit(ticket, {"base": 1}, np.random.SeedSequence(0))
    assert stack.free == 0
    assert [stack.advance()[0][0] for _ in range(2)] == ["a", "a"]
    saved = stack.pause("a")
    assert [stack.advance()[0][0] for _ in range(2)] == ["b", "b"]
    stack.admit("again", {"base": 1}, np.random.SeedSequence(0), saved)
    stack.pause("b")
    stack.pause("c")
    [(ticket, epoch)] = stack.advance()
    assert (ticket, epoch.valid_error) == ("again", 3)


def test_trials_that_raise_or_diverge_leave():
    """A network that raises is handed back with its error, and takes nobody with it."""
    stack = toy_stack()
    stack.admit("raises", {"base": 0, "raises": 1}, np.random.SeedSequence(0))
    stack.admit("diverges", {"base": 0, "diverges": 0}, np.random.SeedSequence(0))
    stack.admit("fine", {"base": 0}, np.random.SeedSequence(0))
    stack.advance()
    [(ticket, error)] = stack.advance()
    assert ticket == "raises"
    assert isinstance(error, RuntimeError)
    [(ticket, epoch)] = stack.advance()
    assert (ticket, epoch.diverged) == ("diverges", True)
    assert stack.free == 2
    assert stack.advance()[0][0] == "fine"


def test_an_empty_stack_does_nothing():
    """Without trials there is nothing to train."""
    stack = toy_stack()
    assert stack.advance() == []
    assert stack.free == stack.capacity == 3


def test_counters():
    """Work is the sum of the epochs trained, all of it useful."""
    stack = toy_stack()
    stack.admit("a", {"base": 1}, np.random.SeedSequence(0))
    stack.admit("b", {"base": 5}, np.random.SeedSequence(0))
    stack.advance()
    stack.pause("a")
    stack.advance()
    stack.advance()
    assert (stack.work.steps, stack.work.useful, stack.work.spent) == (3, 110, 110)


@pytest.mark.parametrize("name", ["lenet", "dropout_mlp"])
def test_a_paused_training_holds_no_batch(name):
    """After an epoch no layer keeps an input, an output or a mask of the last batch: thousands may be paused."""
    objective = OBJECTIVES[name](data="digits")
    split = load_splits("digits", "standard", None, Machine())[0]
    network = objective.start(objective.default, split, counter_rng.trial_key(np.random.SeedSequence(0), 0), "cpu")
    layers = layers_of(network, split.train.x.shape[1:])
    for layer, dropout in enumerate(looped.dropouts(network)):
        dropout.start_epoch(counter_rng.trial_key(np.random.SeedSequence(0), 0), layer, 0)
    looped._epoch(layers, split, 0.1, 64, counter_rng.trial_key(np.random.SeedSequence(0), 0), 0)
    kept = [tensor for layer in layers for tensor in vars(layer).values() if isinstance(tensor, torch.Tensor)]
    assert kept
    assert not {"x", "y", "half", "mask"} & {attribute for layer in layers for attribute in vars(layer)}
