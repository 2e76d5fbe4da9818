"""Hand-written layers against autograd, bit by bit, and which networks they stand for."""

import math

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from objectives.stacks.looped import layers
from objectives.stacks.looped.layers import layer_of
from objectives.stacks.looped.sequential import layers_of
from objectives.stacks.looped.stack import logits_gradient, loss_slopes
from objectives.stacks.looped.tiny_convolution import TinyConvolution
from objectives.training import counter_rng
from objectives.training.data import CLASSES
from objectives.training.networks import (
    Dropout,
    Tanh,
    build_network,
    dropout_mlp,
    lenet,
    small_lenet,
    softmax_regression,
)

pytestmark = pytest.mark.usefixtures("one_thread")

KEY = np.array([3, 4], dtype=np.uint64)
generated = settings(max_examples=25, derandomize=True)
rows, side, few = st.integers(1, 67), st.integers(1, 14), st.integers(1, 9)


def numbers(*shape, index=0, spread=3.0):
    """Numbers of both signs; a tenth of them are zeros, some of these negative zeros."""
    drawn = counter_rng.uniform(KEY, index, 2 * math.prod(shape)).reshape(2, *shape)
    values = np.where(drawn[1] < 0.9, drawn[0] * 2 * spread - spread, np.copysign(0, drawn[0] - 0.5))
    return torch.from_numpy(values.astype(np.float32))


def same(one, other):
    """Equal values; those that are no numbers in the same places."""
    filled = [part.nan_to_num(0, math.inf, -math.inf) for part in (one, other)]
    return torch.equal(one.isnan(), other.isnan()) and torch.equal(*filled)


def check(module, x):
    """Forward and backward of the module's hand-written layer against the module's own."""
    layer, given_x = layer_of(module), x.clone().requires_grad_()
    expected = module.train()(given_x)
    gradient = numbers(*expected.shape, index=1)
    wanted = torch.autograd.grad(expected, [given_x, *module.parameters()], gradient)
    out = layer.forward(x, training=True)
    assert same(out, expected.detach())
    for first in (False, True):
        got, parameter_gradients = layer.backward(gradient, first=first)
        assert len(parameter_gradients) == len(layer.parameters) == len(wanted) - 1
        assert all(map(same, parameter_gradients, wanted[1:]))
        if not first:
            assert same(got, wanted[0])
        elif layer.parameters:
            assert got is None
    assert same(layer.forward(x, training=False), module.eval()(x).detach())


def built(build):
    return build_network(build, KEY, "cpu")


# One layer at a time


@generated
@given(rows, st.integers(1, 130), st.integers(1, 130))
def test_a_dense_layer(count, inputs, outputs):
    """Products and sums of nn.Linear for any number of rows and any widths."""
    assume(count > 1 or inputs > 1)  # Of a single number autograd takes the input's gradient in another layout.
    check(built(lambda: nn.Linear(inputs, outputs)), numbers(count, inputs))


