"""Functions as a user writes them, for suites that name them by dotted path."""

import time

import numpy as np
from scipy import stats

config_space = {"x": stats.uniform(0, 1), "kind": ["a", "b"]}
default = {"x": 0.5, "kind": "a"}


def accuracy(x, kind, bonus=0):
    """Rises with x."""
    return 100 * x + bonus


def test_accuracy(x, kind):
    """What incumbents are tested by."""
    return 100 * x - 1


def negative_return(x, kind, seed):
    """A return below zero, with noise that the seed decides."""
    return -250.0 - 10 * x + float(np.random.default_rng(seed).normal())


def epochs_of_loss(x, kind, epochs):
    """Yields a loss of 10 million and a size."""
    for epoch in range(1, epochs + 1):
        yield {"loss": np.float32(1e7 / (epoch + x)), "size": 8 * epoch}


def retrained(x, kind, max_epochs=9):
    """Is told how long to train, as the book's objectives are."""
    return x / max_epochs


def noted(seconds):
    """Called with what a stopwatch inside of a function shows; a test puts its own in the place of this."""


def sleeping(x, kind):
    """Takes 20 milliseconds."""
    began = time.perf_counter()
    time.sleep(0.02)
    noted(time.perf_counter() - began)
    return x


def lying(x, kind):
    """Takes 20 milliseconds and says it took an hour."""
    return {"error": sleeping(x, kind), "seconds": 3600.0}


def epochs_that_sleep(x, kind, epochs):
    """Yields after every 5 milliseconds."""
    began = time.perf_counter()
    for epoch in range(1, epochs + 1):
        time.sleep(0.005)
        if epoch == epochs:
            noted(time.perf_counter() - began)
        yield x


def failing_late(x, kind, epochs):
    """Reports a minute of each of two epochs, and fails in the third."""
    for _ in range(2):
        yield {"error": x, "seconds": 60.0}
    raise RuntimeError("too late")


def failing_at_once(x, kind):
    """Has nothing to report."""
    raise RuntimeError("no such row")


def undeclared(x, kind):
    """Returns a metric that no suite declares."""
    return {"auc": x}


def failing_test(x, kind):
    """Has nothing to test with."""
    raise FileNotFoundError("no test data")


def two_metrics(x):
    """A loss and a size that cannot both be small."""
    return {"loss": (1 - x) ** 2, "size": 10 * x}


def noisy_metrics(x, seed):
    """The same, a little beside it by the seed."""
    noise = seed / 2**32 / 100
    return {"loss": (1 - x) ** 2 + noise, "size": 10 * x + noise}
