"""Softmax regression in JAX, Flax and Optax: a program for `external`, and the training of `jax_softmax`.

An epoch is one compiled scan over the batches; a short last batch is one step more.
"""

from __future__ import annotations

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


def versions() -> dict[str, str]:
    return {name: version(name) for name in ("jax", "jaxlib", "flax", "optax", "numpy")}


def train(trial: Trial) -> Iterator[Counts]:
    """Train a trial, an epoch for every item drawn."""
    import jax.numpy as jnp

    data = trial.data
    functions = _compiled()
    weight, bias = trial.start
    parameters: Any = {"params": {"kernel": jnp.asarray(weight), "bias": jnp.asarray(bias)}}
    rate = jnp.float32(trial.learning_rate)
    in_full_batches = len(data.x) // BATCH * BATCH
    epoch = 0
    while True:
        order = trial.order(epoch)
        x, y = data.x[order], data.y[order]
        batches = (
            jnp.asarray(x[:in_full_batches].reshape(-1, BATCH, x.shape[1])),
            jnp.asarray(y[:in_full_batches].reshape(-1, BATCH)),
        )
        parameters = functions["epoch"](parameters, *batches, rate)
        if in_full_batches < len(x):
            parameters = functions["step"](
                parameters, jnp.asarray(x[in_full_batches:]), jnp.asarray(y[in_full_batches:]), rate
            )
        valid = int(functions["wrong"](parameters, data.valid_x, data.valid_y))
        test = valid if data.test_y is data.valid_y else int(functions["wrong"](parameters, data.test_x, data.test_y))
        epoch += 1
        yield valid, test


@cache
def _compiled() -> dict[str, Any]:
    """The compiled functions: a step, a scan of steps, and the count of wrong answers."""
    import jax
    import optax
    from flax import linen as nn

    model = nn.Dense(CLASSES)

    def loss(parameters: Any, x: Any, y: Any) -> Any:
        return optax.softmax_cross_entropy_with_integer_labels(model.apply(parameters, x), y).mean()

    def step(parameters: Any, x: Any, y: Any, rate: Any) -> Any:
        optimizer = optax.sgd(rate)
        updates, _ = optimizer.update(jax.grad(loss)(parameters, x, y), optimizer.init(parameters))
        return optax.apply_updates(parameters, updates)

    def epoch(parameters: Any, x: Any, y: Any, rate: Any) -> Any:
        return jax.lax.scan(lambda now, batch: (step(now, batch[0], batch[1], rate), None), parameters, (x, y))[0]

    def wrong(parameters: Any, x: Any, y: Any) -> Any:
        return (model.apply(parameters, x).argmax(-1) != y).sum()

    return {"step": jax.jit(step), "epoch": jax.jit(epoch), "wrong": jax.jit(wrong)}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    from softmax_worker import serve  # type: ignore[import-not-found]  # beside this file, without this project

    serve("jax", versions, train)
