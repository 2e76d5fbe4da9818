"""ResNet against a textbook loop written anew: another library's blocks, SGD and schedule by their formulas."""

import math
from itertools import islice

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torchvision.models.resnet import BasicBlock

from objectives.objective import Machine
from objectives.resnet.cifar10 import load_split
from objectives.resnet.network import resnet18
from objectives.resnet.objective import ResNet
from objectives.resnet.training import DEVIATION, MEAN, Recipe, augment, draw_augmentation, normalise, train
from objectives.training import counter_rng
from objectives.training.networks import build_network
from tests.objectives.resnet.images import few_images
from tests.objectives.simulated_cuda import simulated_cuda

__all__ = ["few_images"]
pytestmark = pytest.mark.usefixtures("one_thread")

KEY = np.array([3, 4], dtype=np.uint64)
RECIPE = Recipe(
    learning_rate=0.1, batch_size=32, weight_decay=1e-3, momentum=0.9, label_smoothing=0.1, epochs=3
)  # fmt: skip
ROWS = 100
SMALL = {"width": 4, "train_rows": ROWS, "epochs": 3}
CONFIG = {"learning_rate": 0.1, "batch_size": 32, "weight_decay": 1e-3, "momentum": 0.9, "label_smoothing": 0.1}


def textbook_network(width):
    """The same network of torchvision's blocks."""

    def block(inputs, outputs, stride):
        shortcut = None
        if stride != 1 or inputs != outputs:
            shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        return BasicBlock(inputs, outputs, stride, shortcut)

    blocks, inputs = [], width
    for stage in range(4):
        outputs = width * 2**stage
        blocks += [block(inputs, outputs, 2 if stage else 1), block(outputs, outputs, 1)]
        inputs = outputs
    stem = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


def textbook_rate(step, total):
    """Smith and Topin's one cycle with cosines: from a 25th up in three tenths of the steps, and down to 1/250 000."""
    top, start, end = RECIPE.learning_rate, RECIPE.learning_rate / 25, RECIPE.learning_rate / 25e4
    up = 0.3 * total - 1

    def cosine(low, high, share):
        return high + (low - high) * (1 + math.cos(math.pi * share)) / 2

    return cosine(start, top, step / up) if step <= up else cosine(top, end, (step - up) / (total - 1 - up))


def textbook_batch(images, order, places):
    """One image after another: pad, cut, mirror."""
    rows = []
    for image, (down, right, mirrored) in zip(images[order].numpy(), places, strict=True):
        scaled = (image / 255 - np.array(MEAN)[:, None, None]) / np.array(DEVIATION)[:, None, None]
        part = np.pad(scaled, ((0, 0), (4, 4), (4, 4)))[:, down : down + 32, right : right + 32]
        rows.append(part[:, :, ::-1].copy() if mirrored else part)
    return torch.from_numpy(np.stack(rows))