@generated
@given(st.integers(1, 33), few, few, st.tuples(side, side), st.tuples(st.integers(1, 5), st.integers(1, 5)), st.data())
def test_a_convolution(count, channels, outputs, size, kernel, data):
    """nn.Conv2d for any channels, sizes, kernels and padding, square or not."""
    padding = tuple(
        data.draw(st.integers(max(0, (taps - length + 1) // 2), 3)) for taps, length in zip(kernel, size, strict=True)
    )
    check(built(lambda: nn.Conv2d(channels, outputs, kernel, padding=padding)), numbers(count, channels, *size))


@generated
@given(st.integers(1, 33), few, side, side)
def test_pooling(count, channels, height, width):
    """nn.AvgPool2d on even sizes: the same additions in the same order."""
    check(nn.AvgPool2d(2), numbers(count, channels, 2 * height, 2 * width))


@pytest.mark.parametrize("kind", [nn.ReLU, nn.Sigmoid, Tanh, nn.Flatten])
@generated
@given(count=rows, channels=few, height=side, width=side)
def test_layers_without_parameters(kind, count, channels, height, width):
    """Activations and flattening of images of any size."""
    check(kind(), numbers(count, channels, height, width, spread=20.0))


@pytest.mark.parametrize("kind", [nn.ReLU, nn.Sigmoid, Tanh])
def test_activations_of_extreme_values(kind):
    """Infinite, huge, tiny and undefined inputs come out as autograd brings them out."""
    values = [math.inf, -math.inf, math.nan, 0.0, -0.0, 1e38, -1e38, 1e-45, -1e-45, 90, -90, 17, -17]
    check(kind(), torch.tensor([values]))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e38])
@pytest.mark.parametrize("kind", [lambda: nn.Linear(8, 5), lambda: nn.Conv2d(2, 3, 3, padding=1)])
def test_layers_of_lost_networks(kind, bad):
    """Weights that overflow spread through the products as they do under autograd."""
    module = built(kind)
    with torch.no_grad():
        module.weight.view(-1)[4] = bad
    check(module, numbers(*(7, 8) if isinstance(module, nn.Linear) else (7, 2, 6, 6)))


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.95])
@pytest.mark.parametrize("shape", [(5, 20), (7, 33), (3, 2, 4, 5)])
def test_dropout(probability, shape):
    """Masks, products and gradients of the module, batch after batch; none in evaluation."""
    module, twin = (Dropout(probability).train() for _ in range(2))
    layer = layer_of(twin)
    for dropout in (module, twin):
        dropout.start_epoch(KEY, 1, 2)
    for batch in range(3):
        x = numbers(*shape, index=batch)
        given_x = x.clone().requires_grad_()
        expected = module(given_x)
        gradient = numbers(*shape, index=9)
        wanted = torch.autograd.grad(expected, given_x, gradient)[0]
        assert same(layer.forward(x, training=True), expected.detach())
        assert same(layer.backward(gradient, first=False)[0], wanted)
        assert layer.forward(x, training=False) is x


@generated
@given(rows, st.sampled_from([1.0, 30.0, 1e4]), st.integers(1, 40))
def test_the_cross_entropys_gradient(count, spread, batch):
    """The gradient of the mean loss of every batch of an epoch, the short last one included."""
    logits = numbers(count, CLASSES, spread=spread)
    labels = torch.from_numpy(counter_rng.permutation(KEY, 0, count) % CLASSES)
    slopes = loss_slopes(labels, batch)
    for first in range(0, count, batch):
        part = logits[first : first + batch].clone().requires_grad_()
        loss = functional.cross_entropy(part, labels[first : first + batch])
        assert same(logits_gradient(part.detach(), slopes[first : first + batch]), torch.autograd.grad(loss, part)[0])


# Which modules


@pytest.fixture
def outlines():
    """Modules without storage, so that nothing is drawn for their weights."""
    with torch.device("meta"):
        yield


class OwnLinear(nn.Linear):
    """Like nn.Linear as far as anybody knows."""


class OwnDropout(Dropout):
    """Like Dropout as far as anybody knows."""


UNKNOWN = {
    "subclass of Linear": lambda: OwnLinear(3, 2),
    "subclass of Dropout": lambda: OwnDropout(0.5),
    "no bias": lambda: nn.Linear(3, 2, bias=False),
    "convolution without bias": lambda: nn.Conv2d(1, 2, 3, bias=False),
    "stride": lambda: nn.Conv2d(1, 2, 3, stride=2),
    "stride in one direction": lambda: nn.Conv2d(1, 2, 3, stride=(1, 2)),
    "dilation": lambda: nn.Conv2d(1, 2, 3, dilation=2),
    "groups": lambda: nn.Conv2d(2, 2, 3, groups=2),
    "named padding": lambda: nn.Conv2d(1, 2, 3, padding="same"),
    "padding by reflection": lambda: nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"),
    "pooling of 3": lambda: nn.AvgPool2d(3),
    "pooling stride": lambda: nn.AvgPool2d(2, stride=1),
    "pooling padding": lambda: nn.AvgPool2d(2, padding=1),
    "pooling ceiling": lambda: nn.AvgPool2d(2, ceil_mode=True),
    "pooling divisor": lambda: nn.AvgPool2d(2, divisor_override=3),
    "maximum": lambda: nn.MaxPool2d(2),
    "flatten from 2": lambda: nn.Flatten(2),
    "flatten to 2": lambda: nn.Flatten(1, 2),
    "torch.tanh": lambda: nn.Tanh(),
    "leaky": lambda: nn.LeakyReLU(),
    "norm": lambda: nn.BatchNorm2d(3),
    "nested": lambda: nn.Sequential(nn.ReLU()),
}


