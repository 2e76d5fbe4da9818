"""Derives every seed: streams of random numbers are keyed by what they are for, never by call order."""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.random import mtrand

from benchmark.reproducibility import canonical_json
from objectives.objective import TrialSeed
from objectives.space import Config

LARGEST_SEED = 2**63 - 1


def seed_sequence(suite_seed: int, purpose: str, *names: str | int) -> np.random.SeedSequence:
    """Return the seed sequence of one purpose; the same arguments give the same stream for ever.

    Every name becomes exactly two 32-bit words of a SHA-256, so that no two lists of names run into
    each other, as joined strings and bare integers do.
    """
    key = [word for name in (purpose, *names) for word in _words(name)]
    return np.random.SeedSequence(suite_seed, spawn_key=tuple(key))


def recheck_seed(suite_seed: int) -> int:
    """Return the seed of a suite's recheck: above `LARGEST_SEED`, so no suite has ever drawn from its streams.

    Every suite has its own, below 2**64. Repetition 0 of a recheck therefore shares no number with
    repetition 0 of the suite, nor with any other, however many either of them has.
    """
    return LARGEST_SEED + 1 + suite_seed


def trial_seed(suite_seed: int, objective: str, repetition: int, config: Config) -> TrialSeed:
    """Return the seed of a trial: a function of what is trained, not of the algorithm that asks for it.

    In one repetition every algorithm meets the same noise on the same configuration (common random
    numbers), which makes comparisons paired by repetition.
    """
    seed = seed_sequence(suite_seed, "trial", objective, repetition, config_digest(config))
    return TrialSeed(suite_seed, seed.spawn_key, repetition)


def search_generator(suite_seed: int, objective: str, algorithm: str, repetition: int) -> np.random.Generator:
    """Return the generator of one run's algorithm."""
    return np.random.default_rng(seed_sequence(suite_seed, "search", objective, algorithm, repetition))


def config_digest(config: Config) -> str:
    """Return the SHA-256 of a configuration's canonical JSON (sorted names, shortest exact floats)."""
    key = canonical_json.identity(config)
    digest = _digests.get(key)
    if digest is None:
        digest = hashlib.sha256(canonical_json.encode(config, sort_keys=True)).hexdigest()
        if len(_digests) < MOST_DIGESTS:
            _digests[key] = digest
    return digest


MOST_DIGESTS = 100_000
"""Digests that a process remembers, 20 MB: algorithms that share a table ask for the same configurations for ever."""

_digests: dict[bytes | str, str] = {}


@lru_cache(maxsize=10_000, typed=True)
def _words(name: str | int) -> tuple[int, int]:
    head = hashlib.sha256(f"{type(name).__name__}:{name}".encode()).digest()
    return int.from_bytes(head[:4], "big"), int.from_bytes(head[4:8], "big")


class PrivateGenerators:
    """Private states of the global generators, for code that was not written for this harness.

    The book's searchers call `domain.rvs()` and `numpy.random`, many networks call
    `torch.nn.Dropout`. Inside `with generators.active():` such code draws from states that belong to
    one run; outside, the process's own global states are as they were.
    """

    def __init__(self, seed: np.random.SeedSequence) -> None:
        words = seed.generate_state(4, np.uint64)
        self._python = random.Random(int(words[0])).getstate()
        self._numpy: _Numpy = np.random.MT19937(int(words[1])), None
        self._torch_seed = int(words[2])
        self._torch: object = None

    @contextmanager
    def active(self) -> Iterator[None]:
        """Swap the private states in, and the process's back at the end."""
        outer = (random.getstate(), _numpy_state(), _torch_state())  # To be restored.
        random.setstate(self._python)
        _set_numpy_state(self._numpy)
        self._swap_torch_in()
        try:
            yield
        finally:
            self._python, self._numpy, self._torch = random.getstate(), _numpy_state(), _torch_state()
            random.setstate(outer[0])
            _set_numpy_state(outer[1])
            _set_torch_state(outer[2])

    def _swap_torch_in(self) -> None:
        if "torch" in sys.modules and self._torch is None:
            import torch

            self._torch = torch.Generator().manual_seed(self._torch_seed).get_state()
        _set_torch_state(self._torch)


def global_states() -> dict[str, object]:
    """Read the states of the global generators of random, numpy and, where it is imported, torch, to compare them."""
    legacy: Any = np.random.get_state()  # noqa: NPY002 (read only)
    kind, words, *rest = legacy
    states: dict[str, object] = {"random": random.getstate(), "numpy": (kind, words.tobytes(), *rest)}
    torch = sys.modules.get("torch")
    return states if torch is None else {**states, "torch": torch.get_rng_state().numpy().tobytes()}


_Numpy = tuple[np.random.BitGenerator, dict[str, object] | None]
"""The bits behind numpy's global generator; its state too where that holds a second Gaussian ready."""


def _numpy_state() -> _Numpy:
    state = np.random.get_state(legacy=False)  # noqa: NPY002 (read only)
    return mtrand.get_bit_generator(), state if state["has_gauss"] else None


def _set_numpy_state(saved: _Numpy) -> None:
    """Exchange the bits, 0.2 microseconds; setting a state copies 624 words one by one, 33 microseconds."""
    bits, state = saved
    mtrand.set_bit_generator(bits)
    if state is not None:
        np.random.set_state(state)  # noqa: NPY002 (third-party code's, or restored)


def _torch_state() -> object:
    return sys.modules["torch"].get_rng_state() if "torch" in sys.modules else None


def _set_torch_state(state: object) -> None:
    if state is not None:
        sys.modules["torch"].set_rng_state(state)
