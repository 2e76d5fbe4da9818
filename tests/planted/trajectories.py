"""Do the bands and intervals of trajectories hold what they promise? Suites of step curves with a known truth.

`python -m tests.planted.trajectories [--simulations 1000] [--repetitions 50] [--out FILE.json]` simulates suites of two
algorithms whose mean curves are known in closed form, and counts how often

- the simultaneous band of the mean difference holds the truth at all of its times (`band`; beside it what the
  pointwise intervals would do at all times at once, `pointwise_everywhere`, which is no promise of theirs);
- claims are made (`claims`; in worlds called null there is no difference), and one of them is wrong anywhere
  (`wrong_claims`);
- the pointwise interval of one algorithm's mean holds the truth, at the middle of its times (`pointwise`);
- the interval of the speed-up holds the ratio of the true expected running times (`speed_up`).

Errors are drawn independently; incumbents are minima. With `scale * U ** power`, U uniform, the mean minimum of k is
`scale * k * B(power + 1, k)`. When trials complete as a Poisson process of `rate`, the minimum of uniform errors until
t, given that there is one, has the mean `1 / x - 1 / (e^x - 1)` with x = rate t; after a first trial that both have in
common, `1 / x - (1 - e^-x) / x^2`. The expected running time is (mean seconds) / P(a trial reaches the target),
whatever the number of trials, for what a truncated geometric number of trials costs is their mean number times the mean
cost, and the mean number is P(success) / p.

Repetitions have a level that both algorithms meet, as with common random numbers. `heavy` is there to show a limit:
cubed uniform errors, whose minima have a skewness above 10, while errors of networks have a floor.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import stats
from scipy.special import beta

from analysis.statistics.anytime import curve
from analysis.statistics.bands import band, values
from analysis.statistics.bootstrap import LEVEL as LEVEL_OF_BANDS
from analysis.statistics.difference import claims, difference
from analysis.statistics.targets import attempts, speed_up

SEED = 5
SIMULATIONS = 1000
REPETITIONS = 50
TRIALS = 30
SECONDS = 20.0
LEVEL = 0.1
"""Standard deviation of the repetitions' levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ByTrials:
    """Both algorithms complete one trial a unit of time; errors are `scale * U ** power`, b's scale being 1."""

    scale: float
    power: float = 1.0

    def simulate(self, rng, repetitions):
        """Curves of a and b."""
        t = np.arange(1.0, TRIALS + 1)
        return _paired(rng, repetitions, lambda scale: (t, scale * rng.random(TRIALS) ** self.power), (self.scale, 1.0))

    def means(self, t):
        """The mean curves of a and b."""
        b = t * beta(self.power + 1, t)
        return self.scale * b, b


@dataclass(frozen=True, slots=True, kw_only=True)
class ByRuntime:
    """Trials complete as Poisson processes of two rates, with uniform errors; perhaps after a common first trial."""

    rates: tuple[float, float]
    common: bool = False

    def simulate(self, rng, repetitions):
        """Curves of a and b."""
        return _paired(rng, repetitions, lambda rate: self._run(rng, rate), self.rates, common=self.common)

    def means(self, t):
        """The mean curves of a and b."""
        return tuple(self._mean(rate * (t - self.common)) for rate in self.rates)

    def _run(self, rng, rate):
        t = np.sort(rng.random(rng.poisson(rate * SECONDS))) * SECONDS
        return t + self.common, rng.random(len(t))

    def _mean(self, x):
        if not self.common:
            return 1 / x - 1 / np.expm1(x)
        late = np.maximum(x, 1e-4)  # earlier the series is exact to 1e-9
        return np.where(x > 1e-4, 1 / late + np.expm1(-late) / late**2, 0.5 - x / 6)


WORLDS = {
    "trials": ByTrials(scale=0.8),
    "trials_null": ByTrials(scale=1.0),
    "runtime": ByRuntime(rates=(2.0, 1.0)),
    "runtime_null": ByRuntime(rates=(1.0, 1.0)),
    "common_start": ByRuntime(rates=(2.0, 1.0), common=True),
    "common_start_null": ByRuntime(rates=(1.0, 1.0), common=True),
    "common_start_far": ByRuntime(rates=(4.0, 0.5), common=True),
    "heavy": ByTrials(scale=0.8, power=3.0),
}