@pytest.mark.usefixtures("outlines")
@pytest.mark.parametrize("name", UNKNOWN)
def test_modules_without_a_layer(name):
    """What a hand-written layer does not compute is left to autograd, alone and in a network."""
    assert layer_of(UNKNOWN[name]()) is None
    assert chain(nn.Sequential(UNKNOWN[name]())) is None


def chain(network, image=(1, 8, 8)):
    with torch.device("cpu"):
        return layers_of(network, torch.Size(image))


def names(network, *image):
    found = chain(network, image)
    return None if found is None else [type(layer).__name__ for layer in found]


@pytest.mark.usefixtures("outlines")
def test_the_harness_networks_are_chains():
    """All four networks have layers of their own; of two LeNets the small one has dense products."""
    dense = ["LinearLayer", "Rectifier", "DropoutLayer"]
    assert names(softmax_regression(64), 1, 8, 8) == ["FlattenLayer", "LinearLayer"]
    assert names(dropout_mlp(64, (5, 6), (0.5, 0.1)), 1, 8, 8) == ["FlattenLayer", *dense, *dense, "LinearLayer"]
    head = ["FlattenLayer", "LinearLayer", "TanhLayer", "LinearLayer", "TanhLayer", "LinearLayer"]
    assert names(small_lenet(Tanh), 1, 8, 8) == ["TinyConvolution"] * 2 + head
    sigmoid_head = [name.replace("TanhLayer", "SigmoidLayer") for name in head]
    first, second = ["Convolution", "SigmoidLayer", "MeanPool"], ["Convolution", "SigmoidLayer", "MeanPool"]
    assert names(lenet(nn.Sigmoid), 1, 28, 28) == [*first, *second, *sigmoid_head]


def test_layers_share_the_networks_parameters():
    """A step on the layers is a step on the network: the storage is the same, in the network's order."""
    network = built(lambda: small_lenet(Tanh))
    found = [parameter for layer in layers_of(network, torch.Size([1, 8, 8])) for parameter in layer.parameters]
    assert [parameter.data_ptr() for parameter in found] == [weight.data_ptr() for weight in network.parameters()]


def tiny(*modules, image=(1, 8, 8)):
    found = chain(nn.Sequential(*modules), image)
    return found is not None and any(isinstance(layer, TinyConvolution) for layer in found)


@pytest.mark.usefixtures("outlines")
def test_where_convolutions_become_dense_products():
    """Only square kernels with a known activation and pooling, on at most 64 output positions of even sides."""
    assert tiny(nn.Conv2d(1, 2, 3, padding=1), Tanh(), nn.AvgPool2d(2))
    assert tiny(nn.Conv2d(1, 2, 3), nn.Sigmoid(), nn.AvgPool2d(2))
    assert tiny(nn.Conv2d(3, 2, 5, padding=2), Tanh(), nn.AvgPool2d(2), image=(3, 4, 16))
    assert not tiny(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2))
    assert not tiny(nn.Conv2d(1, 2, 3, padding=1), Tanh())
    assert not tiny(nn.Conv2d(1, 2, 3, padding=1), Tanh(), nn.Flatten())
    assert not tiny(nn.Conv2d(1, 2, 3, padding=1), Tanh(), nn.AvgPool2d(2), image=(1, 10, 8))
    assert not tiny(nn.Conv2d(1, 2, (3, 1), padding=(1, 0)), Tanh(), nn.AvgPool2d(2))
    assert not tiny(nn.Conv2d(1, 2, 3, padding=(1, 2)), Tanh(), nn.AvgPool2d(2))
    assert not tiny(nn.Conv2d(1, 2, 2), Tanh(), nn.AvgPool2d(2))


