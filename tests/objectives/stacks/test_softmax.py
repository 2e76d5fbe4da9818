"""Stacked softmax regression: the reference loop's weights to the bit, whatever stands beside."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stacks import softmax
from objectives.stacks.softmax import SoftmaxStack, dense_layer
from objectives.training import counter_rng
from objectives.training.data import Images, Split, load_splits
from tests.objectives.stacks.trials import Trial, alone, lost, plant, through, trained, trials

pytestmark = pytest.mark.usefixtures("one_thread")

MACHINE = Machine()
KEY = np.array([8, 9], dtype=np.uint64)


def weights_of(saved):
    return saved.weight, saved.bias.squeeze(0)


def stacked_weights(objective, queue, epochs, machine=MACHINE):
    """Weights and biases of trials that all train in one stack, by number."""
    stack = SoftmaxStack(objective, machine, len(queue))
    for trial in queue:
        stack.admit(trial.number, trial.config, trial.seed)
    for _ in range(epochs):
        stack.advance()
    return {trial.number: weights_of(stack.pause(trial.number)) for trial in queue}


def reference_weights(objective, trial, epochs, machine=MACHINE):
    split = load_splits(objective.data, objective.split, objective.folds, machine)[0]
    linear = dense_layer(trained(objective, trial, split, epochs)[0])
    return linear.weight, linear.bias


def same(one, other):
    return all(map(torch.equal, one, other))


# Weights


@pytest.mark.parametrize("split", ["standard", "book"])
@pytest.mark.parametrize("count", [1, 2, 7, 33])
def test_weights_are_the_references(count, split):
    """After two epochs every slot holds the reference loop's weights; the last batch has 13 or 9 rows."""
    objective = SoftmaxRegression(split=split)
    queue = trials(objective, count)
    weights = stacked_weights(objective, queue, 2)
    for trial in queue[:: max(1, count // 7)]:
        assert same(weights[trial.number], reference_weights(objective, trial, 2))


def test_weights_of_large_images_are_the_references(monkeypatch):
    """The same on images of 28x28, whose products are twelve times as long."""
    machine = plant(monkeypatch, "fashion_mnist", 500, 28)
    objective = SoftmaxRegression(data="fashion_mnist")
    queue = trials(objective, 9)
    weights = stacked_weights(objective, queue, 2, machine)
    for trial in queue:
        assert same(weights[trial.number], reference_weights(objective, trial, 2, machine))


class Batches(SoftmaxRegression):
    """Softmax regression with batches of another size."""

    size = 16

    @property
    def fixed_batch_size(self):
        return Batches.size


@pytest.mark.parametrize("size", [1, 5, 16, 17, 31, 32, 65, 100, 200, 256, 300, 1197, 5000])
def test_batches_of_any_size(size, monkeypatch):
    """One row, a size that does not divide the images, all of them at once, and more than there are."""
    monkeypatch.setattr(Batches, "size", size)
    objective = Batches()
    queue = trials(objective, 3)
    if not softmax.agrees(64, 10, size):
        pytest.skip(f"batches of {size} have other bits on this machine, and are not stacked")
    weights = stacked_weights(objective, queue, 1)
    for trial in queue:
        assert same(weights[trial.number], reference_weights(objective, trial, 1))


@pytest.mark.parametrize("left", range(1, 16))
def test_last_batches_of_any_size(left, monkeypatch):
    """An epoch may end in a batch of 1 to 15 rows."""
    images = load_splits("digits", "standard", None, MACHINE)[0].train
    part = images.take(np.arange(160 + left))
    split = Split(train=part, valid=images.take(np.arange(300, 400)), test=images.take(np.arange(400, 500)))
    monkeypatch.setattr(softmax, "load_splits", lambda *arguments: [split])
    objective = SoftmaxRegression()
    queue = trials(objective, 3)
    weights = stacked_weights(objective, queue, 2)
    for trial in queue:
        linear = dense_layer(trained(objective, trial, split, 2)[0])
        assert same(weights[trial.number], (linear.weight, linear.bias))


@pytest.mark.parametrize("size", [2, 3, 8, 32, 64])
@pytest.mark.parametrize("count", [16, 13, 9, 7, 1])
@pytest.mark.parametrize("pixels", [64, 784])
def test_a_slots_products_are_single_products(size, count, pixels):
    """In a stack of any size each product and sum has the bits that it has alone, whole batches and short ones."""
    x = torch.from_numpy(counter_rng.uniform(KEY, 0, size * count * pixels)).view(size, count, pixels)
    weight = torch.from_numpy(counter_rng.uniform(KEY, 1, size * 10 * pixels)).view(size, 10, pixels) - 0.5
    bias = torch.from_numpy(counter_rng.uniform(KEY, 2, size * 10)).view(size, 1, 10)
    logits = torch.baddbmm(bias, x, weight.transpose(1, 2))
    gradient = logits - logits.mean(2, keepdim=True)
    slope, sums = torch.bmm(gradient.transpose(1, 2), x), gradient.sum(1)
    for slot in range(size):
        rows, own = x[slot].clone(), gradient[slot].clone()
        assert torch.equal(functional.linear(rows, weight[slot].clone(), bias[slot, 0].clone()), logits[slot])
        assert torch.equal(own.t().mm(rows), slope[slot])
        assert torch.equal(own.sum(0), sums[slot])


def test_the_machine_is_asked():
    """Here the products agree, for both data sets."""
    assert softmax.agrees(64, 10, 16)
    assert softmax.agrees(784, 10, 16)


def test_a_machine_whose_products_differ_is_found_out(monkeypatch):
    """One bit of one slot's product is enough to refuse the route."""
    honest = torch.bmm

    def differing(one, other):
        product = honest(one, other)
        product[-1, 0, 0] = torch.nextafter(product[-1, 0, 0], torch.tensor(9e9))
        return product

    monkeypatch.setattr(torch, "bmm", differing)
    softmax.agrees.cache_clear()
    try:
        assert not softmax.agrees(64, 10, 16)
    finally:
        softmax.agrees.cache_clear()


# Slots


def test_a_paused_trial_keeps_its_weights():
    """What pausing gives is a copy: the stack goes on without changing it."""
    objective = SoftmaxRegression()
    first, *others = trials(objective, 3)
    stack = SoftmaxStack(objective, MACHINE, 3)
    for trial in (first, *others):
        stack.admit(trial.number, trial.config, trial.seed)
    stack.advance()
    saved = stack.pause(first.number)
    before = [part.clone() for part in weights_of(saved)]
    stack.advance()
    stack.admit("again", first.config, first.seed, saved)
    stack.advance()
    assert same(weights_of(saved), before)
    assert same(weights_of(stack.pause("again")), reference_weights(objective, first, 2))


@pytest.mark.parametrize("leaver", [0, 1, 2, 3])
def test_whoever_leaves_the_others_stay(leaver):
    """A trial that leaves any slot moves others, and none of their weights."""
    objective = SoftmaxRegression()
    queue = trials(objective, 4)
    stack = SoftmaxStack(objective, MACHINE, 4)
    for trial in queue:
        stack.admit(trial.number, trial.config, trial.seed)
    stack.advance()
    stack.pause(leaver)
    assert stack.free == 1
    stack.advance()
    for trial in queue[:leaver] + queue[leaver + 1 :]:
        assert same(weights_of(stack.pause(trial.number)), reference_weights(objective, trial, 2))
    assert stack.free == 4
    assert stack.advance() == []


def test_a_lost_neighbour_leaves_nothing_behind():
    """After a neighbour of infinite weights the slot's next trial has the reference's weights."""
    objective = SoftmaxRegression()
    one, two = trials(objective, 2)
    stack = SoftmaxStack(objective, MACHINE, 2)
    bad = lost(objective, 7)
    stack.admit(7, bad.config, bad.seed)
    stack.admit(one.number, one.config, one.seed)
    ended = dict(stack.advance())
    assert ended[7].diverged
    assert (ended[7].valid_error, ended[7].test_error) == (0.9, 0.9)
    assert not ended[one.number].diverged
    assert stack.free == 1
    stack.admit(two.number, two.config, two.seed)
    stack.advance()
    assert same(weights_of(stack.pause(one.number)), reference_weights(objective, one, 2))
    assert same(weights_of(stack.pause(two.number)), reference_weights(objective, two, 1))


def test_a_lone_trial_after_a_crowd():
    """The dummy beside a single trial is no memory of the trial that stood there."""
    objective = SoftmaxRegression()
    queue = trials(objective, 5)
    stack = SoftmaxStack(objective, MACHINE, 5)
    for trial in queue:
        stack.admit(trial.number, trial.config, trial.seed)
    stack.advance()
    for trial in queue[:2] + queue[3:]:
        stack.pause(trial.number)
    stack.advance()
    assert same(weights_of(stack.pause(2)), reference_weights(objective, queue[2], 2))


# Rows past the end


def test_rows_past_the_end_of_the_epoch_lose_nobody(monkeypatch):
    """Padding rows show image 0; that its logits overflow when it is not trained on must not carry a trial off.

    Image 0 is far brighter than the other 16 and is trained on in the first batch, whose one step is so
    long that afterwards its logits are infinite, while those of the short last batch are not.
    """
    x = torch.full((17, 1, 8, 8), 1e-3)
    x[0] = 1.0
    images = Images(x=x, y=torch.arange(17) % 10)
    split = Split(train=images, valid=images.take(np.arange(1, 17)), test=images)
    monkeypatch.setattr(softmax, "load_splits", lambda *arguments: [split])
    seeds = map(np.random.SeedSequence, range(100))
    seed = next(seed for seed in seeds if 0 in counter_rng.permutation(counter_rng.trial_key(seed, 0), 0, 17)[:16])
    objective, config = SoftmaxRegression(), {"learning_rate": 3e38}
    network, counts = trained(objective, Trial(number=0, config=config, seed=seed), split, 1)
    assert all(parameter.isfinite().all() for parameter in network.parameters())
    assert not (network[1].weight * 64).isfinite().all()
    stack = SoftmaxStack(objective, MACHINE, 2)
    stack.admit(0, config, seed)
    [(_, epoch)] = stack.advance()
    assert not epoch.diverged
    assert (epoch.valid_error, epoch.test_error) == (counts[0][0] / 16, counts[0][1] / 17)


# Counters and time


def test_counters():
    """Steps and multiply-adds are those of the epochs; padding and the dummy are spent but not useful."""
    objective = SoftmaxRegression()
    queue = trials(objective, 5)
    stack = SoftmaxStack(objective, MACHINE, 5)
    through([stack], queue, 3)
    per_epoch = 2 * 1197 * 64 * 10
    assert stack.work.steps == 3 * 75
    assert stack.work.useful == 5 * 3 * per_epoch
    assert stack.work.useful <= stack.work.spent <= stack.work.useful * 1200 / 1197
    lone = SoftmaxStack(objective, MACHINE, 1)
    through([lone], queue[:1], 1)
    assert lone.work.useful == per_epoch
    assert 2 * per_epoch <= lone.work.spent <= 2 * per_epoch * 1200 / 1197


def test_seconds_are_positive_and_shared():
    """Every trial of an epoch is charged its share, a new one its setting up as well."""
    objective = SoftmaxRegression()
    stack = SoftmaxStack(objective, MACHINE, 3)
    for trial in trials(objective, 3):
        stack.admit(trial.number, trial.config, trial.seed)
    first, second = ([epoch.seconds for _, epoch in stack.advance()] for _ in range(2))
    assert len(set(first)) > 1
    assert len(set(second)) == 1
    assert min(first + second) > 0


@pytest.mark.slow
def test_curves_are_the_references():
    """The errors of 40 random learning rates over three epochs are the reference loop's."""
    objective = SoftmaxRegression(epochs=3)
    queue = trials(objective, 40)
    assert through([SoftmaxStack(objective, MACHINE, 16)], queue, 3) == alone(objective.reference, queue, 3)


# Which networks


def outline(*modules):
    with torch.device("meta"):
        return nn.Sequential(*(make() for make in modules))


class OwnLinear(nn.Linear):
    """Like nn.Linear as far as anybody knows."""


def hooked(linear):
    linear.register_forward_hook(lambda *arguments: None)
    return linear


@pytest.mark.parametrize(
    "modules",
    [
        [lambda: nn.Linear(64, 10)],
        [nn.Flatten, lambda: nn.Linear(64, 10, bias=False)],
        [nn.Flatten, lambda: OwnLinear(64, 10)],
        [nn.Flatten, lambda: nn.Linear(64, 10), nn.ReLU],
        [nn.Flatten, lambda: nn.Linear(64, 64), lambda: nn.Linear(64, 10)],
        [nn.Flatten, lambda: hooked(nn.Linear(64, 10))],
        [nn.Flatten, lambda: nn.Linear(64, 10).requires_grad_(False)],
    ],
)
def test_other_networks_are_not_stacked_here(modules):
    """Only a flattening and one plain dense layer are softmax regression."""
    assert dense_layer(outline(*modules)) is None


def test_softmax_regression_is_recognised():
    """The one dense layer is found."""
    network = outline(nn.Flatten, lambda: nn.Linear(64, 10))
    assert dense_layer(network) is network[1]
