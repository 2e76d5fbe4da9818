"""Tiny convolutions as dense products against the three modules they stand for, and place by place.

The sums of a dense product are ordered otherwise than a convolution's, so values agree within rounding:
`ROOM` times the largest value of the tensor, in float32 as against float64.
"""

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from objectives.classification.lenet import LeNet
from objectives.objective import Machine
from objectives.stacks.looped.sequential import layers_of
from objectives.stacks.looped.tiny_convolution import LARGEST, TinyConvolution, output_size, places
from objectives.training.data import load_splits
from objectives.training.networks import Tanh, build_network
from tests.objectives.stacks.looped.convolutions import KEY, by_modules, numbers

pytestmark = pytest.mark.usefixtures("one_thread")

ROOM = 5e-6
generated = settings(max_examples=25, derandomize=True)


@st.composite
def shapes(draw):
    """Channels in and out, kernel, padding and input size of a convolution that may be taken."""
    channels, outputs, kernel = (draw(st.integers(1, largest)) for largest in (6, 7, 5))
    padding = draw(st.integers(0, 3))
    height, width = (2 * draw(st.integers(1, 4)) for _ in range(2))
    size = tuple(side - 2 * padding + kernel - 1 for side in (height, width))
    assume(min(size) >= 1)
    return channels, outputs, kernel, padding, size


def built(channels, outputs, kernel, padding):
    return build_network(lambda: nn.Conv2d(channels, outputs, kernel, padding=padding), KEY, "cpu")


def close(one, other):
    assert one.shape == other.shape
    return float((one - other).abs().max()) <= ROOM * float(other.abs().max())


def by_product(convolution, activation, x, gradient):
    layer = TinyConvolution(convolution, activation, tuple(x.shape[1:]))
    out = layer.forward(x, training=True)
    grad_input, parameter_gradients = layer.backward(gradient, first=False)
    nothing, again = layer.backward(gradient, first=True)
    assert nothing is None
    assert all(
        torch.equal(one.nan_to_num(), other.nan_to_num()) for one, other in zip(again, parameter_gradients, strict=True)
    )
    assert torch.equal(layer.forward(x, training=False).nan_to_num(), out.nan_to_num())
    return [out, grad_input, *parameter_gradients]


def agree(shape, activation, count):
    channels, outputs, kernel, padding, size = shape
    convolution = built(channels, outputs, kernel, padding)
    x = numbers(count, channels, *size, index=7)
    sides = output_size(convolution, (channels, *size))[1:]
    gradient = numbers(count, outputs, *(side // 2 for side in sides), index=8)
    ours, wanted = (way(convolution, activation, x, gradient) for way in (by_product, by_modules))
    return all(map(close, ours, wanted))


@pytest.mark.parametrize("activation", [Tanh(), nn.Sigmoid()], ids=["tanh", "sigmoid"])
@generated
@given(shape=shapes(), count=st.integers(1, 40))
def test_values_and_gradients(activation, shape, count):
    """Forward, and the gradients of input, weights and biases, for generated geometries."""
    assert agree(shape, activation, count)


@pytest.mark.parametrize("shape", [(1, 6, 3, 1, (8, 8)), (6, 16, 3, 1, (4, 4))])
@pytest.mark.parametrize("count", [1, 45, 255])
def test_the_digits_layers(shape, count):
    """The two layers of LeNet on digits."""
    assert agree(shape, Tanh(), count)


@generated
@given(shapes())
def test_places_by_brute_force(shape):
    """The matrix holds the answer to each single pixel, its columns ordered by the place in the window first."""
    channels, outputs, kernel, padding, size = shape
    weight = numbers(outputs, channels, kernel, kernel, index=1)
    found = places((channels, *size), tuple(weight.shape), padding)
    matrix = torch.zeros(found.rows * found.columns)
    matrix[found.cells] = weight.flatten()[found.weights]
    pixels = torch.eye(found.rows).view(-1, channels, *size)
    answers = functional.conv2d(pixels, weight, padding=padding)
    height, width = answers.shape[2] // 2, answers.shape[3] // 2
    windows = answers.view(-1, outputs, height, 2, width, 2).permute(0, 3, 5, 1, 2, 4)
    assert torch.equal(matrix.view(found.rows, found.columns), windows.reshape(found.rows, -1))


@generated
@given(shapes())
def test_every_place_is_in_the_table_once(shape):
    """The table lists, weight by weight, the same places, and else the one past the matrix."""
    channels, outputs, kernel, padding, size = shape
    found = places((channels, *size), (outputs, channels, kernel, kernel), padding)
    past = found.rows * found.columns
    listed = [(int(cell), weight) for weight, row in enumerate(found.table) for cell in row if int(cell) != past]
    assert sorted(listed) == sorted(zip(found.cells.tolist(), found.weights.tolist(), strict=True))
    assert len({cell for cell, _ in listed}) == len(listed)
    assert int(found.table.max()) <= past


def test_weights_that_are_read_anew():
    """A step on the weights is in the next product: the matrix is no copy of the old ones."""
    convolution = built(2, 3, 3, 1)
    layer = TinyConvolution(convolution, Tanh(), (2, 6, 6))
    x, gradient = numbers(4, 2, 6, 6, index=3), numbers(4, 3, 3, 3, index=4)
    before = layer.forward(x, training=True)
    with torch.no_grad():
        convolution.weight.mul_(-0.5)
        convolution.bias.add_(0.25)
    after = layer.forward(x, training=True)
    assert not torch.equal(before, after)
    assert close(after, by_modules(convolution, Tanh(), x, gradient)[0])


def test_overflowing_weights_do_not_pass_unseen():
    """A weight that is no number comes through to the outputs and gradients of its channel and no other's."""
    convolution = built(1, 2, 3, 1)
    with torch.no_grad():
        convolution.weight[0, 0, 1, 1] = float("nan")
    x, gradient = numbers(4, 1, 8, 8, index=3), numbers(4, 2, 4, 4, index=4)
    ours, wanted = (way(convolution, Tanh(), x, gradient) for way in (by_product, by_modules))
    assert ours[0][:, 0].isnan().all()
    assert all(torch.equal(one.isnan(), other.isnan()) for one, other in zip(ours, wanted, strict=True))


def test_lenet_on_digits_takes_it():
    """Both convolutions of the small LeNet are within the limit of positions."""
    split = load_splits("digits", "standard", None, Machine())[0]
    network = LeNet().start({"learning_rate": 0.1, "batch_size": 32}, split, KEY, "cpu")
    kinds = [type(layer) for layer in layers_of(network, split.train.x.shape[1:])]
    assert kinds.count(TinyConvolution) == 2
    assert LARGEST == 64
