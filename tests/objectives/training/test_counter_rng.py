"""Counter-based draws against published vectors, against their definition in whole numbers, and by statistics."""

import json
import math
from itertools import combinations, pairwise, product

import numpy as np
import pytest
import torch
from scipy import stats

from objectives.training import counter_rng
from objectives.training.counter_rng import KeepBits, Purpose
from tests.objectives import philox

KNOWN = [
    (
        [0] * 6,
        [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B],
    ),
    (
        [0xFFFFFFFFFFFFFFFF] * 6,
        [0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0],
    ),
    (
        [
            *(0x243F6A8885A308D3, 0x13198A2E03707344, 0xA4093822299F31D0, 0x082EFA98EC4E6C89),
            *(0x452821E638D01377, 0xBE5466CF34E90C6C),
        ],
        [0xA528F45403E61D95, 0x38C72DBD566E9788, 0xA5A1610E72FD18B5, 0x57BD43B5E52B7FE6],
    ),
]
"""Counter and key, and the words: lines `philox4x64 10` of Random123's file kat_vectors."""
SEEDS = [
    np.random.SeedSequence(0),
    np.random.SeedSequence(2024, spawn_key=(7,)),
    np.random.SeedSequence(2**127, spawn_key=(1, 2, 3)),
]
KEY = counter_rng.trial_key(SEEDS[1], 0)


def signed(word):
    return word - 2**64 if word >= 2**63 else word


def tensor_block(key, numbers):
    """One block by tensor operations, as unsigned words."""
    first, *others = (torch.tensor([signed(number)]) for number in numbers)
    words = counter_rng.philox(torch.tensor([signed(word) for word in key]), (first, *others))
    return [int(word) % 2**64 for word in words]


# The generator


@pytest.mark.parametrize(("given", "words"), KNOWN)
def test_published_vectors(given, words):
    """All implementations give the authors' known answers: whole numbers, tensors, and NumPy's."""
    numbers, key = given[:4], given[4:]
    assert philox.block(key, numbers) == words
    assert tensor_block(key, numbers) == words
    before = numbers_before(numbers)
    numpys = np.random.Philox(key=np.array(key, dtype=np.uint64), counter=np.array(before, dtype=np.uint64))
    assert numpys.random_raw(4).tolist() == words


def numbers_before(numbers):
    """The counter less one, as 256 bits: NumPy counts on before it draws."""
    total = (sum(number << (64 * place) for place, number in enumerate(numbers)) - 1) % 2**256
    return [total >> (64 * place) & (2**64 - 1) for place in range(4)]


def test_tensors_and_numpy_agree():
    """Thousands of blocks of several keys, epochs, indices and purposes have the same words."""
    for seed, epoch, index, purpose in product(SEEDS, (0, 3, 10_000), (0, 1, 77), Purpose):
        key = counter_rng.trial_key(seed, 0)
        numpys = counter_rng.generator(key, purpose, index=index, epoch=epoch).random_raw(400).reshape(100, 4)
        blocks = torch.arange(1, 101)
        words = counter_rng.philox(counter_rng.as_tensor(key, "cpu"), (blocks, epoch, index, int(purpose)))
        assert np.array_equal(torch.stack(words, dim=1).numpy().view(np.uint64), numpys)


def test_tensor_counters_broadcast():
    """Every element may have a key, epoch and index of its own, as the slots of a stack have."""
    keys = torch.stack([counter_rng.as_tensor(counter_rng.trial_key(seed, 0), "cpu") for seed in SEEDS])
    blocks, epochs, indices = torch.tensor([1, 5, 2**40]), torch.tensor([0, 9, 4]), torch.tensor([3, 0, 2])
    together = torch.stack(counter_rng.philox(keys, (blocks, epochs, indices, 2)), dim=1)
    for place in range(3):
        alone = counter_rng.philox(keys[place], (blocks[place : place + 1], int(epochs[place]), int(indices[place]), 2))
        assert torch.equal(together[place], torch.cat(alone))


def test_the_key_is_the_seeds():
    """A key is the state of the seed's child named by the fold, and nothing is spawned."""
    for seed, fold in product(SEEDS, range(3)):
        assert counter_rng.trial_key(seed, fold).tolist() == philox.key_by_hand(seed, fold)
        assert counter_rng.trial_key(seed, fold).dtype == np.uint64
        assert seed.n_children_spawned == 0
    assert counter_rng.as_tensor(KEY, "cpu").numpy().view(np.uint64).tolist() == KEY.tolist()


# What is drawn


