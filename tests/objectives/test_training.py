"""The reference training loop against plain PyTorch, image by image and bit by bit."""

import math
from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from objectives import OBJECTIVES, training
from objectives.classification import ImageClassification
from objectives.data import Images, Split, load_splits
from objectives.dropout_mlp import DropoutMLP
from objectives.lenet import LeNet
from objectives.networks import Dropout, dropout_mlp, lenet, materialise, small_lenet, softmax_regression
from objectives.objective import Machine
from objectives.softmax import SoftmaxRegression
from objectives.training import count_wrong, train

pytestmark = pytest.mark.usefixtures("one_thread")

MACHINE = Machine()
SEED = np.random.SeedSequence(2024, spawn_key=(7,))
WEIGHTS, ORDER, DROPOUT = 0, 1, 2
MLP_CONFIG = {
    "num_hiddens_1": 48,
    "num_hiddens_2": 31,
    "dropout_1": 0.3,
    "dropout_2": 0.6,
    "lr": 0.5,
    "batch_size": 50,
}
TRIALS = {
    "softmax": (SoftmaxRegression, {"learning_rate": 0.3}, 0.3, 16),
    "lenet": (LeNet, {"learning_rate": 0.4, "batch_size": 48}, 0.4, 48),
    "dropout_mlp": (DropoutMLP, MLP_CONFIG, 0.5, 50),
}
every = pytest.mark.parametrize("name", TRIALS)


# The textbook's way, with nothing of ours in it


def torch_generator(purpose, fold=0):
    """The generator that the design keys by purpose and fold, made by hand."""
    seed = np.random.SeedSequence(SEED.entropy, spawn_key=(*SEED.spawn_key, purpose, fold))
    generator = torch.Generator()
    generator.manual_seed(int(seed.generate_state(1, np.uint64)[0]))
    return generator


class HandSoftmax(nn.Module):
    xavier = False

    def __init__(self, masks):
        super().__init__()
        self.output = nn.Linear(64, 10)

    def forward(self, x):
        return self.output(x.reshape(len(x), -1))


class HandLeNet(nn.Module):
    xavier = True

    def __init__(self, masks):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 6, 3, padding=1), nn.Conv2d(6, 16, 3, padding=1)
        self.third, self.fourth, self.output = nn.Linear(64, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = functional.avg_pool2d(torch.tanh(self.first(x)), 2, 2)
        x = functional.avg_pool2d(torch.tanh(self.second(x)), 2, 2)
        x = torch.tanh(self.third(x.reshape(len(x), -1)))
        return self.output(torch.tanh(self.fourth(x)))


class HandMLP(nn.Module):
    xavier = False

    def __init__(self, masks):
        super().__init__()
        self.first, self.second, self.output = nn.Linear(64, 48), nn.Linear(48, 31), nn.Linear(31, 10)
        self.masks = masks

    def drop(self, x, probability):
        if not self.training:
            return x
        return x * (torch.empty_like(x).bernoulli_(1 - probability, generator=self.masks) / (1 - probability))

    def forward(self, x):
        x = self.drop(functional.relu(self.first(x.reshape(len(x), -1))), 0.3)
        return self.output(self.drop(functional.relu(self.second(x)), 0.6))


HANDS = {"softmax": HandSoftmax, "lenet": HandLeNet, "dropout_mlp": HandMLP}


def by_hand(kind, fold=0):
    """A hand-made network, its weights drawn layer by layer: weights first, then biases."""
    with torch.random.fork_rng(devices=[]):
        network = kind(torch_generator(DROPOUT, fold))
    generator = torch_generator(WEIGHTS, fold)
    for layer in network.children():
        inputs = layer.weight[0].numel()
        outputs = layer.weight.shape[0] * layer.weight[0, 0].numel()
        bound = math.sqrt(6 / (inputs + outputs)) if kind.xavier else math.sqrt(1 / inputs)
        layer.weight.data = torch.rand(layer.weight.shape, generator=generator) * (2 * bound) - bound
        bound = 1 / math.sqrt(inputs)
        layer.bias.data = torch.rand(layer.bias.shape, generator=generator) * (2 * bound) - bound
    return network


def wrong(network, images):
    network.eval()
    with torch.no_grad():
        return int((network(images.x).argmax(1) != images.y).sum())


def textbook(kind, split, learning_rate, batch_size, epochs, fold=0):
    """Minibatch SGD as every tutorial writes it; the network and its counts after each epoch."""
    network, order, counts = by_hand(kind, fold), torch_generator(ORDER, fold), []
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate)
    for _ in range(epochs):
        network.train()
        permutation = torch.randperm(len(split.train.y), generator=order)
        for first in range(0, len(permutation), batch_size):
            batch = permutation[first : first + batch_size]
            optimizer.zero_grad()
            functional.cross_entropy(network(split.train.x[batch]), split.train.y[batch]).backward()
            optimizer.step()
        counts.append((wrong(network, split.valid), wrong(network, split.test)))
    return network, counts


