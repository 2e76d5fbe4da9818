"""The reference training loop against plain PyTorch, image by image and bit by bit."""

import math
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn

from objectives import OBJECTIVES
from objectives.classification.base import ImageClassification
from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.mlp import MLP
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.training import counter_rng, reference_loop
from objectives.training.data import Images, Split, load_splits
from objectives.training.networks import build_network, dropout_mlp, dropouts, small_lenet
from objectives.training.reference_loop import count_wrong, train
from tests.objectives.training.textbook import HANDS, SEED, HandSoftmax, textbook
from tests.objectives.training.trained_networks import key_of, same_bits

pytestmark = pytest.mark.usefixtures("one_thread")


MACHINE = Machine()


MLP_CONFIG = {
    "num_hiddens_1": 48,
    "num_hiddens_2": 31,
    "dropout_1": 0.3,
    "dropout_2": 0.6,
    "lr": 0.5,
    "batch_size": 50,
}


DEEP_CONFIG = {
    "learning_rate": 0.4,
    "batch_size": 64,
    "dropout": 0.3,
    "num_layers": 3,
    "width_1": 33,
    "width_2": 20,
    "width_3": 47,
}


TRIALS = {
    "softmax": (SoftmaxRegression, {"learning_rate": 0.3}, 0.3, 16),
    "lenet": (LeNet, {"learning_rate": 0.4, "batch_size": 48}, 0.4, 48),
    "dropout_mlp": (DropoutMLP, MLP_CONFIG, 0.5, 50),
    "mlp": (MLP, DEEP_CONFIG, 0.4, 64),
}


every = pytest.mark.parametrize("name", TRIALS)


def digits(folds=None, split="standard"):
    return load_splits("digits", split, folds, MACHINE)


def ways(name, objective):
    """How a trial trains with the textbook's bits; LeNet on digits is a dense product, whose bits are others."""
    return [objective.reference] if name == "lenet" else [objective.reference, objective.train]


# The loop


@every
def test_the_loop_is_the_textbooks(name):
    """Two epochs end in the same weights and counts, to the bit, as a plain PyTorch loop."""
    kind, config, learning_rate, batch_size = TRIALS[name]
    split, objective = digits()[0], kind(epochs=2)
    plain, counts = textbook(HANDS[name], split, learning_rate, batch_size, 2)
    key = counter_rng.trial_key(SEED, 0)
    network = build_network(lambda: objective.network(config, split), key, "cpu", xavier=objective.xavier)
    ours = train(network, split, learning_rate=learning_rate, batch_size=batch_size, key=key)
    assert [(epoch.valid_wrong, epoch.test_wrong) for epoch in islice(ours, 2)] == counts
    assert same_bits(network, plain)


@every
def test_an_objectives_curve_is_the_textbooks(name):
    """The errors an objective gives are the plain loop's counts over the sizes of the sets."""
    kind, config, learning_rate, batch_size = TRIALS[name]
    _, counts = textbook(HANDS[name], digits()[0], learning_rate, batch_size, 2)
    expected = [(valid / 300, test / 300) for valid, test in counts]
    for way in ways(name, kind()):
        assert [(epoch.valid_error, epoch.test_error) for epoch in islice(way(config, SEED, MACHINE), 2)] == expected


@every
def test_a_cross_validated_curve_is_every_fold_by_hand(name):
    """With folds the error is the sum of the folds' counts over the sum of their images."""
    kind, config, learning_rate, batch_size = TRIALS[name]
    folds = [
        textbook(HANDS[name], split, learning_rate, batch_size, 2, fold)[1] for fold, split in enumerate(digits(3))
    ]
    expected = [tuple(np.sum(counts, axis=0)) for counts in zip(*folds, strict=True)]
    for way in ways(name, kind(folds=3)):
        curve = islice(way(config, SEED, MACHINE), 2)
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
    network = build_network(lambda: small_lenet(nn.Tanh), key_of(3), "cpu", xavier=True)
    curve = train(network, digits()[0], learning_rate=0.3, batch_size=32, key=key_of(4))
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
    monkeypatch.setattr(reference_loop, "EVALUATION_BATCH", batch)
    assert count_wrong(network, digits()[0].valid) == epochs[0].valid_wrong


def test_evaluation_changes_nothing():
    """Counting leaves weights and gradients alone."""
    network, _ = trained()
    before = [parameter.clone() for parameter in network.parameters()]
    count_wrong(network, digits()[0].valid)
    assert all(map(torch.equal, before, network.parameters()))
    assert all(parameter.grad is None for parameter in network.parameters())


def test_evaluation_is_without_dropout():
    """Masks are drawn for training batches only, so validating does not move on to other ones."""
    network = build_network(lambda: dropout_mlp(64, (20, 20), (0.5, 0.5)), key_of(6), "cpu")
    x = digits()[0].train.x[:40]

    def rows(evaluate):
        for layer, dropout in enumerate(dropouts(network)):
            dropout.start_epoch(key_of(5), layer, 0)
        first = network.train()(x)
        if evaluate:
            counts = [count_wrong(network.eval(), digits()[0].valid) for _ in range(2)]
            assert counts[0] == counts[1]
        return torch.stack([first, network.train()(x)])

    undisturbed = rows(evaluate=False)
    assert not torch.equal(undisturbed[0], undisturbed[1])
    assert torch.equal(rows(evaluate=True), undisturbed)


# Divergence


DIVERGING = {
    "softmax": {"learning_rate": 1e38},
    "lenet": {"learning_rate": 1e38, "batch_size": 64},
    "dropout_mlp": {**MLP_CONFIG, "lr": 1e30},
    "mlp": {**DEEP_CONFIG, "learning_rate": 1e30},
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
    curve = train(network, digits()[0], learning_rate=0.1, batch_size=500, key=key_of(0))
    assert not next(curve).finite


# Splits


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
    network = build_network(Watching, key_of(0), "cpu")
    curve = train(
        network,
        Split(train=images, valid=images, test=images),
        learning_rate=0.0,
        batch_size=4,
        key=key_of(1),
    )
    assert all(len(list(islice(curve, 1))) for _ in range(2))
    assert [len(batch) for batch in seen] == [4, 4, 2] * 2
    first, second = ([*seen[i], *seen[i + 1], *seen[i + 2]] for i in (0, 3))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_every_network_of_the_registry_is_compared():
    """A new network objective needs its textbook twin here."""
    assert set(TRIALS) == {name for name, kind in OBJECTIVES.items() if issubclass(kind, ImageClassification)}
