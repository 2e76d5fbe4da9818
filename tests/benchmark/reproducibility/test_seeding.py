"""Seeds: distinct for distinct purposes, the same for ever, and no business of the order of calls."""

import itertools
import json
import os
import random
import subprocess
import sys

import numpy as np
import pytest

from benchmark.reproducibility.seeding import (
    LARGEST_SEED,
    config_digest,
    search_generator,
    seed_sequence,
    trial_seed,
)
from objectives.training.counter_rng import trial_key
from tests import ROOT

CONFIG = {"learning_rate": 0.1, "batch_size": 128}

PINNED = {
    'seed_sequence(0, "search").generate_state(4).tolist()': [417826051, 386418939, 436629191, 120067990],
    'seed_sequence(20240229, "trial", "softmax", 7, "abc").generate_state(4).tolist()': [
        239803005,
        3443173409,
        3743404556,
        2930890249,
    ],
    'seed_sequence(2**63 - 1, "search", "\u00e9", 0).generate_state(4).tolist()': [
        2005510699,
        3248393240,
        3420022629,
        2952417940,
    ],
    "trial_seed(20240229, 'lenet', 3, {'learning_rate': 0.1, 'batch_size': 128}).generate_state(4).tolist()": [
        2980554814,
        2873138319,
        2200286083,
        653729491,
    ],
    'search_generator(20240229, "lenet", "local", 3).integers(0, 2**63, 3).tolist()': [
        2443667340193237202,
        7123402952707888441,
        4299356013001740338,
    ],
    "config_digest({'learning_rate': 0.1, 'batch_size': 128})": (
        "9b26dc831d14ab4e59e177a4ba6d08e66e1a35ca5eb01dc67a239711dbb6684d"
    ),
    "config_digest({})": "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
}


def words(seed):
    """The first 128 bits of a stream, as a key."""
    return seed.generate_state(4).tobytes()


# Distinct and stable.


def test_streams_are_distinct():
    """No two of 20 000 combinations of seed, purpose, objective, algorithm and repetition share a stream."""
    names = [f"name-{i}" for i in range(10)]
    combinations = itertools.product((0, 1), ("search", "globals", "trial", "x", "y"), names, names, range(20))

    found = {words(seed_sequence(seed, purpose, *rest)) for seed, purpose, *rest in combinations}

    assert len(found) == 20_000


def test_the_keys_of_trials_and_their_folds_are_distinct():
    """No two folds of the trials of several suites, objectives and repetitions have one counter-based key."""
    suites = itertools.product((0, 1, LARGEST_SEED), ("a", "b"), range(5), range(100))
    seeds = [trial_seed(seed, name, repetition, {"x": x}) for seed, name, repetition, x in suites]

    found = {trial_key(seed, fold).tobytes() for seed in seeds for fold in range(3)}

    assert len(found) == 9000


def test_streams_do_not_depend_on_the_order_of_calls():
    """Asked for in any order, with draws in between, a stream is the same."""
    keys = [(purpose, name, repetition) for purpose in "ab" for name in "cd" for repetition in range(50)]
    forward = {key: words(seed_sequence(1, *key)) for key in keys}
    shuffled = list(keys)
    random.Random(0).shuffle(shuffled)
    backward = {}
    for key in shuffled:
        seed = seed_sequence(1, *key)
        backward[key] = words(seed)
        seed.spawn(2)
        np.random.default_rng(seed).random(7)

    assert forward == backward


def test_the_numbers_are_pinned():
    """These values must never change: every published result hangs on them."""
    found = {text: eval(text) for text in PINNED}  # The texts above, evaluated in another process below.

    assert found == PINNED


