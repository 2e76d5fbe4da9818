"""The textbook's training loop and networks, by hand, with nothing of ours in it but the random numbers."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from tests.objectives import philox

SEED = np.random.SeedSequence(2024, spawn_key=(7,))


class Masks:
    """The kept units of one epoch's rows, one batch after another."""

    def __init__(self, key):
        self.key = key

    def begin(self, epoch):
        self.epoch, self.position = epoch, [0, 0, 0]

    def next(self, layer, shape, probability):
        rows, width = shape
        first = self.position[layer]
        self.position[layer] += rows
        drawn = [philox.draws(self.key, layer, self.epoch, first + row, width) for row in range(rows)]
        kept = round((1 - probability) * 2**16)
        return (torch.tensor(drawn) < kept) * (2**16 / kept)


def tanh(x):
    """The harness's own formula; torch.tanh has other bits."""
    return 2 * torch.sigmoid(2 * x) - 1


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
        x = functional.avg_pool2d(tanh(self.first(x)), 2, 2)
        x = functional.avg_pool2d(tanh(self.second(x)), 2, 2)
        x = tanh(self.third(x.reshape(len(x), -1)))
        return self.output(tanh(self.fourth(x)))


class HandMLP(nn.Module):
    xavier = False

    def __init__(self, masks):
        super().__init__()
        self.first, self.second, self.output = nn.Linear(64, 48), nn.Linear(48, 31), nn.Linear(31, 10)
        self.masks = masks

    def drop(self, x, layer, probability):
        return x * self.masks.next(layer, x.shape, probability) if self.training else x

    def forward(self, x):
        x = self.drop(functional.relu(self.first(x.reshape(len(x), -1))), 0, 0.3)
        return self.output(self.drop(functional.relu(self.second(x)), 1, 0.6))


class HandDeepMLP(HandMLP):
    xavier = True

    def __init__(self, masks):
        nn.Module.__init__(self)
        self.first, self.second, self.third = nn.Linear(64, 33), nn.Linear(33, 20), nn.Linear(20, 47)
        self.output = nn.Linear(47, 10)
        self.masks = masks

    def forward(self, x):
        x = x.reshape(len(x), -1)
        for number, layer in enumerate((self.first, self.second, self.third)):
            x = self.drop(functional.relu(layer(x)), number, 0.3)
        return self.output(x)


HANDS = {"softmax": HandSoftmax, "lenet": HandLeNet, "dropout_mlp": HandMLP, "mlp": HandDeepMLP}


def drawn_by_hand(key, index, shape, bound):
    numbers = philox.units(key, index, math.prod(shape))
    return torch.tensor(numbers).reshape(shape) * (2 * bound) - bound


def by_hand(kind, masks):
    """A hand-made network, its weights drawn layer by layer: weights first, then biases."""
    with torch.random.fork_rng(devices=[]):
        network = kind(masks)
    for number, layer in enumerate(network.children()):
        inputs = layer.weight[0].numel()
        outputs = layer.weight.shape[0] * layer.weight[0, 0].numel()
        bound = math.sqrt(6 / (inputs + outputs)) if kind.xavier else math.sqrt(1 / inputs)
        layer.weight.data = drawn_by_hand(masks.key, 2 * number, layer.weight.shape, bound)
        layer.bias.data = drawn_by_hand(masks.key, 2 * number + 1, layer.bias.shape, 1 / math.sqrt(inputs))
    return network


def wrong(network, images):
    network.eval()
    with torch.no_grad():
        return int((network(images.x).argmax(1) != images.y).sum())


def textbook(kind, split, learning_rate, batch_size, epochs, fold=0):
    """Minibatch SGD as every tutorial writes it; the network and its counts after each epoch."""
    masks, counts = Masks(philox.key_by_hand(SEED, fold)), []
    network = by_hand(kind, masks)
    optimizer = torch.optim.SGD(network.parameters(), lr=learning_rate)
    for epoch in range(epochs):
        network.train()
        masks.begin(epoch)
        permutation = torch.tensor(philox.order(masks.key, epoch, len(split.train.y)))
        for first in range(0, len(permutation), batch_size):
            batch = permutation[first : first + batch_size]
            optimizer.zero_grad()
            functional.cross_entropy(network(split.train.x[batch]), split.train.y[batch]).backward()
            optimizer.step()
        counts.append((wrong(network, split.valid), wrong(network, split.test)))
    return network, counts