def digits(folds=None, split="standard"):
    return load_splits("digits", split, folds, MACHINE)


def same_bits(network, other):
    pairs = zip(network.parameters(), other.parameters(), strict=True)
    return all(torch.equal(mine, theirs) for mine, theirs in pairs)


# The loop


@every
def test_the_loop_is_the_textbooks(name):
    """Two epochs end in the same weights and counts, to the bit, as a plain PyTorch loop."""
    kind, config, learning_rate, batch_size = TRIALS[name]
    split, objective = digits()[0], kind(epochs=2)
    plain, counts = textbook(HANDS[name], split, learning_rate, batch_size, 2)
    network = materialise(
        lambda: objective.network(config, split, torch_generator(DROPOUT)),
        np.random.SeedSequence(SEED.entropy, spawn_key=(*SEED.spawn_key, WEIGHTS, 0)),
        "cpu",
        xavier=objective.xavier,
    )
    order = np.random.SeedSequence(SEED.entropy, spawn_key=(*SEED.spawn_key, ORDER, 0))
    ours = train(network, split, learning_rate=learning_rate, batch_size=batch_size, order_seed=order)
    assert [(epoch.valid_wrong, epoch.test_wrong) for epoch in islice(ours, 2)] == counts
    assert same_bits(network, plain)


@every
def test_an_objectives_curve_is_the_textbooks(name):
    """The errors an objective gives are the plain loop's counts over the sizes of the sets."""
    kind, config, learning_rate, batch_size = TRIALS[name]
    _, counts = textbook(HANDS[name], digits()[0], learning_rate, batch_size, 2)
    curve = [(epoch.valid_error, epoch.test_error) for epoch in islice(kind().train(config, SEED, MACHINE), 2)]
    assert curve == [(valid / 300, test / 300) for valid, test in counts]


@every
def test_a_cross_validated_curve_is_every_fold_by_hand(name):
    """With folds the error is the sum of the folds' counts over the sum of their images."""
    kind, config, learning_rate, batch_size = TRIALS[name]
    folds = [
        textbook(HANDS[name], split, learning_rate, batch_size, 2, fold)[1] for fold, split in enumerate(digits(3))
    ]
    expected = [tuple(np.sum(counts, axis=0)) for counts in zip(*folds, strict=True)]
    curve = islice(kind(folds=3).train(config, SEED, MACHINE), 2)
    assert [(epoch.valid_error, epoch.test_error) for epoch in curve] == [(v / 1497, t / 900) for v, t in expected]


def test_the_books_protocol_by_hand():
    """Under the book's protocol all development images train, and validation is the test."""
    _, config, learning_rate, batch_size = TRIALS["softmax"]
    split = digits(split="book")[0]
    assert split.valid is split.test
    _, counts = textbook(HandSoftmax, split, learning_rate, batch_size, 2)
    curve = islice(SoftmaxRegression(split="book").train(config, SEED, MACHINE), 2)
    errors = [(epoch.valid_error, epoch.test_error) for epoch in curve]
    assert errors == [(test / 300, test / 300) for _, test in counts]


def test_training_learns():
    """Full training on digits comes far below chance on images never trained on."""
    last = list(islice(LeNet().train({"learning_rate": 0.5, "batch_size": 32}, SEED, MACHINE), 8))[-1]
    assert last.valid_error < 0.15
    assert last.test_error < 0.15


# Counting


def image_by_image(network, images):
    with torch.no_grad():
        answers = [int(network(images.x[i : i + 1]).argmax()) for i in range(len(images))]
    return sum(answer != int(label) for answer, label in zip(answers, images.y, strict=True))


def trained(epochs=1):
    network = materialise(lambda: small_lenet(nn.Tanh), np.random.SeedSequence(3), "cpu", xavier=True)
    curve = train(network, digits()[0], learning_rate=0.3, batch_size=32, order_seed=np.random.SeedSequence(4))
    return network, list(islice(curve, epochs))


def test_wrong_answers_are_counted_one_by_one():
    """The count is that of looking at one image after the other."""
    network, epochs = trained()
    split = digits()[0]
    assert epochs[0].valid_wrong == image_by_image(network, split.valid)
    assert epochs[0].test_wrong == image_by_image(network, split.test)
    assert count_wrong(network, split.train) == image_by_image(network, split.train)


