"""Runs Syne Tune's own simulator on a table in memory, beside which replay is measured.

`python tests/perf/syne_tune_simulator.py` prints simulated trials per second, imports left out.
"""

import contextlib
import io
import logging
import os
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass

import numpy as np

from tests import ROOT

if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from algorithms.adapters.syne_search import METRIC, downloads
from algorithms.adapters.syne_tune import TIME
from benchmark.reproducibility.seeding import PrivateGenerators

EPOCHS = 10
SECONDS = "elapsed"
LEVELS = 64
"""Values of each of the two hyperparameters: 4096 configurations in the table."""


@dataclass(frozen=True)
class Simulation:
    """The outcome of a simulation.

    Attributes:
        trials: started.
        reports: of an epoch.
        seconds: of the tuner's run, imports and the table left out.
        cpu_seconds: the same on the processor, which a loaded machine does not stretch as much.
        decisions: (trial, configuration, epoch, decision) of each report.
    """

    trials: int
    reports: int
    seconds: float
    cpu_seconds: float
    decisions: list

    @property
    def trials_per_second(self):
        return self.trials / self.seconds


def curve(x, y):
    """Errors (EPOCHS,) of a configuration, falling to a level that depends on both values."""
    level = 0.05 + 0.4 * ((x / LEVELS - 0.3) ** 2 + (y / LEVELS - 0.6) ** 2)
    return level + 0.5 * np.exp(-np.arange(1, EPOCHS + 1) * (0.2 + x / LEVELS))


def table():
    """A tabulated black box: 4096 configurations, one seed, 10 epochs, error and cumulative seconds."""
    import pandas as pd

    with downloads():
        from syne_tune.blackbox_repository.blackbox_tabular import BlackboxTabular
    from syne_tune.config_space import randint

    space = {"x": randint(0, LEVELS - 1), "y": randint(0, LEVELS - 1)}
    points = [(x, y) for x in range(LEVELS) for y in range(LEVELS)]
    errors = np.array([curve(x, y) for x, y in points])
    seconds = np.array([np.arange(1, EPOCHS + 1) * (1.0 + y / LEVELS) for _, y in points])
    return space, BlackboxTabular(
        hyperparameters=pd.DataFrame(points, columns=["x", "y"]),
        configuration_space=space,
        fidelity_space={TIME: randint(1, EPOCHS)},
        objectives_evaluations=np.stack([errors, seconds], axis=-1)[:, None],
        objectives_names=[METRIC, SECONDS],
    )


def simulate(algorithm, trials, n_workers, seed=0):
    """Run `Tuner` with `UserBlackboxBackend` until so many trials have started.

    Args:
        algorithm: "random" or "asha", Syne Tune's own (reduction factor 3, 10 epochs).
        trials: to start; Syne Tune's criterion stops after one more, and the run ends when they are done.
        n_workers: simulated workers.
        seed: of the scheduler and of numpy's global generator, from which Syne Tune draws.
    """
    import syne_tune.tuner_callback
    from syne_tune import StoppingCriterion, Tuner
    from syne_tune.backend.simulator_backend.simulator_callback import SimulatorCallback
    from syne_tune.optimizer.baselines import ASHA, RandomSearch

    with downloads():
        from syne_tune.blackbox_repository import UserBlackboxBackend

    class Decisions(syne_tune.tuner_callback.TunerCallback):
        def __init__(self):
            self.reports = []

        def on_trial_result(self, trial, status, result, decision):
            self.reports.append((trial.trial_id, dict(trial.config), result[TIME], decision))

    new_scheduler = {
        "random": lambda: RandomSearch(space, metrics=[METRIC], random_seed=seed),
        "asha": lambda: ASHA(space, metric=METRIC, time_attr=TIME, max_t=EPOCHS, random_seed=seed),
    }[algorithm]
    decisions = Decisions()
    with quiet(), tempfile.TemporaryDirectory() as folder, private_generators(seed):
        space, black_box = table()
        os.environ["SYNETUNE_FOLDER"] = folder
        tuner = Tuner(
            trial_backend=UserBlackboxBackend(blackbox=black_box, elapsed_time_attr=SECONDS, seed=0),
            scheduler=new_scheduler(),
            stop_criterion=StoppingCriterion(max_num_trials_started=trials),
            n_workers=n_workers,
            sleep_time=0,
            callbacks=[SimulatorCallback(), decisions],
            wait_trial_completion_when_stopping=True,
            save_tuner=False,
            results_update_interval=1e9,
            print_update_interval=1e9,
        )
        began, cpu_began = time.perf_counter(), time.process_time()
        tuner.run()
        seconds, cpu_seconds = time.perf_counter() - began, time.process_time() - cpu_began
    started = len({trial for trial, *_ in decisions.reports})
    return Simulation(started, len(decisions.reports), seconds, cpu_seconds, decisions.reports)


def private_generators(seed):
    """Enter a context with global generators of its own, as every run of the harness has."""
    return PrivateGenerators(np.random.SeedSequence(seed)).active()


@contextlib.contextmanager
def quiet():
    """Print and log nothing, and restore the variable that names Syne Tune's folder."""
    environment, disabled = dict(os.environ), logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        os.environ.clear()
        os.environ.update(environment)


if __name__ == "__main__":
    for algorithm in ("random", "asha"):
        for n_workers in (1, 4):
            simulate(algorithm, 20, n_workers)  # Imports and caches.
            best = max((simulate(algorithm, 300, n_workers) for _ in range(3)), key=lambda run: run.trials_per_second)
            speeds = f"{best.trials_per_second:.0f} trials/s, {best.trials / best.cpu_seconds:.0f} per CPU second"
            print(f"{algorithm} {n_workers} workers: {speeds} ({best.trials} trials, {best.reports} reports)")
