"""A problem of COCO's suites as an objective."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from objectives.bbob.noise import add_noise
from objectives.bbob.problem import evaluate, evaluate_constraints, find_scale, load_coco
from objectives.bbob.suites import SUITES, make_space
from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.native_value import require_int
from objectives.objective import Machine, Objective, TrialSeed, substream
from objectives.space import Config, Space
from objectives.task import Constraint

BY_REPETITION = "repetition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bbob(Objective):
    """A function of COCO's bbob suites by number, dimension and instance; needs the extra `coco`.

    The metric is `value`, whose best is the optimum; under `instance = "repetition"` it is `regret`, the value less
    the instance's optimum. bbob-biobj has `f1` and `f2`, whose best and reference are COCO's ideal and nadir points,
    scaled to 0 and 1 under `instance = "repetition"`. The constraints of bbob-constrained are metrics `g1`, `g2`, ...,
    at most 0 where it is feasible. The noise of bbob-noisy is the trial's own; test metrics are without noise.

    Args:
        suite: "bbob", "bbob-largescale", "bbob-noisy", "bbob-mixint", "bbob-constrained" or "bbob-biobj".
        number: of the function in the suite, from 101 on in bbob-noisy.
        dimension: number of variables.
        instance: its number, or "repetition": the number of the repetition, counted from 1.

    Raises:
        ValueError: an option outside these.
    """

    TIMES_ITSELF: ClassVar[bool] = True

    suite: str = "bbob"
    number: int = 1
    dimension: int = 5
    instance: int | str = 1

    def __post_init__(self) -> None:
        if self.suite not in SUITES:
            raise ValueError(f"suite = {self.suite!r}: not one of {', '.join(SUITES)}")
        kind = SUITES[self.suite]
        require_int("number", self.number, kind.functions[0], kind.functions[-1])
        require_int("dimension", self.dimension, kind.dimensions[0], kind.dimensions[-1])
        if not kind.any_dimension and self.dimension not in kind.dimensions:
            raise ValueError(f"dimension = {self.dimension!r}: not one of {', '.join(map(str, kind.dimensions))}")
        if isinstance(self.instance, str) and self.instance != BY_REPETITION:
            raise ValueError(f'instance = {self.instance!r}: need a whole number or "{BY_REPETITION}"')
        if not isinstance(self.instance, str):
            require_int("instance", self.instance, 1, kind.instances)

    @property
    def space(self) -> Space:
        return make_space(self.suite, self.dimension)

    @property
    def default(self) -> Config | None:
        return None

    @property
    def max_epochs(self) -> int:
        return 1

    @property
    def metrics(self) -> tuple[Metric, ...]:
        scale, count = find_scale(*self._problem(0)), len(self._excesses(0, np.zeros(self.dimension)))
        constrained = [Metric(f"g{i}") for i in range(1, count + 1)]
        if scale.nadir is None:
            best = ("regret", 0.0) if self.instance == BY_REPETITION else ("value", scale.ideal[0])
            return (Metric(best[0], best=best[1]), *constrained)
        ends = [(0.0, 1.0)] * 2 if self.instance == BY_REPETITION else zip(scale.ideal, scale.nadir, strict=True)
        return tuple(Metric(f"f{i}", best=best, reference=worst) for i, (best, worst) in enumerate(ends, 1))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        names = [metric.name for metric in self.metrics]
        return tuple(Constraint(name, upper=0.0) for name in names if name.startswith("g"))

    @property
    def varies_by_repetition(self) -> bool:
        return self.instance == BY_REPETITION

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        names = [metric.name for metric in self.metrics]
        repetition = seed.repetition if isinstance(seed, TrialSeed) else 0
        problem = self._problem(repetition)
        scale = find_scale(*problem)
        x = np.array([float(config[name]) for name in self.space])
        began = time.perf_counter()
        truth = evaluate(*problem, x)
        noisy = truth
        if self.suite == "bbob-noisy":
            rng = np.random.default_rng(substream(seed, 0))
            excess = max(0.0, float(truth[0]) - scale.ideal[0])
            noisy = np.array([scale.ideal[0] + add_noise(self.number, self.dimension, excess, rng)])
        if self.instance == BY_REPETITION:
            width = 1.0 if scale.nadir is None else np.array(scale.nadir) - scale.ideal
            truth, noisy = (truth - scale.ideal) / width, (noisy - scale.ideal) / width
        excesses = self._excesses(repetition, x)
        seconds = time.perf_counter() - began
        valid, test = (np.concatenate([values, excesses]).tolist() for values in (noisy, truth))
        yield Epoch(
            metrics=dict(zip(names, valid, strict=True)),
            test_metrics=dict(zip(names, test, strict=True)),
            seconds=seconds,
        )

    @property
    def nominal_seconds(self) -> float:
        """One second, by declaration: a formula's microseconds would say nothing about training."""
        return 1.0

    def prepare(self, machine: Machine) -> dict[str, str]:
        """Make the problem once; return the version of COCO."""
        find_scale(*self._problem(0))
        return {"coco-experiment": str(load_coco().__version__)}

    def _problem(self, repetition: int) -> tuple[str, int, int, int]:
        """Suite, function, dimension and instance; the instances of a suite that has few come again and again."""
        instance = repetition % SUITES[self.suite].instances + 1 if isinstance(self.instance, str) else self.instance
        return self.suite, self.number, self.dimension, instance

    def _excesses(self, repetition: int, x: np.ndarray) -> np.ndarray:
        return evaluate_constraints(*self._problem(repetition), x)
