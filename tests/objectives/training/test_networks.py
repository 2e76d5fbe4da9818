"""The networks: initial weights, dropout, and what is refused."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from objectives.training.networks import (
    Dropout,
    Tanh,
    build_network,
    dropout_mlp,
    lenet,
    small_lenet,
    softmax_regression,
)
from tests.objectives import philox
from tests.objectives.training.trained_networks import key_of, same_bits

pytestmark = pytest.mark.usefixtures("one_thread")


# Initial weights

NETWORKS = {
    "softmax": (lambda: softmax_regression(784), False),
    "lenet": (lambda: lenet(nn.Sigmoid), True),
    "small_lenet": (lambda: small_lenet(nn.Tanh), True),
    "dropout_mlp": (lambda: dropout_mlp(784, (64, 32), (0.5, 0.5)), False),
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
    ours = [build_network(build, key_of(seed), "cpu", xavier=xavier) for seed in range(80)]
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


def test_weights_are_a_function_of_the_key():
    """The same key gives the same network, another key another."""
    one, two, other = (build_network(lambda: small_lenet(nn.Tanh), key_of(seed), "cpu") for seed in (1, 1, 2))
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
        build_network(build, key_of(0), "cpu")


def test_normalisation_layers_start_from_their_own_constants():
    """BatchNorm, LayerNorm and GroupNorm begin at one and zero, running statistics included."""
    network = build_network(
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.LayerNorm(6)),
        key_of(0),
        "cpu",
    )
    for norm in network[1:]:
        assert (norm.weight == 1).all()
        assert (norm.bias == 0).all()
    assert (network[1].running_mean == 0).all()
    assert (network[1].running_var == 1).all()
    assert network(torch.zeros(2, 1, 8, 8)).isfinite().all()


# Dropout


def begun(probability, layer=0, epoch=0):
    dropout = Dropout(probability).train()
    dropout.start_epoch(key_of(1), layer, epoch)
    return dropout


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.95])
def test_dropout_keeps_the_expectation(probability):
    """Units are zero with the given probability and scaled so that their mean stays."""
    out = begun(probability)(torch.full((1000, 400), 2.0))
    deviation = 2 * math.sqrt(probability / (1 - probability) / out.numel())
    assert out.unique().tolist() == pytest.approx([0, 2 / (1 - probability)], rel=2**-12)
    assert float(out.mean()) == pytest.approx(2, abs=5 * deviation)
    assert float((out == 0).float().mean()) == pytest.approx(probability, abs=0.005)


@pytest.mark.parametrize("probability", [0, 2**-18, 2**-16, 0.1, 1 / 3, 0.5, 0.95, 1 - 2**-18])
def test_dropout_is_unbiased_to_the_last_bit(probability):
    """The scale is the inverse of the exact probability of keeping, the nearest multiple of 2**-16 above 0."""
    layer = Dropout(probability)
    assert layer.keep * layer.scale == 2**16
    assert 1 <= layer.keep <= 2**16
    assert abs(layer.keep / 2**16 - (1 - probability)) <= 2**-16
    assert layer.active == (layer.keep < 2**16)


@pytest.mark.parametrize("probability", [-0.1, 1, 1.5, math.nan])
def test_impossible_dropout_is_refused(probability):
    """A probability outside [0, 1) is named."""
    with pytest.raises(ValueError, match=r"probability = .*need a number in \[0, 1\)"):
        Dropout(probability)


def test_dropout_draws_anew():
    """Each batch, layer and epoch has masks of its own, and beginning again gives the same ones again."""
    one, two = begun(0.5), begun(0.5)
    x = torch.ones(50, 50)
    first, second = one(x), one(x)
    assert not torch.equal(first, second)
    assert torch.equal(two(x), first)
    assert torch.equal(two(x), second)
    one.start_epoch(key_of(1), 0, 0)
    assert torch.equal(one(x), first)
    for other in (begun(0.5, layer=1), begun(0.5, epoch=1)):
        assert not torch.equal(other(x), first)


@pytest.mark.parametrize(("probability", "training"), [(0.5, False), (0.0, True), (0.0, False)])
def test_dropout_without_effect(probability, training):
    """In evaluation and at probability 0 nothing changes, and no stream is needed."""
    x = torch.ones(5, 5)
    assert Dropout(probability).train(training)(x) is x


def test_dropouts_gradient_passes_kept_units_alone():
    """The gradient is zero where a unit was dropped and scaled where it was kept."""
    x = torch.ones(4, 25, requires_grad=True)
    out = begun(0.4)(x)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())
    assert (out == 0).any()
    assert (out > 1).any()


def test_masks_are_the_designs():
    """Element by element a mask is the Philox draw of trial, layer, epoch, row and column."""
    key, layer = philox.key_by_hand(np.random.SeedSequence(1)), begun(0.3, layer=2, epoch=5)
    kept = round(0.7 * 2**16)
    out = torch.cat([layer(torch.ones(rows, 37)) for rows in (3, 1, 4)])
    by_hand = [[2**16 / kept if draw < kept else 0 for draw in philox.draws(key, 2, 5, row, 37)] for row in range(8)]
    assert torch.equal(out, torch.tensor(by_hand))


def test_masks_of_images_are_those_of_their_rows():
    """Channels, height and width of an image count as one row."""
    flat, whole = begun(0.4)(torch.ones(6, 3 * 4 * 5)), begun(0.4)(torch.ones(6, 3, 4, 5))
    assert torch.equal(flat.view(6, 3, 4, 5), whole)


def test_torchs_dropout_becomes_ours():
    """A network of the user's may say `torch.nn.Dropout`, at any depth; its rate is kept."""
    network = build_network(
        lambda: nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Dropout(0.25), nn.ReLU())), key_of(0), "cpu"
    )
    assert type(network[1][0]) is Dropout
    assert network[1][0].keep == 0.75 * 2**16


