"""Images as bytes: the kernels' float is the data set's."""

import numpy as np
import pytest
import torch

from objectives.stacks.gpu.images import load_images
from objectives.stacks.gpu.kernels.arithmetic import PIXEL_SCALES
from objectives.training.data import Images, Split
from tests.objectives.stacks.gpu.trials import excerpt, fashionable

DIVISORS = {"digits": 16.0, "fashion_mnist": 255.0}


@pytest.mark.parametrize("data", list(DIVISORS))
def test_bytes_times_the_scale_are_the_data_sets_floats(data):
    """U * scale, rounded once, is float32(u / divisor) for all bytes, and bytes are exact in bfloat16."""
    byte = np.arange(256)

    assert np.array_equal((byte * PIXEL_SCALES[data]).astype(np.float32), (byte / DIVISORS[data]).astype(np.float32))
    assert torch.equal(torch.arange(256.0).bfloat16().float(), torch.arange(256.0))


def test_resident_bytes_are_the_pixels():
    """The bytes kept are those the images were made of; the book's validation set is its test set."""
    digits = excerpt("softmax")
    book = Split(train=digits.train, valid=digits.test, test=digits.test)
    resident = load_images(book, "digits", "cpu")

    assert resident.train.u.dtype == torch.uint8
    assert torch.equal(resident.train.u.float() / 16, digits.train.x.flatten(1))
    assert torch.equal(resident.train.labels.long(), digits.train.y)
    assert resident.valid is resident.test
    assert load_images(fashionable(3, 2, 2), "fashion_mnist", "cpu").train.u.max() == 255


def test_other_images_are_refused():
    """An image that is no byte times the scale is named, not rounded."""
    digits = excerpt("softmax")
    odd = Images(x=digits.train.x * 0.9, y=digits.train.y)
    with pytest.raises(ValueError, match="not bytes"):
        load_images(Split(train=odd, valid=digits.valid, test=digits.test), "digits", "cpu")
