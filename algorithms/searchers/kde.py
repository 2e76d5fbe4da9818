"""The kernel density model of BOHB (Falkner, Klein and Hutter, 2018): section 4.1 and algorithm 2."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from algorithms.option_checks import require_int
from algorithms.searchers.observations import Observations
from algorithms.searchers.random_search import RandomSearch
from objectives.space import Config, Space

LEAST_DENSITY = 1e-32
"""Below this a density counts as this, as in HpBandSter: far from all data the ratio is 1, not 0 / 0."""


class ProductKernel:
    """A kernel density in the unit cube: Gaussian on numeric axes, Aitchison and Aitken's on categorical ones.

    Bandwidths are Scott's (statsmodels' "normal_reference"): 1.06 * spread * n ** (-1 / (4 + d)). The
    spread is the standard deviation; for categories sqrt((1 - sum of squared frequencies) / 2), which
    is the standard deviation of 0 and 1 for two, and for more does not depend on their order.

    Args:
        points: (n, d) places in the unit cube, n >= 1.
        levels: (d,) number of categories, 0 on numeric axes.
        min_bandwidth: least bandwidth on every axis; equal values alone would give a width of 0.
    """

    def __init__(self, points: np.ndarray, levels: np.ndarray, min_bandwidth: float) -> None:
        self.numeric, self.categorical = np.flatnonzero(levels == 0), np.flatnonzero(levels)
        self.levels = levels[self.categorical]
        self.points, self.codes = points[:, self.numeric], self._codes(points)
        scott = 1.06 * len(points) ** (-1 / (4 + len(levels)))
        frequencies = [np.bincount(codes) / len(points) for codes in self.codes.T]
        spread = np.array([math.sqrt(max(0.0, 1 - float(share @ share)) / 2) for share in frequencies])
        self.bandwidths = np.maximum(scott * self.points.std(axis=0), min_bandwidth)
        # At (k - 1) / k all categories weigh the same; above it the own one would weigh least.
        self.mixing = np.maximum(np.minimum(scott * spread, 1 - 1 / self.levels), min_bandwidth)

    def density(self, points: np.ndarray) -> np.ndarray:
        """Evaluate the density at (m, d) points: (m,). Categories are compared as such, not as intervals."""
        steps = (points[:, None, self.numeric] - self.points) / self.bandwidths
        exponents = -0.5 * np.einsum("mnd,mnd->mn", steps, steps)
        if len(self.categorical):
            same = self._codes(points)[:, None] == self.codes
            other = self.mixing / np.maximum(self.levels - 1, 1)
            exponents += np.where(same, np.log1p(-self.mixing), np.log(other)).sum(axis=2)
        height = np.prod(self.bandwidths * math.sqrt(2 * math.pi))
        density: np.ndarray = np.exp(exponents).mean(axis=1) / height
        return density

    def candidates(self, count: int, bandwidth_factor: float, rng: np.random.Generator) -> np.ndarray:
        """Draw points (count, d) with widened numeric bandwidths, truncated at 0 and 1."""
        rows = rng.integers(len(self.points), size=count)
        drawn = np.empty((count, len(self.numeric) + len(self.categorical)))
        centre, width = self.points[rows], bandwidth_factor * self.bandwidths
        low, high = special.ndtr(-centre / width), special.ndtr((1 - centre) / width)
        normals = special.ndtri(low + rng.random(centre.shape) * (high - low))
        drawn[:, self.numeric] = np.clip(centre + width * normals, 0, 1)
        codes = self.codes[rows]
        anew = rng.random(codes.shape) < self.mixing
        codes = np.where(anew, rng.integers(self.levels, size=codes.shape), codes)
        drawn[:, self.categorical] = (codes + 0.5) / self.levels
        return drawn

    def _codes(self, points: np.ndarray) -> np.ndarray:
        """Index of the category at each point: (n, categorical axes)."""
        codes: np.ndarray = np.minimum(points[:, self.categorical] * self.levels, self.levels - 1).astype(np.intp)
        return codes


class KernelDensity:
    """Propose configurations where the density of good results is high relative to that of bad ones.

    Results at the largest fidelity with at least N_min + 2 of them are split: the best 15 % give the
    density l, the others g (equations 2 and 3). Of 64 candidates drawn from a wider l, the one with
    the greatest l / g is proposed, which maximises expected improvement (Bergstra et al., 2011). One
    proposal in three is random. A crashed trial (error +inf) is among the worst; ties keep their order.
    Under Hyperband this searcher makes BOHB. Proposals under way are not known to the model.

    Differs from the paper: a configuration proposed or told before is passed over while a candidate
    is left, since training it again tells nothing new.

    Differs from HpBandSter, the authors' code: bandwidths have a floor of 0.05 instead of 0.001. With
    that one, l collapses on the first few good configurations: mean regret after 120 trials (60 seeds)
    on Branin is 0.46, with 0.05 0.07, of random search 0.35; on Hartmann 0.58, 0.49, 1.29. g is of the
    worst N_g also where these overlap the best. Bandwidths of categories (see `ProductKernel`) do not
    depend on their order, and all choices count, also those without data.

    As there, the kernels of l and g are not cut off at 0 and 1, only the candidates are (cutting them
    off made no difference in 100 seeds on three objectives), and a missing value of a conditional
    hyperparameter is that of another configuration of its density, chosen at random, or random where
    none has one.

    Args:
        config_space: the space.
        rng: the generator that all draws come from.
        initial_config: tried first.
        min_points: N_min, least number of configurations in either density; d + 1 unless given.
        top_fraction: q, share of the results that are good, in (0, 1).
        num_samples: N_s, candidates drawn for a proposal, >= 1.
        random_fraction: rho, probability of a random proposal, in [0, 1].
        bandwidth_factor: b_w, factor on the bandwidths that candidates are drawn with, > 0.
        min_bandwidth: least bandwidth in the unit cube, in (0, 0.5].

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        min_points: int | None = None,
        top_fraction: float = 0.15,
        num_samples: int = 64,
        random_fraction: float = 1 / 3,
        bandwidth_factor: float = 3.0,
        min_bandwidth: float = 0.05,
    ) -> None:
        least = len(config_space) + 1 if min_points is None else min_points
        for name, count in (("min_points", least), ("num_samples", num_samples)):
            require_int(name, count, 1)
        _check("top_fraction", top_fraction, 0 < _number(top_fraction) < 1, "a number in (0, 1)")
        _check("random_fraction", random_fraction, 0 <= _number(random_fraction) <= 1, "a number in [0, 1]")
        _check("bandwidth_factor", bandwidth_factor, 0 < _number(bandwidth_factor) < math.inf, "a number > 0")
        _check("min_bandwidth", min_bandwidth, 0 < _number(min_bandwidth) <= 0.5, "a number in (0, 0.5]")
        self.random_search = RandomSearch(config_space, rng=rng, initial_config=initial_config)
        self.space, self.rng = config_space, rng
        self.levels = np.array([len(a.choices) if a.kind == "categorical" else 0 for a in config_space.axes.values()])
        self.min_points, self.top_fraction, self.num_samples = least, top_fraction, num_samples
        self.random_fraction, self.bandwidth_factor, self.min_bandwidth = (
            random_fraction,
            bandwidth_factor,
            min_bandwidth,
        )
        self.observations = Observations(config_space)
        self.model: tuple[ProductKernel, ProductKernel] | None = None
        self.stale = False

    def sample_configuration(self) -> Config:
        config = self._propose()
        self.observations.propose(config)
        return config

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        self.observations.tell(config, error)
        self.stale = True

    def _propose(self) -> Config:
        if self.random_search.initial_config is not None or self.rng.random() < self.random_fraction:
            return self.random_search.sample_configuration()
        if self.stale:
            self.model, self.stale = self._fit(), False
        if self.model is None:
            return self.random_search.sample_configuration()
        good, bad = self.model
        places = good.candidates(self.num_samples, self.bandwidth_factor, self.rng)
        ratio = np.maximum(good.density(places), LEAST_DENSITY) / np.maximum(bad.density(places), LEAST_DENSITY)
        for place in places[np.argsort(-ratio, kind="stable")]:
            config = self.space.decode(place)
            if self.observations.place(config) not in self.observations.known:
                return config
        return self.random_search.sample_configuration()

    def _fit(self) -> tuple[ProductKernel, ProductKernel] | None:
        """Fit the densities l of good and g of bad configurations; None without enough results."""
        results = self.observations.largest(self.min_points + 2)
        if results is None:
            return None
        order, count = np.argsort(results.errors, kind="stable"), len(results.errors)
        n_good = max(self.min_points, int(self.top_fraction * count))
        n_bad = max(self.min_points, count - n_good)
        best, worst = order[:n_good], order[-n_bad:]
        good, bad = (self._imputed(results.points[rows], results.active[rows]) for rows in (best, worst))
        return self._density(good), self._density(bad)

    def _density(self, points: np.ndarray) -> ProductKernel:
        return ProductKernel(points, self.levels, self.min_bandwidth)

    def _imputed(self, points: np.ndarray, active: np.ndarray) -> np.ndarray:
        """Impute inactive hyperparameters by the values of other points that have one."""
        filled = points.copy()
        for row in np.flatnonzero(~active.all(axis=1)):
            missing = ~active[row]
            while missing.any():
                axis = int(np.argmax(missing))
                donors = np.flatnonzero(active[:, axis])
                if len(donors):
                    donor = donors[self.rng.integers(len(donors))]
                    taken = missing & active[donor]
                    filled[row, taken] = points[donor, taken]
                else:
                    taken = np.arange(len(missing)) == axis
                    filled[row, axis] = self.rng.random()
                missing &= ~taken
        return filled


def _number(value: Any) -> float:
    """Return the value, or NaN where it is not a number, so that no comparison holds."""
    return math.nan if isinstance(value, bool) or not isinstance(value, int | float) else value


def _check(name: str, value: Any, holds: bool, need: str) -> None:
    if not holds:
        raise ValueError(f"{name} = {value!r}: need {need}")