class OwnSequential(nn.Sequential):
    """May do anything."""


PLAIN = (nn.Flatten, lambda: nn.Linear(64, 10), nn.ReLU)


def plain(kind=nn.Sequential):
    return kind(*(make() for make in PLAIN))


def hooked(register, owner):
    """A chain with a hook on the whole of it or on its dense layer."""
    network = plain()
    target = network if owner == "network" else network[1]
    getattr(target, register)(lambda *arguments: None)
    return network


@pytest.mark.usefixtures("outlines")
def test_a_plain_sequential_is_a_chain():
    """What the refusals below start from is accepted."""
    assert names(plain(), 1, 8, 8) == ["FlattenLayer", "LinearLayer", "Rectifier"]


@pytest.mark.usefixtures("outlines")
@pytest.mark.parametrize("owner", ["network", "layer"])
@pytest.mark.parametrize(
    "register",
    [
        "register_forward_hook",
        "register_forward_pre_hook",
        "register_full_backward_hook",
        "register_full_backward_pre_hook",
    ],
)
def test_networks_with_hooks_are_left_to_autograd(register, owner):
    """A hook, on the network or on a layer, would not be called by hand-written layers."""
    assert chain(hooked(register, owner)) is None


@pytest.mark.usefixtures("outlines")
def test_parameters_with_hooks_are_left_to_autograd():
    """A hook on a weight changes its gradient."""
    network = plain()
    network[1].weight.register_hook(lambda gradient: gradient / 2)
    assert chain(network) is None


@pytest.mark.usefixtures("outlines")
def test_other_sequentials_are_left_to_autograd():
    """A subclass may have a forward of its own."""
    assert chain(plain(OwnSequential)) is None


@pytest.mark.usefixtures("outlines")
def test_a_layer_used_twice_is_left_to_autograd():
    """The gradients of a weight's two uses are added before the step, which layer by layer they are not."""
    shared = nn.Linear(64, 64)
    assert chain(nn.Sequential(nn.Flatten(), shared, nn.ReLU(), shared)) is None
    first, second = nn.Linear(64, 64), nn.Linear(64, 64)
    second.weight = first.weight
    assert chain(nn.Sequential(nn.Flatten(), first, nn.ReLU(), second)) is None


@pytest.mark.usefixtures("outlines")
def test_frozen_weights_are_left_to_autograd():
    """What takes no gradient must not be trained."""
    network = plain()
    network[1].weight.requires_grad_(False)
    assert chain(network) is None


@pytest.mark.usefixtures("outlines")
def test_dense_layers_on_images_are_left_to_autograd():
    """nn.Linear on anything but rows works on the last dimension, which the hand-written layer does not."""
    network = nn.Sequential(nn.Linear(8, 8), nn.Flatten(), nn.Linear(64, 10))
    assert chain(network) is None


@pytest.mark.usefixtures("outlines")
@pytest.mark.parametrize("image", [(1, 7, 8), (1, 8, 7), (1, 9, 9)])
def test_pooling_of_odd_sizes_is_left_to_autograd(image):
    """The last row or column would belong to no window."""
    assert chain(nn.Sequential(nn.AvgPool2d(2), nn.Flatten()), image) is None
    assert chain(nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.AvgPool2d(2)), image) is None


def test_every_known_module_is_compared():
    """A new hand-written layer needs its comparison here."""
    compared = {nn.Linear, nn.Conv2d, nn.AvgPool2d, nn.ReLU, nn.Sigmoid, Tanh, nn.Flatten, Dropout}
    assert set(layers.KNOWN) == compared
