"""Measures what trials cost on this device, and fits the cost models of the modelled clock.

Configurations spread over the space train by themselves, in interleaved rounds; of every epoch the
least time counts, because whatever disturbs a timing adds to it. The seconds of one of each kind of
work are fitted by non-negative least squares on relative residuals, and tried on configurations that
took no part in the fit.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import numpy as np
from scipy.optimize import nnls

from benchmark.calibration.cost_model import Calibration, CostModel, describe_objective
from benchmark.errors import BadInput, one_line
from benchmark.reproducibility.environment import deterministic_arithmetic
from benchmark.reproducibility.seeding import config_digest, seed_sequence
from objectives.cost import CostTerms, Probe
from objectives.objective import Machine, Objective
from objectives.space import Config, Space

SEED = 20240301
HELD_OUT_SHARE = 3
"""One of so many configurations is held out."""
TARGET_MEDIAN, TARGET_WORST = 0.05, 0.15
DIGITS = 6
"""Significant digits of a fitted number; its error is in the second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementEffort:
    """How much is measured.

    Attributes:
        configs: configurations of each objective, those held out included.
        rounds: how often each is timed.
        rows: training rows of a timed epoch at most; longer epochs are timed in part.
    """

    configs: int = 48
    rounds: int = 5
    rows: int = 6000


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredObjective:
    """An objective whose costs are measured.

    Attributes:
        label: by which messages name it.
        name: registered name or dotted path.
        options: those that a suite gives it.
        objective: built with them.
    """

    label: str
    name: str
    options: Mapping[str, Any]
    objective: Objective

    def cost_options(self) -> dict[str, Any]:
        """The options that decide its costs."""
        return dict(self.objective.cost_options(self.options))


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedConfig:
    """A configuration and the time that its training took.

    Attributes:
        config: what was trained.
        terms: counts of its work.
        seconds: least time of each of its epochs, over the rounds.
        spread: by what share the median round took longer than these in all.
    """

    config: Config
    terms: CostTerms
    seconds: tuple[float, ...]
    spread: float = 0.0


def calibrate(
    calibration: Calibration,
    objectives: Sequence[MeasuredObjective],
    machine: Machine,
    effort: MeasurementEffort,
    print_line: Callable[[str], None],
) -> Calibration:
    """Measure and fit every objective; those that declare their own price are left out.

    Args:
        calibration: is given the new entries, which replace those of the same objective and options.
        objectives: those of a suite.
        machine: the device to measure, and the data folder.
        effort: how much is measured.
        print_line: called with a line for each objective.

    Raises:
        BadInput: an objective that cannot be measured, or none that has to be.
    """
    if all(measured.objective.nominal_seconds is not None for measured in objectives):
        raise BadInput("objectives: every one declares its own price, there is nothing to calibrate")
    models: dict[str, CostModel] = {}
    for measured in objectives:
        key = describe_objective(measured.name, measured.cost_options())
        nominal_seconds = measured.objective.nominal_seconds
        if nominal_seconds is not None:
            print_line(f"{measured.label}: declares {nominal_seconds:g} s an epoch, nothing to measure")
        elif key not in models:
            models[key] = measure_objective(measured, machine, effort)
            print_line(fit_summary(key, models[key]))
    old = {describe_objective(model.name, model.options): model for model in calibration.cost_models}
    return replace(calibration, cost_models=tuple({**old, **models}.values()))


def measure_objective(measured: MeasuredObjective, machine: Machine, effort: MeasurementEffort) -> CostModel:
    """Time an objective's configurations, fit a cost model to most and test it on the others.

    Raises:
        BadInput: the objective cannot be measured.
    """
    field = f"objectives.{measured.label}"
    fitted, held_out = choose_configs(field, measured.objective.space, effort.configs)
    try:
        with deterministic_arithmetic(machine.device):
            measured.objective.prepare(machine)
            samples = time_configs(measured.objective, [*fitted, *held_out], machine, effort)
    except BadInput:
        raise
    except Exception as error:  # Data that is not there; a third-party objective may raise anything.
        raise BadInput(f"{field}: cannot be measured ({one_line(error)})") from error
    options = measured.cost_options()
    return fit_cost_model(measured.name, options, samples[: len(fitted)], samples[len(fitted) :], effort)


