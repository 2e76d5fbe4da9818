"""Softmax regression in MXNet's Gluon: a program for `external`, for MXNet 1.9.1 and NumPy below 1.24."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from objectives.external.softmax_worker import Counts, Trial

BATCH = 16
CLASSES = 10


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("mxnet", "numpy")}


def train(trial: Trial) -> Iterator[Counts]:
    """Train a trial, an epoch for every item drawn."""
    from mxnet import autograd, gluon, init, nd

    data = trial.data
    network = gluon.nn.Dense(CLASSES, in_units=data.x.shape[1])
    network.initialize(init.Zero())
    weight, bias = trial.start
    network.weight.set_data(nd.array(weight.T))
    network.bias.set_data(nd.array(bias))
    network.hybridize()
    loss = gluon.loss.SoftmaxCrossEntropyLoss()
    loss.hybridize()
    trainer = gluon.Trainer(network.collect_params(), "sgd", {"learning_rate": trial.learning_rate})
    valid = nd.array(data.valid_x), data.valid_y
    test = valid if data.test_y is data.valid_y else (nd.array(data.test_x), data.test_y)
    epoch = 0
    while True:
        order = trial.order(epoch)
        x, y = nd.array(data.x[order]), nd.array(data.y[order])
        for first in range(0, len(order), BATCH):
            batch = x[first : first + BATCH]
            with autograd.record():
                losses = loss(network(batch), y[first : first + BATCH])
            losses.backward()
            trainer.step(len(batch))
        wrong = _wrong(network, *valid)
        epoch += 1
        yield wrong, wrong if test is valid else _wrong(network, *test)


def _wrong(network: Any, x: Any, y: Any) -> int:
    return int((network(x).asnumpy().argmax(-1) != y).sum())


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    from softmax_worker import serve  # type: ignore[import-not-found]  # beside this file, without this project

    serve("mxnet", versions, train)
