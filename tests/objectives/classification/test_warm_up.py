"""Warming up: a device is warmed up with the training loops that run on it, and with no others."""

import pytest
import torch

from objectives.classification import base as classification
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stacks.looped import stack as looped
from objectives.training.data import load_splits


@pytest.mark.parametrize(
    ("device", "expected"), [("cpu", ["looped", "reference"]), ("cuda", ["reference"]), ("cuda:1", ["reference"])]
)
def test_a_device_is_warmed_up_with_its_own_loops(device, expected, monkeypatch):
    """The loop that is written for the CPU never meets tensors of a GPU, where it fails."""
    used = []

    def recorder(name, loop):
        def train(network, split, **options):
            used.append(name)
            return loop(network, split, **options)

        return train

    on_cpu = load_splits("digits", "standard", None, Machine())
    monkeypatch.setattr(classification, "load_splits", lambda *arguments: on_cpu)
    monkeypatch.setattr(classification, "train", recorder("reference", classification.train))
    monkeypatch.setattr(looped, "train", recorder("looped", looped.train))
    monkeypatch.setattr(
        SoftmaxRegression, "start", lambda *arguments: torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 10))
    )

    classification._warm_up.__wrapped__(SoftmaxRegression(), Machine(device=device))

    assert used == expected
