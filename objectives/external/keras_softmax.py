"""Softmax regression in Keras on TensorFlow: a program for `external`.

Keras shuffles by a generator of its own, so every epoch is fed in the trial's order; several steps are compiled
into one call, which changes no step.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from objectives.external.softmax_worker import Counts, Trial

BATCH = 16
CLASSES = 10
STEPS_PER_CALL = 50

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("keras", "tensorflow-cpu", "numpy")}


def train(trial: Trial) -> Iterator[Counts]:
    """Train a trial, an epoch for every item drawn."""
    data = trial.data
    model = _model(data.x.shape[1])
    weights = list(trial.start)
    epoch = 0
    while True:
        order = trial.order(epoch)
        model.set_weights(weights)
        model.optimizer.learning_rate.assign(trial.learning_rate)
        model.fit(data.x[order], data.y[order], batch_size=BATCH, shuffle=False, verbose=0)
        weights = model.get_weights()
        valid = _wrong(model, data.valid_x, data.valid_y)
        test = valid if data.test_y is data.valid_y else _wrong(model, data.test_x, data.test_y)
        epoch += 1
        yield valid, test


@cache
def _model(pixels: int) -> Any:
    """The one model that trials train in turn: Keras traces the training of every new one for a second."""
    import keras
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    model = keras.Sequential([keras.Input((pixels,)), keras.layers.Dense(CLASSES)])
    model.compile(
        optimizer=keras.optimizers.SGD(),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        steps_per_execution=STEPS_PER_CALL,
    )
    return model


def _wrong(model: Any, x: Any, y: Any) -> int:
    return int((model(x, training=False).numpy().argmax(-1) != y).sum())


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    from softmax_worker import serve  # type: ignore[import-not-found]  # beside this file, without this project

    serve("keras", versions, train)
