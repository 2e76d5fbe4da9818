"""Planted finals: do intervals cover the truth, does Holm hold its level, is power what was planned?

`python -m tests.planted.finals [--simulations 1000] [--out FILE.json]` simulates suites of 4 algorithms whose final
errors are known distributions: level + effect + noise of the repetition (shared by all algorithms) + noise of
their own. It prints how often each 95 % interval of `analysis.statistics` contains the true value (in percent, and how
often the truth was below and above), how often a suite of equal algorithms shows any difference after Holm,
and how often a difference of the detectable size is found.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats

from analysis.statistics.anytime import Array
from analysis.statistics.pairwise import compare, holm, wilcoxon
from analysis.statistics.power.search import ALPHA, POWER
from analysis.statistics.power.signed_rank import detectable
from analysis.statistics.summaries import summaries

REPETITIONS = 50
EFFECTS = (0.0, 0.002, 0.004, 0.008)
"""By how much the error of each algorithm is above the first one's; its own noise has an sd of about 0.01."""

LEVEL_OF_ERROR, SHARED, OWN, SKEW, IMAGES = 0.10, 0.02, 0.01, 0.5, 360
TRUTH = 2_000_000
"""Repetitions that the true values are computed from."""

PARTS = 500
"""Simulations computed at once."""

