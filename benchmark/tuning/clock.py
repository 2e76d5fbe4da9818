"""The clock of a run: charges evaluations in measured, in modelled or in tabulated seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.calibration.cost_model import CostModel
from benchmark.errors import BadInput, one_line, shell_command
from benchmark.tuning.evaluation import Curves, TrainingResult, failed_training
from objectives.metric import INFERENCE_SECONDS, TRAIN_SECONDS
from objectives.objective import Machine, Objective
from objectives.space import Config

if TYPE_CHECKING:
    from benchmark.calibration.cost_model import Calibration
    from benchmark.suite.model import Part, Run, Suite
    from benchmark.tuning.tuner import Job

NO_SECONDS = (
    'it reports no seconds, which clock = "tabulated" charges: return them as "seconds" beside the metrics, or say '
    'clock = "measured"'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """Charges the evaluations of one run.

    Attributes:
        kind: "measured" charges the measured seconds of deciding and training; "modelled" charges the
            price, and "tabulated" the seconds that the objective reports, both of them nothing for deciding: a
            measured time cannot be repeated to the bit.
        objective: counts the work of its trials.
        cost_model: prices that work on the calibrated device; None without a calibration, and for
            an objective that declares its own price.
        seconds_by_config: seconds of setting up and of an epoch; a replay asks for them many times.
    """

    kind: str
    objective: Objective
    cost_model: CostModel | None
    seconds_by_config: dict[tuple[Any, ...], tuple[float, float]] = field(default_factory=dict)

    def charge(self, job: Job, result: TrainingResult) -> tuple[float, float | None]:
        """Return the seconds that the clock charges, and the modelled ones (None without a calibration)."""
        if self.objective.tabulated:  # The table says what every other clock has to find out.
            seconds = result.reported_seconds or 0.0
            return seconds, seconds if self.kind == "modelled" else None
        price = self.price(job, result)
        if self.kind == "measured":
            return job.decide_seconds + result.train_seconds, price
        if self.kind == "tabulated":  # Failures are not free even without a report: a budget of seconds has to end.
            return result.train_seconds if result.reported_seconds is None else result.reported_seconds, price
        assert price is not None, "check_clock refuses a modelled clock without prices"
        return price, price

    def require_seconds(self, job: Job, result: TrainingResult) -> TrainingResult:
        """Return a result under a tabulated clock with the seconds to charge; one without them has failed.

        What has failed already may come without: it is charged the time that passed.
        """
        if self.kind != "tabulated" or result.reported_seconds is not None:
            return result
        if self.objective.nominal_seconds is not None:  # By declaration an epoch takes so long.
            return replace(result, reported_seconds=self.price(job, result))
        if result.state not in ("ok", "diverged"):
            return result
        problem = f"{self.objective.label}: {NO_SECONDS}"
        return failed_training(job, "error", problem, result.train_seconds, result.paid_seconds)

    def add_metrics(self, job: Job, result: TrainingResult, train_seconds: float, machine: Machine) -> TrainingResult:
        """Return a result with the metrics that a suite has chosen, as far as no training knows them.

        Args:
            job: what was asked for.
            result: of its training.
            train_seconds: measured, of all that the trial was trained so far.
            machine: where a prediction is timed under a clock that is not modelled.
        """
        chosen = self.objective.metrics
        if result.state not in ("ok", "diverged") or chosen == self.objective.trained_metrics:
            return result
        first = self.objective.trained_metrics[0]
        known: Curves = {first.name: [None if x is None else first.from_error(x) for x in result.valid_curve]}
        known |= self._chosen_besides(job, result, train_seconds, machine)
        known = {**(result.valid_metrics or {}), **known}
        tested: Curves = result.test_metrics or {
            first.name: [None if x is None else first.from_error(x) for x in result.test_curve]
        }
        names = [metric.name for metric in chosen]
        test = {name: tested[name] for name in names if any(x is not None for x in tested.get(name, []))}
        return replace(result, valid_metrics={name: known[name] for name in names}, test_metrics=test or None)

    def _chosen_besides(self, job: Job, result: TrainingResult, train_seconds: float, machine: Machine) -> Curves:
        """The offered metrics that a suite has chosen, by name, an epoch each; measured seconds at the last one."""
        names = {metric.name for metric in self.objective.metrics}
        names -= {metric.name for metric in self.objective.trained_metrics}
        epochs = range(job.start_epoch + 1, result.epochs + 1)
        counts = self.objective.count_metrics(job.config) if names - {TRAIN_SECONDS, INFERENCE_SECONDS} else {}
        curves: Curves = {name: [value] * len(epochs) for name, value in counts.items() if name in names}
        modelled = self.kind == "modelled"
        if TRAIN_SECONDS in names and modelled:
            curves[TRAIN_SECONDS] = [self.price_of(job.config, 0, epoch) for epoch in epochs]
        elif TRAIN_SECONDS in names:
            curves[TRAIN_SECONDS] = [train_seconds if epoch == result.epochs else None for epoch in epochs]
        if INFERENCE_SECONDS in names:
            objective, config = self.objective, job.config
            seconds = self.price_of_prediction(config) if modelled else objective.time_prediction(config, machine)
            curves[INFERENCE_SECONDS] = [seconds] * len(epochs)
        return curves

    def price_of_prediction(self, config: Config) -> float | None:
        """The modelled seconds of one prediction; None where the calibration gives its work no price at all."""
        terms = self.objective.prediction_terms(config)
        return None if terms is None or self.cost_model is None else self.cost_model.price_of_epoch(terms) or None

    def price(self, job: Job, result: TrainingResult) -> float | None:
        """Return the modelled seconds of an evaluation, or None where there is no calibration.

        A diverged training pays the epochs it trained, one at least. One that raised or crashed pays
        all that were asked for: when it failed may be chance, what was asked is not.
        """
        reached = result.epochs if result.state in ("ok", "diverged") else job.epochs
        return self.price_of(job.config, job.start_epoch, max(reached, job.start_epoch + 1))

    def price_of(self, config: Config, start_epoch: int, epochs: int) -> float | None:
        """Return the modelled seconds of training a configuration from one epoch to another."""
        nominal = self.objective.nominal_seconds
        if nominal is not None:
            return (epochs - start_epoch) * nominal
        if self.cost_model is None:
            return None
        set_up, epoch = self._seconds(self.cost_model, config)
        return (set_up if start_epoch == 0 else 0.0) + (epochs - start_epoch) * epoch

    def _seconds(self, cost_model: CostModel, config: Config) -> tuple[float, float]:
        key = tuple(config.items())
        if key not in self.seconds_by_config:
            self.seconds_by_config[key] = cost_model.seconds(self.objective.cost_terms(config))
        return self.seconds_by_config[key]


def build_clock(run: Run, objective: Objective) -> Clock:
    """Build the clock of a run.

    Raises:
        BadInput: it is modelled, and its calibration does not cover the objective.
    """
    return _clock(run.clock, run.calibration, run.objective.part, objective)


def check_clock(suite: Suite, objectives: Mapping[str, Objective]) -> None:
    """Price one configuration of every objective, so that no price is missing after the start.

    Args:
        suite: the comparison.
        objectives: built, by their labels.

    Raises:
        BadInput: a modelled clock without a calibration or with one that lacks an objective, or an
            objective that cannot be priced.
    """
    for entry in suite.objectives:
        if objectives[entry.label].tabulated:
            continue
        clock = _clock(suite.clock, suite.calibration, entry.part, objectives[entry.label])
        try:
            price = _example_price(clock)
        except Exception as error:  # A third-party objective may raise anything.
            raise BadInput(f"objectives.{entry.label}: cannot be priced ({one_line(error)})") from error
        if price is None and suite.clock == "modelled":
            raise BadInput(
                f'calibration = None: clock = "modelled" needs one for objectives.{entry.label}; '
                f"name a calibration or make one by `{shell_command('benchmark', 'calibrate', 'SUITE')}`"
            )
        if price is not None and not 0 < price < float("inf"):
            raise BadInput(f"objectives.{entry.label}: an epoch's price is {price!r} seconds, need a finite number > 0")


def check_typical_seconds(suite: Suite, objectives: Mapping[str, Objective]) -> None:
    """Refuse a budget of trainings where nothing says how long one takes.

    Raises:
        BadInput: the clock is measured, or an objective declares no typical seconds.
    """
    trainings = suite.budget.trainings
    if trainings is None:
        return
    field = f"budget.trainings = {trainings:g}"
    if suite.clock == "measured":
        raise BadInput(f'{field}: measured seconds have no typical training; say clock = "tabulated" or "modelled"')
    for label, objective in objectives.items():
        if not objective.typical_seconds:
            why = f"objectives.{label} does not declare how long a typical training takes"
            raise BadInput(f"{field}: {why}; need budget.runtime, in seconds, or a limit of trials instead")


def _clock(kind: str, calibration: Calibration | None, part: Part, objective: Objective) -> Clock:
    cost_model = None
    if calibration is not None and objective.nominal_seconds is None and not objective.tabulated:
        try:
            cost_model = calibration.cost_model(part.name, _cost_options(part, objective))
        except BadInput as error:
            if kind == "modelled":
                command = shell_command("benchmark", "calibrate", "SUITE")
                remedy = f'calibrate it (`{command}`), or say clock = "measured"'
                raise BadInput(f"{error}; {remedy}") from error
    return Clock(kind=kind, objective=objective, cost_model=cost_model)


def _cost_options(part: Part, objective: Objective) -> dict[str, Any]:
    return dict(objective.cost_options(part.options))


def dear_price(run: Run, objective: Objective, samples: int = 16) -> float:
    """Return the price of the dearest of some configurations, trained in full; 0 where none has a price."""
    clock, rng = build_clock(run, objective), np.random.default_rng(0)
    try:
        configs = [objective.space.check(objective.space.sample(rng)) for _ in range(samples)]
        prices = [clock.price_of(config, 0, objective.max_epochs) for config in configs]
    except Exception:  # A third-party objective may raise anything; its trials will say so themselves.
        return 0.0
    return max((price for price in prices if price is not None), default=0.0)


def _example_price(clock: Clock) -> float | None:
    space = clock.objective.space
    config = clock.objective.default or space.sample(np.random.default_rng(0))
    return clock.price_of(space.check(config), 1, 2)