@pytest.mark.parametrize("batch", [1, 7, 299, 300, 10_000])
def test_the_error_does_not_depend_on_the_evaluation_batch(batch, monkeypatch):
    """Any division of the validation set into batches, a short last one too, counts the same."""
    network, epochs = trained()
    monkeypatch.setattr(training, "EVALUATION_BATCH", batch)
    assert count_wrong(network, digits()[0].valid) == epochs[0].valid_wrong


def test_evaluation_changes_nothing():
    """Counting leaves weights and gradients alone."""
    network, _ = trained()
    before = [parameter.clone() for parameter in network.parameters()]
    count_wrong(network, digits()[0].valid)
    assert all(map(torch.equal, before, network.parameters()))
    assert all(parameter.grad is None for parameter in network.parameters())


def test_evaluation_is_without_dropout():
    """Masks are drawn for training batches only, so validating does not move their generator."""
    generator = torch.Generator().manual_seed(5)
    network = materialise(
        lambda: dropout_mlp(64, (20, 20), (0.5, 0.5), generator), np.random.SeedSequence(6), "cpu"
    ).eval()
    before = generator.get_state()
    first = count_wrong(network, digits()[0].valid)
    assert count_wrong(network, digits()[0].valid) == first
    assert torch.equal(generator.get_state(), before)


# Divergence

DIVERGING = {
    "softmax": {"learning_rate": 1e38},
    "lenet": {"learning_rate": 1e38, "batch_size": 64},
    "dropout_mlp": {**MLP_CONFIG, "lr": 1e30},
}


@every
@pytest.mark.parametrize("options", [{}, {"folds": 2}, {"split": "book"}])
def test_a_diverging_trial_is_worth_chance_and_ends(name, options):
    """Weights that overflow end the trial with the chance error, never with NaN."""
    objective = TRIALS[name][0](**options)
    curve = list(islice(objective.train(DIVERGING[name], SEED, MACHINE), 50))
    assert curve[-1].diverged
    assert (curve[-1].valid_error, curve[-1].test_error) == (0.9, 0.9)
    assert objective.chance_error == 0.9
    assert len(curve) < 50
    assert not any(epoch.diverged or math.isnan(epoch.valid_error) for epoch in curve[:-1])
    assert curve[-1].seconds > 0


class OneFoldExplodes(SoftmaxRegression):
    """Its learning rate is harmless but for the last of the folds that a trial starts."""

    started = 0

    def learning_rate(self, config):
        OneFoldExplodes.started += 1
        return 1e38 if OneFoldExplodes.started == 3 else 0.1


def test_one_diverging_fold_is_a_diverged_trial():
    """Cross-validation averages no finite folds with one that is lost."""
    curve = list(islice(OneFoldExplodes(folds=3).train({"learning_rate": 0.1}, SEED, MACHINE), 50))
    assert [epoch.diverged for epoch in curve] == [False] * (len(curve) - 1) + [True]
    assert len(curve) < 50
    assert curve[-1].valid_error == curve[-1].test_error == 0.9


def test_a_weight_that_is_not_finite_is_seen_in_any_layer():
    """One infinite bias is enough to tell a lost network."""
    network, _ = trained()
    assert trained()[1][-1].finite
    with torch.no_grad():
        network[0].bias[2] = math.inf
    curve = train(network, digits()[0], learning_rate=0.1, batch_size=500, order_seed=np.random.SeedSequence(0))
    assert not next(curve).finite


# Initial weights

NETWORKS = {
    "softmax": (lambda: softmax_regression(784), False),
    "lenet": (lambda: lenet(nn.Sigmoid), True),
    "small_lenet": (lambda: small_lenet(nn.Tanh), True),
    "dropout_mlp": (lambda: dropout_mlp(784, (64, 32), (0.5, 0.5), torch.Generator()), False),
}


def layers(network):
    return [module for module in network.modules() if isinstance(module, nn.Linear | nn.Conv2d)]


def torchs_own(build, xavier, count):
    """Networks initialised by PyTorch itself, from global generators of its own."""
    with torch.random.fork_rng(devices=[]):
        torch.set_rng_state(torch.Generator().manual_seed(99).get_state())
        networks = [build() for _ in range(count)]
        for layer in [layer for network in networks for layer in layers(network)] if xavier else []:
            nn.init.xavier_uniform_(layer.weight)
    return networks


def pooled(networks, index, part):
    return torch.cat([getattr(layers(network)[index], part).detach().flatten() for network in networks])