def test_a_fresh_process_gives_the_same_numbers():
    """Another process with other hashes of strings agrees on every pinned value."""
    program = (
        "import json, sys\n"
        "from benchmark.reproducibility.seeding import *\n"
        "print(json.dumps({text: eval(text) for text in json.load(sys.stdin)}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        input=json.dumps(list(PINNED)),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )

    assert json.loads(done.stdout) == PINNED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((1,), (1, 0)),
        ((1,), ("1",)),
        ((1,), (True,)),
        ((0,), ("",)),
        (("ab", "c"), ("a", "bc")),
        (("a", "b"), ("b", "a")),
        (("a", "b"), ("a/b",)),
        (("a",), ("a", "")),
        (("a",), ("A",)),
        (("a",), ("a ",)),
        (("\u00e9",), ("e\u0301",)),
        ((2**32,), (0, 1)),
        ((-1,), (1,)),
        (("int:1",), (1,)),
    ],
    ids=repr,
)
def test_lists_of_names_do_not_run_into_each_other(one, other):
    """What joined strings, padded integers or `hash` confuse has streams of its own."""
    assert words(seed_sequence(1, "p", *one)) != words(seed_sequence(1, "p", *other))


@pytest.mark.parametrize(("one", "other"), [(0, 1), (1, 2**32 + 1), (2**32, 1), (LARGEST_SEED, LARGEST_SEED - 1)])
def test_suite_seeds_do_not_run_into_each_other(one, other):
    """Different suite seeds, of one word or two, give different streams."""
    assert words(seed_sequence(one, "p")) != words(seed_sequence(other, "p"))


def test_a_purpose_is_not_a_name():
    """The search of an algorithm called like a purpose is not that purpose's stream."""
    assert words(seed_sequence(1, "search", "trial")) != words(seed_sequence(1, "trial", "search"))


def test_search_streams_differ_by_everything_that_names_a_run():
    """Objective, algorithm, repetition and suite seed each change what an algorithm draws."""
    runs = list(itertools.product((0, 1), ("a", "b"), ("a", "b"), (0, 1)))

    assert len({search_generator(*run).random() for run in runs}) == len(runs)
    assert search_generator(0, "a", "b", 1).random() == search_generator(0, "a", "b", 1).random()


def test_a_trial_seed_knows_no_algorithm():
    """The same configuration in the same repetition meets the same noise; any change of it does not."""
    first = words(trial_seed(1, "lenet", 0, CONFIG))

    assert words(trial_seed(1, "lenet", 0, dict(reversed(CONFIG.items())))) == first
    others = [
        trial_seed(2, "lenet", 0, CONFIG),
        trial_seed(1, "softmax", 0, CONFIG),
        trial_seed(1, "lenet", 1, CONFIG),
        trial_seed(1, "lenet", 0, {**CONFIG, "learning_rate": np.nextafter(0.1, 1).item()}),
        trial_seed(1, "lenet", 0, {**CONFIG, "batch_size": 129}),
    ]
    assert first not in {words(seed) for seed in others}
    assert len({words(seed) for seed in others}) == len(others)


# Digests.


def test_a_digest_does_not_depend_on_the_order_of_keys():
    """All orders of a configuration's names have one digest."""
    items = [("a", 1), ("b", 0.1), ("c", "x"), ("d", True)]

    assert len({config_digest(dict(order)) for order in itertools.permutations(items)}) == 1


def test_values_that_are_not_the_same_have_other_digests():
    """Types, signs of zero, neighbouring floats and forms of a letter are told apart."""
    values = [0, 0.0, -0.0, False, "0", 1, 1.0, True, "1", 0.1, np.nextafter(0.1, 1).item(), 5e-324, "", "\u00e9"]
    values.append("e\u0301")

    assert len({config_digest({"x": value}) for value in values}) == len(values)
    assert config_digest({"x": 1, "y": 2}) != config_digest({"x": 2, "y": 1})
    assert config_digest({"xy": 1}) != config_digest({"x": 1})


def test_a_digest_survives_a_ledger():
    """A configuration read back from JSON has the digest it was written with."""
    rng = np.random.default_rng(0)
    for _ in range(200):
        config = {"x": rng.random(), "n": int(rng.integers(100)), "kind": "\u00e9", "flag": True}

        assert config_digest(json.loads(json.dumps(config))) == config_digest(config)


def test_nan_has_no_digest():
    """A configuration with NaN is refused: it would not equal itself."""
    with pytest.raises(ValueError, match="JSON compliant"):
        config_digest({"x": float("nan")})