TESTED = 10
"""How many times as many simulations are made of tests, which cost little, as of intervals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """A kind of noise: how repetitions and algorithms draw theirs, and what becomes of an error at last."""

    draw: Callable[[np.random.Generator, tuple[int, ...]], Array]
    seen: Callable[[Array], Array]


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Standard normal."""
    return rng.normal(size=shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Lognormal with sigma = 0.5 (skewness 1.75), centred and scaled to an sd of 1."""
    spread = np.sqrt(np.expm1(SKEW**2)) * np.exp(SKEW**2 / 2)
    return (rng.lognormal(0.0, SKEW, size=shape) - np.exp(SKEW**2 / 2)) / spread


def counted(errors: Array) -> Array:
    """An error as it is counted on 360 images."""
    return np.round(errors * IMAGES) / IMAGES


NOISES: Mapping[str, Noise] = {
    "normal": Noise(draw=normal, seen=lambda errors: errors),
    "skewed": Noise(draw=skewed, seen=lambda errors: errors),
    "discrete": Noise(draw=normal, seen=counted),
}


def suites(noise: Noise, rng: np.random.Generator, simulations: int, effects: tuple[float, ...] = EFFECTS) -> Array:
    """(simulations, algorithms, repetitions) final errors."""
    return planted(noise, rng, (simulations, len(effects), REPETITIONS), np.asarray(effects)[:, np.newaxis])


def planted(noise: Noise, rng: np.random.Generator, shape: tuple[int, int, int], effects: Array) -> Array:
    """Errors of any number of suites, algorithms and repetitions."""
    shared = SHARED * noise.draw(rng, (shape[0], 1, shape[2]))
    return noise.seen(LEVEL_OF_ERROR + effects + shared + OWN * noise.draw(rng, shape))


def truths(noise: Noise, effects: tuple[float, ...] = EFFECTS) -> dict[str, Array]:
    """True values of every algorithm and of every difference from the first, from very many repetitions."""
    rng = np.random.default_rng(1)
    errors = planted(noise, rng, (1, len(effects), TRUTH), np.asarray(effects)[:, np.newaxis])[0]
    differences = errors[:1] - errors[1:]
    named = {"": errors, "difference ": differences}
    values = {f"{name}mean": of.mean(axis=1) for name, of in named.items()}
    values |= {f"{name}median": np.median(of, axis=1) for name, of in named.items()}
    values |= {f"{name}iqm": stats.trim_mean(of, 0.25, axis=1) for name, of in named.items()}
    return values | {"p_better": (differences < 0).mean(axis=1) + (differences == 0).mean(axis=1) / 2}


def coverage(noise: Noise, simulations: int, seed: int = 2) -> dict[str, dict[str, float]]:
    """Percent of simulations in which each interval contains the truth, misses it, or ends on it exactly.

    The last happens with discrete errors. Each is averaged over the algorithms, or over the differences from
    the first: `simulations` of each.
    """
    rng, truth = np.random.default_rng(seed), truths(noise)
    limits: dict[str, list[Array]] = {name: [] for name in truth}
    for first in range(0, simulations, PARTS):
        errors = suites(noise, rng, min(PARTS, simulations - first))
        for name, found in _limits(errors).items():
            limits[name].append(found)
    return {name: _covered(np.concatenate(limits[name]), truth[name]) for name in truth}


def false_positives(noise: Noise, simulations: int, seed: int = 3) -> float:
    """Percent of suites of equal algorithms in which Holm's procedure over all 6 pairs finds a difference.

    It finds any where its first step does: six times the least p is at most alpha. (statsmodels' function collects
    garbage on every call, 0.05 s or more each.)
    """
    errors = suites(noise, np.random.default_rng(seed), simulations, effects=(0.0,) * len(EFFECTS))
    first, second = np.triu_indices(len(EFFECTS), 1)
    p = wilcoxon((errors[:, first] - errors[:, second]).reshape(-1, REPETITIONS)).reshape(simulations, -1)
    assert all((holm(row).min() <= ALPHA) == (len(first) * row.min() <= ALPHA) for row in p[:5])
    return 100 * float(np.mean(len(first) * p.min(axis=1) <= ALPHA))


def power(noise: Noise, simulations: int, n: int = REPETITIONS, seed: int = 4) -> float:
    """Percent of comparisons of two algorithms in which a difference of the detectable size is found."""
    sd = float(np.std(_pair(noise, np.random.default_rng(1), 1, TRUTH, 0.0)))
    differences = _pair(noise, np.random.default_rng(seed), simulations, n, detectable(n, wanted=POWER) * sd)
    return 100 * float(np.mean(wilcoxon(differences) <= ALPHA))


def _pair(noise: Noise, rng: np.random.Generator, simulations: int, n: int, effect: float) -> Array:
    errors = planted(noise, rng, (simulations, 2, n), np.array([[0.0], [effect]]))
    return errors[:, 0] - errors[:, 1]


def _limits(errors: Array) -> dict[str, Array]:
    """(simulations, algorithms or differences, 2) limits by what they enclose."""
    simulations, algorithms, repetitions = errors.shape
    own = summaries(errors.reshape(-1, repetitions))
    paired = compare((errors[:, :1] - errors[:, 1:]).reshape(-1, repetitions))
    found = {}
    for name in ("mean", "median", "iqm"):
        for prefix, source in (("", own), ("difference ", paired)):
            low, high = getattr(source, f"{name}_lo"), getattr(source, f"{name}_hi")
            found[f"{prefix}{name}"] = np.stack([low, high], axis=-1).reshape(simulations, -1, 2)
    p_better = np.stack([paired.p_better_lo, paired.p_better_hi], axis=-1)
    return found | {"p_better": p_better.reshape(simulations, algorithms - 1, 2)}


def _covered(limits: Array, truth: Array) -> dict[str, float]:
    slack = 1e-9  # Discrete limits and truths are the same number, computed in two ways.
    below = float(np.mean(truth < limits[..., 0] - slack))
    above = float(np.mean(truth > limits[..., 1] + slack))
    edge = float(np.mean((np.abs(limits - truth[:, np.newaxis]) < slack).any(axis=-1)))
    shares = {"contains": 1 - below - above, "truth below": below, "truth above": above, "truth at a limit": edge}
    return {name: round(100 * share, 2) for name, share in shares.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000, help="suites simulated for each kind of noise")
    parser.add_argument("--out", type=Path, help="also write everything as JSON")
    options = parser.parse_args()
    report, many = {}, TESTED * options.simulations
    for name, noise in NOISES.items():
        found = coverage(noise, options.simulations)
        errors = {
            "any false positive after Holm": round(false_positives(noise, many), 2),
            **{f"power at {n} repetitions": round(power(noise, many, n), 2) for n in (10, 20, 50, 100)},
        }
        report[name] = {"coverage": found, **errors}
        print(f"{name}: {options.simulations} simulations ({many} of tests), {REPETITIONS} repetitions; percent")
        for label, shares in found.items():
            print(f"  {label:18}" + "".join(f"{key} {value:6.2f}   " for key, value in shares.items()).rstrip())
        for label, share in errors.items():
            print(f"  {label:32} {share:6.2f}")
    if options.out is not None:
        options.out.write_text(json.dumps({"simulations": options.simulations, **report}, indent=2) + "\n")


if __name__ == "__main__":
    main()