def choose_configs(field: str, space: Space, count: int) -> tuple[list[Config], list[Config]]:
    """Choose configurations to fit to, and others to hold out.

    Those to fit to are a Latin hypercube, so that every hyperparameter is seen from end to end; those
    held out are drawn as a searcher draws.

    Raises:
        BadInput: a space of too few configurations.
    """
    rng = np.random.default_rng(seed_sequence(SEED, "spread", *space))
    wanted = max(1, count // HELD_OUT_SHARE)
    strata = np.stack([rng.permutation(count - wanted) for _ in space], axis=1)
    spread = [space.decode(point) for point in (strata + 0.5) / (count - wanted)]
    fitted = list({config_digest(config): config for config in spread}.values())
    drawn = [space.sample(rng) for _ in range(10 * count)]
    taken = {config_digest(config) for config in fitted}
    others = {config_digest(config): config for config in drawn if config_digest(config) not in taken}
    held_out = list(others.values())[:wanted]
    if not held_out:
        raise BadInput(f"{field}: its space has too few configurations to hold one out")
    return fitted, held_out


def time_configs(
    objective: Objective, configs: Sequence[Config], machine: Machine, effort: MeasurementEffort
) -> list[TimedConfig]:
    """Time all configurations in interleaved rounds, each round in another order."""
    rng = np.random.default_rng(seed_sequence(SEED, "order"))
    rounds: dict[int, list[tuple[float, ...]]] = {index: [] for index in range(len(configs))}
    terms: dict[int, CostTerms] = {}
    for _ in range(effort.rounds):
        for index in rng.permutation(len(configs)).tolist():
            config = configs[index]
            seed = seed_sequence(SEED, "trial", config_digest(config))
            probe = objective.probe(dict(config), seed, machine, effort.rows)
            rounds[index].append(tuple(_epoch_seconds(probe)))
            terms[index] = probe.terms
    return [_timed_config(config, terms[index], rounds[index]) for index, config in enumerate(configs)]


def fit_cost_model(
    name: str,
    options: Mapping[str, Any],
    fitted: Sequence[TimedConfig],
    held_out: Sequence[TimedConfig],
    effort: MeasurementEffort,
) -> CostModel:
    """The cost model that fits best, with its errors on the configurations held out."""
    set_up, epoch = fit_costs(fitted)
    model = CostModel(
        name=name,
        options=options,
        date=datetime.now(UTC).date().isoformat(),
        configurations=len(fitted),
        held_out=len(held_out),
        rounds=effort.rounds,
        rows=effort.rows,
        spread=round(statistics.median(sample.spread for sample in (*fitted, *held_out)), 4),
        median_error=0.0,
        worst_error=0.0,
        set_up=set_up,
        epoch=epoch,
    )
    errors = [abs(model.price(sample.terms, 0, len(sample.seconds)) / sum(sample.seconds) - 1) for sample in held_out]
    return replace(model, median_error=round(statistics.median(errors), 4), worst_error=round(max(errors), 4))


def fit_costs(samples: Sequence[TimedConfig]) -> tuple[dict[str, float], dict[str, float]]:
    """Fit the seconds for one of each kind of work, of setting up and of an epoch.

    Each sample is two equations: its first epoch with setting up, and the mean of its later epochs.
    """
    epoch_names, set_up_names = list(samples[0].terms.epoch), list(samples[0].terms.set_up)
    rows: list[list[float]] = []
    for sample in samples:
        epoch = [sample.terms.epoch[name] for name in epoch_names]
        set_up = [sample.terms.set_up[name] for name in set_up_names]
        first, later = sample.seconds[0], sample.seconds[1:]
        rows.append([count / first for count in (*epoch, *set_up)])
        if later:
            mean = sum(later) / len(later)
            rows.append([count / mean for count in epoch] + [0.0] * len(set_up))
    costs = [float(f"{cost:.{DIGITS}g}") for cost in _least_squares(np.array(rows)).tolist()]
    cut = len(epoch_names)
    return dict(zip(set_up_names, costs[cut:], strict=True)), dict(zip(epoch_names, costs[:cut], strict=True))


def fit_summary(key: str, model: CostModel) -> str:
    """Describe on one line how well a cost model prices what it was not fitted to."""
    good = model.median_error <= TARGET_MEDIAN and model.worst_error <= TARGET_WORST
    return (
        f"{key}: fitted to {model.configurations} configurations; on {model.held_out} others the median error is "
        f"{model.median_error:.1%}, the worst {model.worst_error:.1%} "
        f"({'within' if good else 'ABOVE'} the target of {TARGET_MEDIAN:.0%} and {TARGET_WORST:.0%}); "
        f"the median round took {model.spread:.1%} longer than the least times"
    )


def _timed_config(config: Config, terms: CostTerms, rounds: list[tuple[float, ...]]) -> TimedConfig:
    least = tuple(map(min, *rounds)) if len(rounds) > 1 else rounds[0]
    if not least:
        raise ValueError("training gave no epoch")
    spread = statistics.median(map(sum, rounds)) / sum(least) - 1
    return TimedConfig(config=config, terms=terms, seconds=least, spread=spread)


def _epoch_seconds(probe: Probe) -> Iterator[float]:
    for epoch in islice(probe.epochs, probe.count):
        if not 0 < epoch.seconds < math.inf:
            raise ValueError(f"an epoch of {epoch.seconds!r} measured seconds")
        yield float(epoch.seconds)
        if epoch.diverged:
            return


def _least_squares(rows: np.ndarray) -> np.ndarray:
    """Find the non-negative x, (columns,), that brings `rows` @ x closest to 1.

    Of columns that are multiples of each other only the first is used, so that the numbers can be
    read: the cost of a step that is always 16 rows is not spread over both.
    """
    norms = np.linalg.norm(rows, axis=0)
    units = rows / np.where(norms > 0, norms, 1.0)
    used: list[int] = []
    for column in np.flatnonzero(norms > 0).tolist():
        if all(units[:, column] @ units[:, other] < 1 - 1e-12 for other in used):
            used.append(column)
    solution = np.zeros(rows.shape[1])
    solution[used] = nnls(units[:, used], np.ones(len(rows)))[0] / norms[used]
    return solution