@pytest.mark.parametrize("name", NETWORKS)
def test_initial_weights_have_torchs_law(name):
    """Layer by layer, weights and biases have the bounds and deviations of PyTorch's own."""
    build, xavier = NETWORKS[name]
    seeds = np.random.SeedSequence(8).spawn(80)
    ours = [materialise(build, seed, "cpu", xavier=xavier) for seed in seeds]
    theirs = torchs_own(build, xavier, 80)
    for index, layer in enumerate(layers(ours[0])):
        fan_in = layer.weight[0].numel()
        fan_out = layer.weight[:, 0].numel()
        bounds = {"weight": math.sqrt(6 / (fan_in + fan_out)) if xavier else fan_in**-0.5, "bias": fan_in**-0.5}
        for part, bound in bounds.items():
            mine, other = pooled(ours, index, part), pooled(theirs, index, part)
            room = 5 / math.sqrt(len(mine))  # five standard errors, and more for a uniform law
            assert mine.abs().max() <= bound
            assert other.abs().max() <= bound * 1.000001
            assert mine.abs().max() > 0.98 * bound
            assert mine.std() == pytest.approx(bound / math.sqrt(3), rel=room)
            assert mine.std() == pytest.approx(float(other.std()), rel=2 * room)
            assert abs(mine.mean()) < room * bound


def test_weights_are_a_function_of_the_seed():
    """The same seed gives the same network, another seed another."""
    one, two, other = (materialise(lambda: small_lenet(nn.Tanh), np.random.SeedSequence(s), "cpu") for s in (1, 1, 2))
    assert same_bits(one, two)
    assert not same_bits(one, other)


class Strange(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))


class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("memory", torch.ones(3))


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: nn.Sequential(nn.Linear(2, 2), nn.Conv1d(1, 1, 2)), "Conv1d"),
        (lambda: nn.Sequential(nn.Embedding(3, 2)), "Embedding"),
        (lambda: nn.PReLU(), "PReLU"),
        (Strange, "Strange"),
        (Remembering, "Remembering"),
    ],
)
def test_modules_that_nothing_initialises_are_refused(build, named):
    """No parameter or buffer is ever left as the memory happened to be."""
    with pytest.raises(ValueError, match=f"{named}: no rule initialises"):
        materialise(build, np.random.SeedSequence(0), "cpu")


def test_normalisation_layers_start_from_their_own_constants():
    """BatchNorm, LayerNorm and GroupNorm begin at one and zero, running statistics included."""
    network = materialise(
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.LayerNorm(6)),
        np.random.SeedSequence(0),
        "cpu",
    )
    for norm in network[1:]:
        assert (norm.weight == 1).all()
        assert (norm.bias == 0).all()
    assert (network[1].running_mean == 0).all()
    assert (network[1].running_var == 1).all()
    assert network(torch.zeros(2, 1, 8, 8)).isfinite().all()


# Dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.95])
def test_dropout_keeps_the_expectation(probability):
    """Units are zero with the given probability and scaled so that their mean stays."""
    layer = Dropout(probability, torch.Generator().manual_seed(1)).train()
    out = layer(torch.full((1000, 400), 2.0))
    deviation = 2 * math.sqrt(probability / (1 - probability) / out.numel())
    assert out.unique().tolist() == pytest.approx([0, 2 / (1 - probability)])
    assert float(out.mean()) == pytest.approx(2, abs=5 * deviation)
    assert float((out == 0).float().mean()) == pytest.approx(probability, abs=0.005)


def test_dropout_draws_from_its_own_generator():
    """Each call draws new masks, and the same generator gives the same ones again."""
    one, two = (Dropout(0.5, torch.Generator().manual_seed(2)).train() for _ in range(2))
    x = torch.ones(50, 50)
    first, second = one(x), one(x)
    assert not torch.equal(first, second)
    assert torch.equal(two(x), first)
    assert torch.equal(two(x), second)


@pytest.mark.parametrize(("probability", "training"), [(0.5, False), (0.0, True), (0.0, False)])
def test_dropout_without_effect(probability, training):
    """In evaluation and at probability 0 nothing changes and nothing is drawn."""
    generator = torch.Generator().manual_seed(3)
    before, x = generator.get_state(), torch.randn(5, 5, generator=torch.Generator().manual_seed(4))
    assert Dropout(probability, generator).train(training)(x) is x
    assert torch.equal(generator.get_state(), before)


def test_dropouts_gradient_passes_kept_units_alone():
    """The gradient is zero where a unit was dropped and scaled where it was kept."""
    x = torch.ones(100, requires_grad=True)
    out = Dropout(0.4, torch.Generator().manual_seed(5)).train()(x)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


# Splits


