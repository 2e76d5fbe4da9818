"""What an algorithm of a third party does to the process stays with it."""

import os
import sys

import numpy as np
import torch

from benchmark.reproducibility.isolated_scheduler import IsolatedScheduler
from benchmark.reproducibility.process_state import SETTINGS, Isolation


class Reckless:
    """A scheduler that changes every kind of setting and remembers what it found."""

    def __init__(self):
        self.found = []

    def suggest(self):
        self.found.append((os.environ.get("RECKLESS"), np.geterr()["under"], torch.is_grad_enabled()))
        os.environ["RECKLESS"] = "yes"
        np.seterr(under="raise")
        torch.set_grad_enabled(False)
        sys.setrecursionlimit(sys.getrecursionlimit() + 1)
        return {}

    def update(self, config, error):
        np.random.random()  # noqa: NPY002 (what third-party code does)
        self.suggest()


def test_an_algorithm_changes_settings_for_itself_alone():
    """Training finds the process as it was; the algorithm finds its own settings again."""
    algorithm = Reckless()
    scheduler = IsolatedScheduler(algorithm, Isolation(np.random.SeedSequence(1), "it"), takes_info=False)
    before = {name: setting.read() for name, setting in SETTINGS.items()}
    state = np.random.get_state()[1].tolist()  # noqa: NPY002 (read only)

    assert scheduler.suggest() == {}
    scheduler.update({}, 0.5)

    assert {name: setting.read() for name, setting in SETTINGS.items()} == before
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002 (read only)
    assert algorithm.found == [(None, before["numpy errors"]["under"], True), ("yes", "raise", False)]