@pytest.mark.parametrize("count", [1, 2, 3, 7, 8, 1000])
@pytest.mark.parametrize("index", [0, 5])
def test_weights_are_as_defined(count, index):
    """Floats have the upper 24 bits of each half word, the lower half first."""
    drawn = counter_rng.uniform(KEY, index, count)
    assert drawn.dtype == np.float32
    assert drawn.tolist() == philox.units(KEY.tolist(), index, count)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 15, 16, 17, 255, 256, 257, 1000, 1024, 1197])
@pytest.mark.parametrize("epoch", [0, 1, 49])
def test_orders_are_permutations(count, epoch):
    """Every element occurs once, in the order of the definition."""
    order = counter_rng.permutation(KEY, epoch, count)
    assert order.dtype == np.int64
    assert sorted(order.tolist()) == list(range(count))
    assert order.tolist() == philox.order(KEY.tolist(), epoch, count)


def test_elements_with_equal_bits_stay_in_order(monkeypatch):
    """A tie of the random bits is decided by the element's number, not by the sorting algorithm."""

    class Tied:
        def random_raw(self, count):
            return np.arange(count, dtype=np.uint64) // np.uint64(3) % np.uint64(2) << np.uint64(60)

    monkeypatch.setattr(counter_rng, "generator", lambda *arguments, **options: Tied())
    order = counter_rng.permutation(KEY, 0, 100).tolist()
    assert order == sorted(range(100), key=lambda element: (element // 3 % 2, element))


@pytest.mark.parametrize("width", [1, 15, 16, 17, 64, 100])
def test_dropout_draws_are_as_defined(width):
    """Row after row NumPy's stream and the tensors' random access give the draws of the definition."""
    rows = KeepBits(KEY, layer=1, epoch=3).rows(9, width)
    assert rows.dtype == np.uint16
    assert rows.tolist() == [philox.draws(KEY.tolist(), 1, 3, row, width) for row in range(9)]
    positions = torch.tensor([8, 0, 5, 5])
    words = counter_rng.as_tensor(KEY, "cpu")
    drawn = counter_rng.dropout_draws(words, layer=1, epoch=3, position=positions, width=width)
    assert drawn.tolist() == rows[positions.numpy()].tolist()


@pytest.mark.parametrize("width", [3, 16, 50])
def test_dropout_draws_do_not_depend_on_the_batch(width):
    """However the epoch's rows are divided into batches, each row has the same draws."""
    whole = KeepBits(KEY, layer=0, epoch=0).rows(60, width)
    for sizes in ([1] * 60, [7] * 8 + [4], [59, 1], [32, 28]):
        bits = KeepBits(KEY, layer=0, epoch=0)
        assert np.array_equal(np.concatenate([bits.rows(size, width) for size in sizes]), whole)


def test_dropout_draws_depend_on_the_width_of_the_row_alone():
    """Rows of 33 to 48 elements take three blocks: the first 33 draws are the same."""
    rows = [KeepBits(KEY, layer=0, epoch=0).rows(5, width)[:, :33] for width in (33, 40, 48)]
    assert np.array_equal(rows[0], rows[1])
    assert np.array_equal(rows[0], rows[2])


@pytest.mark.parametrize(
    ("probability", "kept"),
    [(0, 65536), (0.5, 32768), (0.25, 49152), (0.95, 3277), (1 - 1e-9, 1), (np.float64(0.5), 32768)],
)
def test_the_threshold(probability, kept):
    """Of the 65536 values a rounded share keeps, and never none."""
    assert counter_rng.keep_threshold(probability) == kept


@pytest.mark.parametrize(("width", "size"), [(1, 16), (15, 16), (16, 16), (17, 32), (1024, 1024)])
def test_rows_start_on_blocks(width, size):
    """A row takes whole blocks of 16 draws."""
    assert counter_rng.padded(width) == size


# What must differ


def raw(seed, fold, purpose, index, epoch, count=64):
    return counter_rng.generator(counter_rng.trial_key(seed, fold), purpose, index=index, epoch=epoch).random_raw(count)


def test_no_two_streams_share_a_word():
    """Trials, folds, purposes, indices and epochs have 1 728 streams without one word in common."""
    streams = product(SEEDS, range(3), Purpose, range(6), range(8))
    drawn = np.concatenate([raw(*stream) for stream in streams])
    assert len(np.unique(drawn)) == len(drawn) == 3 * 3 * len(Purpose) * 6 * 8 * 64


def test_a_long_stream_does_not_run_into_the_next():
    """Words enough for the largest layer end before anything else of the trial begins."""
    blocks = 2**22
    last = counter_rng.generator(KEY, Purpose.DROPOUT, index=1, epoch=2).advance(blocks - 1).random_raw(4)
    assert last.tolist() == philox.block(KEY.tolist(), (blocks, 2, 1, 2))


def correlation(one, other):
    return abs(np.corrcoef(one, other)[0, 1])


def test_neighbouring_streams_are_not_correlated():
    """Weights of neighbouring tensors, trials and folds, and orders of neighbouring epochs, are uncorrelated."""
    count = 20_000
    room = 5 / math.sqrt(count)
    keys = [counter_rng.trial_key(np.random.SeedSequence(seed), fold) for seed in range(3) for fold in range(2)]
    weights = [counter_rng.uniform(key, index, count) for key in keys for index in (0, 1)]
    orders = [counter_rng.permutation(key, epoch, count) for key in keys for epoch in (0, 1)]
    for kind in (weights, orders):
        assert all(correlation(one, other) < room for one, other in combinations(kind, 2))
    assert all(correlation(drawn[:-lag], drawn[lag:]) < room for drawn in weights for lag in (1, 2, 8))


# Whether it is random


def chance(counts, expected=None):
    return stats.chisquare(counts, expected).pvalue


def test_weights_are_uniform():
    """Mean, variance and a histogram of 400 000 floats are those of the uniform law on [0, 1)."""
    drawn = np.concatenate([counter_rng.uniform(KEY, index, 50_000) for index in range(8)]).astype(np.float64)
    count = len(drawn)
    assert 0 <= drawn.min() < 1e-4
    assert 1 - 1e-4 < drawn.max() < 1
    assert abs(drawn.mean() - 1 / 2) < 5 * math.sqrt(1 / 12 / count)
    assert abs(drawn.var() - 1 / 12) < 5 * math.sqrt(1 / 180 / count)
    assert 1e-4 < chance(np.histogram(drawn, 256, (0, 1))[0]) < 1 - 1e-4
    pairs = np.histogram2d(drawn[::2], drawn[1::2], 16, [(0, 1), (0, 1)])[0]
    assert 1e-4 < chance(pairs.ravel()) < 1 - 1e-4


def test_all_orders_are_equally_likely():
    """The 24 orders of four elements, over 24 000 epochs."""
    seen = [tuple(counter_rng.permutation(KEY, epoch, 4).tolist()) for epoch in range(24_000)]
    _, counts = np.unique(seen, axis=0, return_counts=True)
    assert len(counts) == 24
    assert 1e-4 < chance(counts) < 1 - 1e-4


def test_every_place_is_equally_likely():
    """Where an element of 100 comes to stand, over 2 000 epochs, is uniform for each of some elements."""
    orders = np.array([counter_rng.permutation(KEY, epoch, 100) for epoch in range(2000)])
    places = np.argsort(orders, axis=1)
    for element in (0, 1, 50, 63, 64, 99):
        assert chance(np.bincount(places[:, element], minlength=100)) > 1e-4
    ascents = np.mean([np.mean([a < b for a, b in pairwise(order)]) for order in orders[:200]])
    assert ascents == pytest.approx(0.5, abs=5 * math.sqrt(101 / 12 / 200) / 99)


def test_dropout_draws_are_uniform():
    """All 16 bits of the draws, their high bytes, and pairs of neighbours in rows and columns."""
    drawn = KeepBits(KEY, layer=0, epoch=0).rows(2000, 200).astype(np.int64)
    for shift in range(16):
        ones = int((drawn >> shift & 1).sum())
        assert abs(ones - drawn.size / 2) < 5 * math.sqrt(drawn.size) / 2
    assert chance(np.bincount((drawn >> 8).ravel(), minlength=256)) > 1e-4
    nibbles = drawn >> 12
    for one, other in ((nibbles[:, ::2], nibbles[:, 1::2]), (nibbles[::2], nibbles[1::2])):
        assert chance(np.bincount((16 * one + other).ravel(), minlength=256)) > 1e-4


# What must not matter


def everything():
    """A sample of every kind of draw, as JSON turns it round."""
    drawn = {
        "key": counter_rng.trial_key(SEEDS[2], 1),
        "weights": counter_rng.uniform(KEY, 3, 9),
        "order": counter_rng.permutation(KEY, 2, 9),
        "dropout": KeepBits(KEY, layer=1, epoch=2).rows(2, 9),
    }
    return json.loads(json.dumps({name: values.tolist() for name, values in drawn.items()}))


@pytest.mark.slow
def test_draws_in_a_fresh_process(in_fresh_process):
    """Nothing of this process is in a draw."""
    assert in_fresh_process(__file__, "everything") == everything()


def test_global_generators_reach_no_draw(global_state, move_global_generators):
    """Draws neither read nor move the global generators, and do not depend on earlier ones."""
    expected = everything()
    move_global_generators()
    before = global_state()
    assert everything() == expected
    assert global_state() == before