def census(*parts):
    """How often each labelled image occurs in some sets of images."""
    rows = [(x.numpy().tobytes(), int(y)) for images in parts for x, y in zip(images.x, images.y, strict=True)]
    return Counter(rows)


def test_the_digits_are_split_once():
    """1197, 300 and 300 images, no image in two sets, together the whole data set."""
    split, book = digits()[0], digits(split="book")[0]
    assert [len(part) for part in (split.train, split.valid, split.test)] == [1197, 300, 300]
    assert [len(part) for part in (book.train, book.valid, book.test)] == [1497, 300, 300]
    everything = census(split.train, split.valid, split.test)
    assert everything.total() == len(everything) == 1797
    assert census(split.train, split.valid) == census(book.train)
    assert census(book.test) == census(split.test)


@pytest.mark.parametrize("folds", [2, 3, 7])
def test_every_image_is_validated_in_one_fold(folds):
    """Folds divide the development images; each trains on all others, none on the test set."""
    splits, develop = digits(folds), census(digits(split="book")[0].train)
    assert len(splits) == folds
    assert census(*(split.valid for split in splits)) == develop
    for split in splits:
        assert census(split.train, split.valid) == develop
        assert len(split.valid) in (1497 // folds, 1497 // folds + 1)
        assert split.test is splits[0].test


def test_digits_are_images_in_the_unit_interval():
    """Pixels are float32 in [0, 1], labels int64 in 0..9, and every class is in every set."""
    split = digits()[0]
    for part in (split.train, split.valid, split.test):
        assert part.x.dtype == torch.float32
        assert part.x.shape[1:] == (1, 8, 8)
        assert (float(part.x.min()), float(part.x.max())) == (0.0, 1.0)
        assert part.y.dtype == torch.int64
        assert set(part.y.tolist()) == set(range(10))


def test_taking_images_copies_them():
    """Images taken are those at the index, in its order, and share no memory."""
    train_set = digits()[0].train
    taken = train_set.take(np.array([5, 3, 5]))
    assert torch.equal(taken.x, train_set.x[[5, 3, 5]])
    assert torch.equal(taken.y, train_set.y[[5, 3, 5]])
    taken.x.zero_()
    assert train_set.x[5].any()


def test_fashion_mnist_is_split_by_position(data_folder):
    """50000, 10000 and 10000 images; the validation images are the last of the training files."""
    machine = Machine(data=data_folder)
    split = load_splits("fashion_mnist", "standard", None, machine)[0]
    book = load_splits("fashion_mnist", "book", None, machine)[0]
    assert [len(part) for part in (split.train, split.valid, split.test)] == [50_000, 10_000, 10_000]
    assert [len(part) for part in (book.train, book.valid, book.test)] == [60_000, 10_000, 10_000]
    assert book.valid is book.test
    assert torch.equal(split.train.x, book.train.x[:50_000])
    assert torch.equal(split.valid.x, book.train.x[50_000:])
    assert torch.equal(split.valid.y, book.train.y[50_000:])
    assert torch.equal(split.test.x, book.test.x)
    assert (float(book.train.x.min()), float(book.train.x.max())) == (0.0, 1.0)


def test_fashion_mnist_sets_are_disjoint(data_folder):
    """No validation image occurs in the training or test set, but for the data set's own duplicates."""
    split = load_splits("fashion_mnist", "standard", None, Machine(data=data_folder))[0]
    train_set, valid, test = (census(part) for part in (split.train, split.valid, split.test))
    assert len(valid.keys() & train_set.keys()) + len(valid.keys() & test.keys()) < 5


def test_short_last_batches_are_trained_on():
    """A training set that the batch does not divide ends in a short batch, and every image counts once."""
    seen = []

    class Watching(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(1, 10)

        def forward(self, x):
            if self.training:
                seen.append(x.flatten().tolist())
            return self.linear(x.flatten(1))

    images = Images(x=torch.arange(10.0).reshape(10, 1, 1, 1), y=torch.zeros(10, dtype=torch.int64))
    network = materialise(Watching, np.random.SeedSequence(0), "cpu")
    curve = train(
        network,
        Split(train=images, valid=images, test=images),
        learning_rate=0.0,
        batch_size=4,
        order_seed=np.random.SeedSequence(1),
    )
    assert all(len(list(islice(curve, 1))) for _ in range(2))
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2
    first, second = ([*seen[i], *seen[i + 1], *seen[i + 2]] for i in (0, 3))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_every_network_of_the_registry_is_compared():
    """A new network objective needs its textbook twin here."""
    assert set(TRIALS) == {name for name, kind in OBJECTIVES.items() if issubclass(kind, ImageClassification)}
