"""Philox4x64-10 in Python's whole numbers, and a trial's draws as the design defines them.

Written from the paper (Salmon, Moraes, Dror and Shaw, 2011) with nothing of the harness in it, so that
what it agrees with is the definition and not a copy of the implementation.
"""

import numpy as np

WEIGHTS, ORDER, DROPOUT = 0, 1, 2
WORD = 2**64


def block(key, counter):
    """The four words of one counter (4 numbers, the lowest first) under one key (2 numbers)."""
    key, counter = list(key), list(counter)
    for _ in range(10):
        even, odd = 0xD2E7470EE14C6C93 * counter[0], 0xCA5A826395121157 * counter[2]
        counter = [odd // WORD ^ counter[1] ^ key[0], odd % WORD, even // WORD ^ counter[3] ^ key[1], even % WORD]
        key = [(key[0] + 0x9E3779B97F4A7C15) % WORD, (key[1] + 0xBB67AE8584CAA73B) % WORD]
    return counter


def key_by_hand(seed, fold=0):
    """The key of a fold of the trial that a SeedSequence belongs to."""
    child = np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, fold))
    return [int(word) for word in child.generate_state(2, np.uint64)]


def words(key, count, purpose, *, index=0, epoch=0, first_block=1):
    """The first words drawn for a purpose; blocks are counted from 1."""
    blocks = range(first_block, first_block + (count + 3) // 4)
    return [word for number in blocks for word in block(key, (number, epoch, index, purpose))][:count]


def units(key, index, count):
    """Numbers in [0, 1) with 24 bits each, two to a word, the lower half first."""
    drawn = words(key, (count + 1) // 2, WEIGHTS, index=index)
    return [half // 2**8 / 2**24 for word in drawn for half in (word % 2**32, word // 2**32)][:count]


def order(key, epoch, count):
    """The data order: elements by their word's high bits, ties by number; the low bits hold the number."""
    low = 2 ** max(1, (count - 1).bit_length())
    drawn = words(key, count, ORDER, epoch=epoch)
    return sorted(range(count), key=lambda element: (drawn[element] // low, element))


def draws(key, layer, epoch, position, width):
    """The 16-bit dropout draws of one row; every row begins on a block of 16 draws."""
    blocks = (width + 15) // 16
    drawn = words(key, 4 * blocks, DROPOUT, index=layer, epoch=epoch, first_block=1 + position * blocks)
    return [word // 2**shift % 2**16 for word in drawn for shift in (0, 16, 32, 48)][:width]