@pytest.mark.parametrize("kind", [nn.Dropout1d, nn.Dropout2d, nn.AlphaDropout])
def test_dropouts_of_a_global_generator_are_refused(kind):
    """What would draw from a global generator is named, with what to use instead."""
    with pytest.raises(
        ValueError, match=rf"{kind.__name__}: draws from a global generator; use objectives.training.networks"
    ):
        build_network(lambda: nn.Sequential(nn.Linear(4, 4), kind(0.5)), key_of(0), "cpu")


# The other layers


def test_tanh_is_the_hyperbolic_tangent():
    """Values and gradients are torch.tanh's within a few units of rounding, also where it saturates."""
    x = torch.linspace(-30, 30, 4001, requires_grad=True)
    ours, theirs = Tanh()(x), torch.tanh(x)
    assert torch.allclose(ours, theirs, rtol=0, atol=2e-7)
    slopes = [torch.autograd.grad(out.sum(), x)[0] for out in (ours, theirs)]
    assert torch.allclose(*slopes, rtol=0, atol=5e-7)


def test_weights_are_the_designs():
    """Tensor by tensor, weights are the Philox draws scaled to the bound of their law."""
    network = build_network(lambda: nn.Sequential(nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Linear(5, 7)), key_of(9), "cpu")
    key = philox.key_by_hand(np.random.SeedSequence(9))
    for index, (parameter, fan_in) in enumerate(zip(network.parameters(), (18, 18, 5, 5), strict=True)):
        numbers = torch.tensor(philox.units(key, index, parameter.numel())).view(parameter.shape)
        assert torch.equal(parameter, numbers * (2 / math.sqrt(fan_in)) - 1 / math.sqrt(fan_in))


def test_global_generators_reach_no_weight(global_state, move_global_generators):
    """Building a network neither reads nor moves the global generators."""
    one = build_network(lambda: small_lenet(nn.Tanh), key_of(1), "cpu")
    move_global_generators()
    before = global_state()
    assert same_bits(one, build_network(lambda: small_lenet(nn.Tanh), key_of(1), "cpu"))
    assert global_state() == before
