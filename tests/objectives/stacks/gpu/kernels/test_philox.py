"""The device's random words, held against NumPy's."""

import numpy as np
import pytest
import torch

from objectives.stacks.gpu.kernels.philox import dropout_draws, dropout_masks, orders
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


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(8,), (5, 20), (16,)])
@pytest.mark.parametrize("layer", [0, 1])
def test_dropout_masks_are_those_of_draws_compared(shape, layer):
    """For every slot's rows, in any places of its epoch, the scale stands where the draw is below the threshold."""
    slots, epochs, keeps, scales = [1, 0, 1], [5, 0, 2], [30_000, 65_536, 1], [2.5, 1.0, 4.0]
    position = torch.tensor([[*range(7, 25)], [*range(17), 0], [0] * 18])
    keep, scale = torch.tensor([keeps, keeps]).T, torch.tensor([scales, scales]).T
    out = torch.full((3, 18, *shape), -1.0)

    dropout_masks(
        out, torch.from_numpy(KEYS[slots].view(np.int64)), torch.tensor(epochs), position, keep[:, 1], scale[:, 1],
        layer=layer,
    )  # fmt: skip

    width = out[0, 0].numel()
    for made, slot, epoch, rows, limit, value in zip(out, slots, epochs, position, keeps, scales, strict=True):
        draws = counter_rng.KeepBits(KEYS[slot], layer=layer, epoch=epoch).rows(30, width)[rows.numpy()]
        assert np.array_equal(made.view(18, width).numpy(), np.where(draws < limit, np.float32(value), 0))
