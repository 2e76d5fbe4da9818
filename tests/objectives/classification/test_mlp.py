"""The MLP: a network with as many layers as its configuration says, trained alike on every route."""

import numpy as np
import pytest
from torch import nn

from objectives.classification.base import ImageClassification
from objectives.classification.mlp import MLP, SETTINGS, widths
from objectives.objective import Machine
from objectives.stacks import route
from objectives.stacks.functional.stack import FunctionalStack, refusal
from objectives.stacks.looped import stack as looped
from objectives.stacks.looped.sequential import layers_of
from objectives.stacks.looped.stack import LoopedStack
from objectives.training.counter_rng import trial_key
from objectives.training.data import load_splits
from objectives.training.network_cost import NetworkShape
from objectives.training.reference_loop import train
from tests.objectives.stacks.trials import Trial, alone, outcome, plant, same_weights, through, trained, trials

pytestmark = pytest.mark.usefixtures("one_thread")

MACHINE = Machine()
DEPTHS = (1, 2, 3, 4)
SIZES = (40, 9, 25, 16)
every_depth = pytest.mark.parametrize("depth", DEPTHS)


def config_of(depth, **changes):
    """A configuration of so many layers, with what counts and nothing else."""
    inside = {f"width_{layer}": SIZES[layer - 1] for layer in range(1, depth + 1)}
    return {"learning_rate": 0.3, "batch_size": 50, "dropout": 0.2, "num_layers": depth, **inside, **changes}


def seed(number):
    return np.random.SeedSequence(3, spawn_key=(number,))


def digits():
    return load_splits("digits", "standard", None, MACHINE)[0]


# The space


@pytest.mark.parametrize("data", SETTINGS)
def test_a_configuration_has_as_many_widths_as_layers(data):
    """Every draw holds the widths of its own layers and no others, and all depths are drawn."""
    space, rng = MLP(data=data).space, np.random.default_rng(0)
    drawn = [space.sample(rng) for _ in range(200)]
    for config in drawn:
        held = [name for name in config if name.startswith("width_")]
        assert held == [f"width_{layer}" for layer in range(1, config["num_layers"] + 1)]
        assert widths(config) == tuple(config[name] for name in held)
        assert space.check(config) == config
    assert {config["num_layers"] for config in drawn} == set(DEPTHS)


def test_a_width_without_its_layer_changes_no_bit():
    """An overfull configuration trains as the one that check makes of it."""
    objective = MLP(epochs=2)
    overfull = config_of(2, width_3=99, width_4=100)
    assert objective.space.check(overfull) == config_of(2)
    one, other = (
        alone(objective.train, [Trial(number=0, config=config, seed=seed(0))], 2) for config in (overfull, config_of(2))
    )
    assert one == other


def test_the_books_call_takes_what_counts():
    """Called as the book does, a missing width is named and one too many is ignored."""
    objective = MLP(epochs=1)
    with pytest.raises(ValueError, match="width_3: missing from configuration"):
        objective(**{**config_of(2), "num_layers": 3})
    assert objective(**config_of(2)) == objective(**config_of(2, width_4=64))


# The network


@every_depth
def test_the_network_has_the_layers_asked_for(depth):
    """Depth many rectified layers with dropout after each, then the ten outputs."""
    network = MLP().start(config_of(depth), digits(), trial_key(seed(0), 0), "cpu")
    dense = [module for module in network if isinstance(module, nn.Linear)]
    assert [layer.in_features for layer in dense] == [64, *SIZES[:depth]]
    assert [layer.out_features for layer in dense] == [*SIZES[:depth], 10]
    names = [type(module).__name__ for module in network]
    assert names == ["Flatten", *["Linear", "ReLU", "Dropout"] * depth, "Linear"]


def test_the_shape_of_two_layers_by_hand():
    """64 x 40 + 40 x 9 + 9 x 10 products; of 40 and 9 units 48 and 16 decisions are drawn."""
    products = 64 * 40 + 40 * 9 + 9 * 10
    assert MLP().network_shape(config_of(2)) == NetworkShape(
        parameters=products + 40 + 9 + 10,
        forward=products,
        backward=64 * 40 + 2 * (40 * 9 + 9 * 10),
        unaligned=40 * 9 + 2 * 9 * 10,
        values=64 + 3 * (40 + 9) + 10,
        draws=48 + 16,
    )
    assert MLP().network_shape(config_of(2, dropout=0.0)).draws == 0


@every_depth
@pytest.mark.parametrize("data", SETTINGS)
@pytest.mark.parametrize("dropout", [0.0, 1e-9, 0.5])
def test_the_arithmetic_is_what_a_pass_counts(depth, data, dropout):
    """Every depth, with and without dropout, on both geometries."""
    objective, config = MLP(data=data), config_of(depth, dropout=dropout)
    assert objective.network_shape(config) == ImageClassification.network_shape(objective, config)