def measure(world, *, simulations, repetitions=REPETITIONS, seed=SEED, level=LEVEL_OF_BANDS):
    """Shares of the simulated suites, by what was counted."""
    rng = np.random.default_rng(seed)
    counts = [_counts(world, rng, repetitions, level) for _ in range(simulations)]
    return {name: float(np.mean([count[name] for count in counts])) for name in counts[0]}


def measure_speed_up(*, simulations, repetitions=REPETITIONS, seed=SEED, target=0.05):
    """How often the interval holds the true speed-up, 2.4: trials of a cost 2/3 and succeed 1.6 times as often."""
    rng = np.random.default_rng(seed)
    held = []
    for _ in range(simulations):
        a, b = [], []
        for _ in range(repetitions):
            shared = rng.random(TRIALS // 2)  # common random numbers: half of the trials are the same draws
            for side, cost, scale in ((a, 2.0, 1 / 1.6), (b, 3.0, 1.0)):
                errors = scale * np.append(shared, rng.random(TRIALS - len(shared)))
                t = np.cumsum(rng.exponential(cost, TRIALS))
                side.append(curve(t, errors, errors, carried=True))
        [found] = speed_up([attempts(a, target, "valid")], [attempts(b, target, "valid")])
        held.append(found.lo <= 2.4 <= found.hi)
    return float(np.mean(held))


def main(arguments=None):
    """Measure all worlds; print, and write where asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted.trajectories", description=__doc__.split("\n")[0])
    parser.add_argument("--simulations", type=int, default=SIMULATIONS)
    parser.add_argument("--repetitions", type=int, default=REPETITIONS)
    parser.add_argument("--out", type=Path, help="a JSON file for the numbers")
    options = parser.parse_args(arguments)
    size = {"simulations": options.simulations, "repetitions": options.repetitions}
    report = dict(size)
    for name, world in WORLDS.items():
        report[name] = measure(world, **size)
        print(name, *(f"{what} {share:.3f}" for what, share in report[name].items()), flush=True)
    report["speed_up"] = measure_speed_up(**size)
    print(f"speed_up {report['speed_up']:.3f}")
    if options.out:
        options.out.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _paired(rng, repetitions, draw, sides, *, common=False):
    """Curves of two sides that share the level of each repetition, and perhaps a first trial that ends at 1."""
    a, b = [], []
    for _ in range(repetitions):
        level, first = rng.normal(0.0, LEVEL), rng.random()
        for side, of_side in zip((a, b), sides, strict=True):
            t, errors = draw(of_side)
            if common:
                t, errors = np.append(1.0, t), np.append(first, errors)
            side.append(curve(t, level + errors, level + errors, carried=True))
    return a, b


def _counts(world, rng, repetitions, level):
    """What happened in one simulated suite."""
    a, b = world.simulate(rng, repetitions)
    found = difference(a, b, "valid", level)
    ours, theirs = world.means(found.t)
    truth = ours - theirs
    paired = values(a, found.t, "valid") - values(b, found.t, "valid")
    reach = stats.t.ppf(0.975, repetitions - 1) * paired.std(axis=0, ddof=1) / np.sqrt(repetitions)
    claimed = list(claims(found))
    middle = found.t[len(found.t) // 2 :][:1]
    interval = band(a, middle, "valid")
    mean = world.means(middle)[0]
    return {
        "band": bool(np.all(np.isnan(found.lo) | ((found.lo - 1e-9 <= truth) & (truth <= found.hi + 1e-9)))),
        "pointwise_everywhere": bool(np.all(np.abs(found.mean - truth) <= reach + 1e-9)),
        "claims": bool(claimed),
        "wrong_claims": any(_wrong(claim, found.t, truth) for claim in claimed),
        "drawn": float(np.mean(~np.isnan(found.lo))),
        "pointwise": bool((interval.lo <= mean) & (mean <= interval.hi)),
    }


def _wrong(claim, t, truth):
    """Whether a claim is false anywhere: its truth is 0 or of the other sign."""
    inside = truth[(t >= claim.start) & ((t < claim.end) | (t == t[-1]) & (claim.end == t[-1]))]
    return bool(np.any(inside >= 0 if claim.better == "a" else inside <= 0))


if __name__ == "__main__":
    sys.exit(main())