def textbook_training(network, split):
    """Weights and wrong answers after every epoch."""
    parameters = list(network.parameters())
    velocity = [torch.zeros_like(parameter) for parameter in parameters]
    steps = -(-ROWS // RECIPE.batch_size)
    step = 0
    for epoch in range(RECIPE.epochs):
        network.train()
        order, places = counter_rng.permutation(KEY, epoch, ROWS), draw_augmentation(KEY, epoch, ROWS)
        for first in range(0, ROWS, RECIPE.batch_size):
            batch = order[first : first + RECIPE.batch_size]
            logits = network(textbook_batch(split.train.x, batch, places[first : first + RECIPE.batch_size]))
            log_likelihood = functional.log_softmax(logits, dim=1)
            target = functional.one_hot(split.train.y[batch], 10) * 0.9 + 0.01
            gradients = torch.autograd.grad(-(target * log_likelihood).sum(dim=1).mean(), parameters)
            rate = textbook_rate(step, RECIPE.epochs * steps + 1)
            with torch.no_grad():
                for parameter, gradient, speed in zip(parameters, gradients, velocity, strict=True):
                    slope = gradient + RECIPE.weight_decay * parameter
                    speed.mul_(RECIPE.momentum).add_(slope)
                    parameter -= rate * (slope + RECIPE.momentum * speed)
            step += 1
        network.eval()
        with torch.no_grad():
            wrong = int((network(normalise(split.valid.x)).argmax(dim=1) != split.valid.y).sum())
        yield wrong


@pytest.fixture
def double():
    """Networks in double precision: batch normalisation multiplies single precision's rounding by thousands."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.slow
def test_equals_a_textbook_loop(few_images, double):
    """Three epochs end at the same weights within rounding, with the same wrong answers."""
    split = load_split(Machine(data=few_images), ROWS)
    ours = build_network(lambda: resnet18(4, 10), KEY, "cpu")
    with torch.device("meta"):
        textbook = textbook_network(4)
    textbook = textbook.to_empty(device="cpu")
    for module in textbook.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_parameters()
    for mine, other in zip(ours.parameters(), textbook.parameters(), strict=True):
        other.data.copy_(mine.data)

    counts = [epoch.valid_wrong for epoch in train(ours, split, RECIPE, KEY)]

    assert counts == list(textbook_training(textbook, split))
    for mine, other in zip(ours.parameters(), textbook.parameters(), strict=True):
        assert (mine - other).detach().abs().max() <= 1e-9


@pytest.mark.slow
def test_it_repeats_and_pauses(few_images):
    """A trial that waits for another one comes out the same."""
    machine, objective = Machine(data=few_images), ResNet(**SMALL)
    objective.prepare(machine)

    def begin(seed):
        return objective.train(CONFIG, np.random.SeedSequence(seed), machine)

    def outcome(epochs):
        return [(epoch.valid_error, epoch.test_error) for epoch in epochs]

    whole = outcome(begin(1))
    first, second = begin(1), begin(2)
    paused = [outcome(islice(first, 1)), outcome(islice(second, 3)), outcome(first)]

    assert paused[0] + paused[2] == whole != paused[1]
    assert len(whole) == 3


def test_augmentation_cuts_and_mirrors():
    """Every place and both orientations are drawn about equally often, and what is cut is what was asked for."""
    draws = draw_augmentation(KEY, 1, 20_000)
    assert all(np.abs(np.bincount(draws[:, axis], minlength=9) / 20_000 - 1 / 9).max() < 0.01 for axis in (0, 1))
    assert abs(draws[:, 2].mean() - 0.5) < 0.02
    assert not np.array_equal(draws, draw_augmentation(KEY, 2, 20_000))
    image = torch.arange(3 * 32 * 32, dtype=torch.float32).view(1, 3, 32, 32) + 1

    same, cut = augment(image.expand(2, -1, -1, -1), torch.tensor([[4, 4, 0], [0, 8, 1]]))

    assert same.equal(image[0])
    assert cut[:, 4:, 4:].equal(image[0, :, :28, 4:].flip(-1))
    assert not cut[:, :4].any()
    assert not cut[:, :, :4].any()


def test_a_training_that_diverges(few_images):
    """A learning rate that is far too high ends in the chance error."""
    objective = ResNet(**SMALL)
    config = {**CONFIG, "learning_rate": 1e30, "weight_decay": 1e8}
    last = list(objective.train(config, np.random.SeedSequence(0), Machine(data=few_images)))[-1]
    assert last.diverged
    assert last.valid_error == pytest.approx(0.9)


def test_space_and_options():
    """A fixed width is no hyperparameter; bad options are refused; prices depend on size and precision alone."""
    assert list(ResNet().space)[-1] == "width"
    assert "width" not in ResNet(width=8).space
    assert ResNet(width=8, epochs=3).cost_options({}) == ResNet(width=8).cost_options({})
    assert ResNet(precision="bf16").cost_options({}) != ResNet().cost_options({})
    small, large = (ResNet().cost_terms({**ResNet().default, "width": width}) for width in (16, 64))
    assert large.epoch["multiply_adds"] > 10 * small.epoch["multiply_adds"]
    for options in ({"width": 0}, {"train_rows": 45_001}, {"precision": "bfloat16"}, {"epochs": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            ResNet(**options)


@pytest.mark.slow
def test_bfloat16_is_close(few_images):
    """Convolutions in bfloat16 train about as well, and not the same."""
    machine = Machine(data=few_images)
    errors = [
        [epoch.valid_error for epoch in ResNet(**SMALL, precision=precision).train(
            CONFIG, np.random.SeedSequence(1), machine)]
        for precision in ("float32", "bf16")
    ]  # fmt: skip
    assert errors[0] != errors[1] or errors[0][-1] < 0.5
    assert abs(errors[0][-1] - errors[1][-1]) < 0.3


@pytest.mark.slow
def test_on_a_simulated_gpu(few_images):
    """Training mixes no devices, and the errors are the CPU's."""
    objective = ResNet(**{**SMALL, "epochs": 1})
    wanted = next(objective.train(CONFIG, np.random.SeedSequence(1), Machine(data=few_images)))
    with simulated_cuda():
        machine = Machine(device="cuda", data=few_images)
        objective.prepare(machine)
        found = next(objective.train(CONFIG, np.random.SeedSequence(1), machine))
    assert (found.valid_error, found.test_error) == (wanted.valid_error, wanted.test_error)
