"""Warming up: a device is warmed up with the training loops that run on it, and with no others."""

import numpy as np
import pytest

from objectives.classification import base as classification
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stacks.looped import stack as looped
from objectives.training.data import load_splits
from objectives.training.networks import build_network, softmax_regression


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
    key = np.zeros(2, dtype=np.uint64)
    monkeypatch.setattr(
        SoftmaxRegression, "start", lambda *arguments: build_network(lambda: softmax_regression(64), key, "cpu")
    )

    classification._warm_up.__wrapped__(SoftmaxRegression(), Machine(device=device))

    assert used == expected
