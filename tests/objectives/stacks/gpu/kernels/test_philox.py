"""The device's random words, held against NumPy's."""

import numpy as np
import pytest
import torch

from objectives.stacks.gpu.kernels.philox import dropout_draws, orders
from objectives.training import counter_rng

KEYS = np.random.SeedSequence(3).generate_state(6, np.uint64).reshape(3, 2)


@pytest.mark.parametrize("count", [1, 2, 5, 1023, 1197])
def test_data_orders_are_numpys(count):
    """Orders of several slots in several epochs equal those of the reference loop."""
    slots, epochs = [2, 0, 1, 0], [0, 7, 3, 9999]
    made = orders(
        torch.tensor(slots, dtype=torch.int32),
        torch.from_numpy(KEYS.view(np.int64)),
        torch.tensor(epochs, dtype=torch.int32),
        count,
    )

    for line, slot, epoch in zip(made.numpy(), slots, epochs, strict=True):
        assert np.array_equal(line, counter_rng.permutation(KEYS[slot], epoch, count))


@pytest.mark.parametrize("width", [8, 16, 100, 1024])
@pytest.mark.parametrize("layer", [0, 1])
def test_dropout_draws_are_numpys(width, layer):
    """The draws of rows and units over several tiles equal the reference loop's."""
    drawn = dropout_draws(torch.from_numpy(KEYS[1].view(np.int64)), layer=layer, epoch=5, rows=21, width=width)

    assert np.array_equal(drawn.numpy(), counter_rng.KeepBits(KEYS[1], layer=layer, epoch=5).rows(21, width))
