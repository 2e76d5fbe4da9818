"""Why a network has no program, and so trains alone: in words that name the module."""

import pytest
import torch
from torch import nn

from objectives.stacks.functional.structure import Unstackable, structure
from objectives.stacks.functional.traced_network import Template, trace_network
from objectives.training.networks import Dropout

IMAGE = torch.Size([1, 4, 4])


class Odd(nn.Module):
    """A layer that does nothing, with a setting."""

    def __init__(self, setting):
        super().__init__()
        self.setting = setting

    def forward(self, x):
        return x


class Counting(Odd):
    """One that counts its calls, which changes nothing else."""

    def forward(self, x):
        self.setting += 1
        return x


class Raising(Odd):
    """One that raises."""

    def forward(self, x):
        raise ArithmeticError("not today")


def built(make):
    """A module, whose first weights torch draws from its global generator; that is put back."""
    with torch.random.fork_rng(devices=[]):
        return make()


def frozen(layer):
    """The layer, not to be trained."""
    return layer.requires_grad_(False)


def hooked(layer):
    """The layer, watched by somebody."""
    layer.register_forward_hook(lambda *told: None)
    return layer


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: Odd({1}), "Odd.setting: a set cannot be compared"),
        (lambda: Odd({"a": [1, {2}]}), "Odd.setting: a set cannot be compared"),
        (lambda: Odd(complex(1)), "Odd.setting: a complex cannot be compared"),
        (lambda: nn.BatchNorm1d(3), "BatchNorm1d: has buffers"),
        (lambda: hooked(nn.Linear(2, 2)), "Linear: has hooks"),
        (lambda: frozen(nn.Linear(2, 2)), "Linear.weight: is not a trained float32 parameter"),
        (lambda: nn.Linear(2, 2).double(), "Linear.weight: is not a trained float32 parameter"),
    ],
)
def test_what_has_no_structure_is_told(layer, message):
    """The kind of module, which of its attributes, and what is wrong with it."""
    network = nn.Sequential(nn.Flatten(), built(layer))

    with pytest.raises(Unstackable) as refused:
        structure(network)

    assert str(refused.value) == message


def test_convolutions_are_left_to_the_loop_on_a_cpu():
    """The reason is told; a GPU's template takes them."""
    network = built(lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()))

    with pytest.raises(Unstackable) as refused:
        Template.of(network, "cpu")

    assert str(refused.value) == "convolutions are slower stacked on a CPU"
    assert Template.of(network, "cuda").network is network


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (lambda: Dropout(0.5), "Unstackable: the network is a dropout layer"),
        (
            lambda: nn.Sequential(nn.Flatten(), Counting(0), nn.Linear(16, 10)),
            "Unstackable: its forward changes the network",
        ),
        (lambda: nn.Sequential(nn.Flatten(), Raising(0), nn.Linear(16, 10)), "ArithmeticError: not today"),
    ],
)
def test_a_network_without_a_program_says_why(network, message, one_thread):
    """An answer, not an error: a network that cannot be traced is trained alone."""
    answer = trace_network(Template.of(built(network), "cpu"), 32, IMAGE, "cpu")

    assert isinstance(answer, Unstackable)
    assert str(answer) == message
