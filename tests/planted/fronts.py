"""Do the bands of hypervolumes hold what they promise? Suites of fronts whose mean hypervolume is known.

`python -m tests.planted.fronts [--simulations 1000] [--repetitions 50] [--out FILE.json]` simulates suites of two
algorithms that draw points in the unit square, or cube, whose reference is the corner of ones, and counts what
`tests.planted.trajectories` counts, of hypervolumes over time: how often the simultaneous band of the paired difference
holds the truth at all of its times (`band`), how often a claim is made (`claims`; in worlds called null there is no
difference), and how often one is wrong (`wrong_claims`); besides, how often Wilcoxon's test of the final hypervolumes
rejects at 5 % (`rejected`).

The mean hypervolume is the integral, over all points z of the box, of the probability that one of n draws dominates z.
With coordinates `U ** c`, U uniform, one of which is below x with the probability `x ** (1 / c)`, it is for two metrics

    1 - c^2 B(c, n + 1) (psi(c + n + 1) - psi(c)),

which for c = 1 is `1 - H(n + 1) / (n + 1)`; of three uniform metrics it is 1 - (sum of H(k) / k to n + 1) / (n + 1).
When trials complete as a Poisson process of `rate`, it is for two uniform metrics at time t, given that there is one,
`1 - (Ein(x) / x - e^-x) / (1 - e^-x)` with x = rate t and Ein(x) = E1(x) + log(x) + gamma. Half of the draws are common
to both algorithms of a repetition, as with common random numbers.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.special import beta, exp1, psi

from analysis.fronts.box import Box
from analysis.fronts.hypervolume import growing_hypervolume
from analysis.statistics.anytime import Curve
from analysis.statistics.difference import OF_HYPERVOLUMES
from analysis.statistics.pairwise import wilcoxon
from tests.planted.trajectories import REPETITIONS, SIMULATIONS, measure

SEED = 7
TRIALS = 30
SECONDS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ByTrials:
    """Both complete one trial a unit of time; a's coordinates are `U ** power`, b's U; half of the U are common."""

    power: float = 1.0
    metrics: int = 2

    def simulate(self, rng, repetitions):
        """Curves of a and b."""
        a, b = [], []
        for _ in range(repetitions):
            ours = rng.random((TRIALS, self.metrics))
            common = rng.random((TRIALS, 1)) < 0.5
            theirs = np.where(common, ours, rng.random(ours.shape))
            a.append(_curve(np.arange(1.0, TRIALS + 1), ours**self.power))
            b.append(_curve(np.arange(1.0, TRIALS + 1), theirs))
        return a, b

    def means(self, t):
        """The mean curves of a and b: negative hypervolumes, as errors are."""
        n = np.asarray(t)
        if self.metrics == 3:
            k = np.arange(1, TRIALS + 2)
            sums = np.cumsum(np.cumsum(1 / k) / k)
            same = sums[n.astype(int)] / (n + 1) - 1
            return same, same
        c = self.power
        return c**2 * beta(c, n + 1) * (psi(c + n + 1) - psi(c)) - 1, (psi(n + 2) - psi(1)) / (n + 1) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRuntime:
    """Trials complete as Poisson processes of two rates, uniform in the square."""

    rates: tuple[float, float]

    def simulate(self, rng, repetitions):
        """Curves of a and b."""
        return tuple([self._run(rng, rate) for _ in range(repetitions)] for rate in self.rates)

    def means(self, t):
        """The mean curves of a and b: negative hypervolumes."""
        return tuple(_poisson_mean(rate * t) for rate in self.rates)

    def _run(self, rng, rate):
        t = np.sort(rng.random(rng.poisson(rate * SECONDS))) * SECONDS
        return _curve(t, rng.random((len(t), 2)))


WORLDS = {
    "trials": ByTrials(power=1.2),
    "trials_null": ByTrials(),
    "three_metrics_null": ByTrials(metrics=3),
    "runtime": ByRuntime(rates=(2.0, 1.0)),
    "runtime_null": ByRuntime(rates=(1.0, 1.0)),
}


def measure_tests(*, simulations, repetitions=REPETITIONS, seed=SEED):
    """How often Wilcoxon's test finds a difference of final hypervolumes where there is none."""
    rng = np.random.default_rng(seed)
    world, differences = WORLDS["trials_null"], []
    for _ in range(simulations):
        a, b = world.simulate(rng, repetitions)
        differences.append([one.valid[-1] - other.valid[-1] for one, other in zip(a, b, strict=True)])
    return float(np.mean(wilcoxon(np.array(differences)) <= 0.05))


def main(arguments=None):
    """Measure all worlds; print, and write where asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted.fronts", description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    options = parser.parse_args(arguments)
    size = {"simulations": options.simulations, "repetitions": options.repetitions}
    report = dict(size)
    for name, world in WORLDS.items():
        report[name] = measure(world, seed=SEED, level=OF_HYPERVOLUMES, **size)
        print(name, *(f"{what} {share:.3f}" for what, share in report[name].items()), flush=True)
    report["rejected"] = measure_tests(**size)
    print(f"rejected {report['rejected']:.3f}")
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _curve(t, points):
    """The negative hypervolume of a run's points so far, as derived results carry it."""
    box = Box(reference=(1.0,) * points.shape[1], ideal=(0.0,) * points.shape[1])
    volumes = 0.0 - growing_hypervolume(points, points, box)[0]
    return Curve(t=t, valid=volumes, test=volumes, carried=True)


def _poisson_mean(x):
    ein = exp1(x) + np.log(x) + np.euler_gamma
    return (ein / x - np.exp(-x)) / -np.expm1(-x) - 1


if __name__ == "__main__":
    sys.exit(main())