@every_depth
def test_steps_are_charged_by_the_layer(depth):
    """24 steps of 50 rows an epoch, once for every hidden layer."""
    terms = MLP().cost_terms(config_of(depth))
    assert terms.epoch["layers"] == 24 * depth
    assert terms.epoch["steps"] == 24


# The routes


@every_depth
@pytest.mark.parametrize("data", SETTINGS)
def test_looped_weights_are_the_reference_loops(depth, data, monkeypatch):
    """Every layer has its hand-written form, and two epochs end in the same bits."""
    machine = plant(monkeypatch, data, 400, 28) if data == "fashion_mnist" else MACHINE
    objective, split = MLP(data=data), load_splits(data, "standard", None, machine)[0]
    found = [trial for trial in trials(objective, 60, seed=8) if trial.config["num_layers"] == depth][:3]
    assert len(found) == 3
    for trial in found:
        one, two = (trained(objective, trial, split, 2, loop) for loop in (train, looped.train))
        assert layers_of(one[0], split.train.x.shape[1:]) is not None
        assert one[1] == two[1]
        assert same_weights(one[0], two[0])


def test_it_is_looped_where_it_cannot_be_stacked():
    """On the CPU it is looped with the reference's bits; no two random networks could share a slot's shapes."""
    assert type(MLP().stack(MACHINE)) is LoopedStack
    assert MLP().arithmetic(MACHINE, stacked=True) == "reference"
    assert refusal(MLP(), MACHINE) == "17 structures among 17 configurations"


def test_a_device_without_a_stack_loops(monkeypatch):
    """It has no kernels of its own and is nothing for torch.func, so that a GPU trains trial after trial."""
    monkeypatch.setattr(route, "_refusal", lambda objective, machine: "17 structures among 17 configurations")
    way = route.choose_route(MLP(), Machine(device="cuda"))
    assert way.arithmetic == "reference"
    assert type(way.make(2)) is LoopedStack


@pytest.mark.slow
def test_torch_func_stacks_equal_depths():
    """Trials of one depth and equal widths share a program; every depth is a group, near the reference's curves."""
    objective = MLP(epochs=2)
    queue = [
        Trial(number=number, config=config_of(depth, learning_rate=0.1 + 0.03 * number), seed=seed(number))
        for number, depth in enumerate(DEPTHS * 3)
    ]
    stack = FunctionalStack(objective, MACHINE, len(queue))
    for trial in queue:
        stack.admit(trial.number, trial.config, trial.seed)
    assert stack.alone.free == len(queue)
    assert sorted(len(group.blocks[0].trials) for group in stack.groups.values()) == [3] * len(DEPTHS)
    shapes = sorted(len(group.program.weights) for group in stack.groups.values())
    assert shapes == [2 * (depth + 1) for depth in DEPTHS]

    curves = {number: [outcome(epoch)] for number, epoch in stack.advance()}
    wanted = alone(objective.reference, queue, 1)
    for number, [(valid, _, diverged)] in curves.items():
        assert abs(valid - wanted[number][0][0]) < 2.5 / 300
        assert not diverged
    assert len(curves) == len(queue)


@pytest.mark.slow
def test_torch_func_keeps_the_bit_contract():
    """Capacity and pauses change no epoch of stacked trials of several depths."""
    objective = MLP(epochs=2)
    queue = [Trial(number=i, config=config_of(depth), seed=seed(i)) for i, depth in enumerate(DEPTHS * 2)]
    whole = through([FunctionalStack(objective, MACHINE, 8)], queue, 2)
    assert through([FunctionalStack(objective, MACHINE, 3)], queue, 2, pauses=np.random.default_rng(0)) == whole


# What it is for


@every_depth
def test_every_depth_learns(depth):
    """With wide layers, small batches and a good rate the digits are learned at any depth."""
    config = config_of(depth, learning_rate=0.3, batch_size=20, dropout=0.05)
    config |= {f"width_{layer}": 100 for layer in range(1, depth + 1)}
    *_, last = (epoch for epoch, _ in zip(MLP().train(config, seed(1), MACHINE), range(10), strict=False))
    assert last.valid_error < 0.15


def test_the_default_is_neither_hopeless_nor_the_best():
    """On digits the default learns, and others of the space are better by far."""
    objective = MLP()
    assert objective(**objective.default) < 0.15
    better = {"learning_rate": 0.444, "batch_size": 32, "dropout": 0.1, "num_layers": 2, "width_1": 91, "width_2": 120}
    assert objective(**better) < objective(**objective.default) - 0.02
    assert objective.space.check(better) == better
