"""A stack of a third party's objective: what a network does to the process, no neighbour finds."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from benchmark.reproducibility.isolated_objective import IsolatedObjective
from objectives.classification import ImageClassification, Setting
from objectives.objective import Machine
from objectives.space import Space


class Meddler(nn.Module):
    """Sets the precision of products, and lets its input through."""

    def forward(self, x):
        torch.set_float32_matmul_precision("medium")
        return x


@dataclass(frozen=True, slots=True, kw_only=True)
class Dense(ImageClassification):
    """A dense network; a configuration with a high rate meddles with the process."""

    normalised: bool = False

    @property
    def setting(self):
        return Setting(space=Space({"rate": stats.uniform(0.01, 1)}), default=None, epochs=2)

    def learning_rate(self, config):
        return config["rate"]

    def batch_size(self, config):
        return 64

    def network(self, config, split):
        first = [Meddler()] if config["rate"] > 0.5 else []
        last = [nn.BatchNorm1d(64)] if self.normalised else []
        layers = [nn.Linear(64, 64), *last, nn.ReLU(), nn.Linear(64, 10)]
        return nn.Sequential(nn.Flatten(), *first, *layers)


def curves(objective, rates):
    """The errors of trials beside each other in a stack, by rate."""
    stack, found = objective.stack(Machine(), 2), {rate: [] for rate in rates}
    for number, rate in enumerate(rates):
        stack.admit(rate, {"rate": rate}, np.random.SeedSequence(number if rate > 0.5 else 7))
    while any(len(errors) < 2 for errors in found.values()):
        for rate, epoch in stack.advance():
            found[rate].append((epoch.valid_error, epoch.test_error))
            if len(found[rate]) == 2:
                stack.pause(rate)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("normalised", [False, True])
def test_a_neighbour_that_sets_a_precision_changes_no_trial(one_thread, normalised):
    """Whatever the route, the trial beside it has the bits that it has alone."""
    objective = IsolatedObjective(Dense(data="digits", normalised=normalised), "it")
    alone = curves(objective, [0.1])
    beside = curves(objective, [0.9, 0.1])
    assert beside[0.1] == alone[0.1]
    assert torch.get_float32_matmul_precision() == "highest"
