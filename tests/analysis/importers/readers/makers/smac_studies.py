"""Makes run histories with SMAC3 below a folder, and says what its own API reads of them.

Usage: python smac_studies.py FOLDER. Writes FOLDER/runs and FOLDER/expected.json.
"""

import json
import logging
import sys
from pathlib import Path

import numpy as np
from ConfigSpace import (
    Categorical,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    Float,
    Integer,
    OrdinalHyperparameter,
)
from smac import HyperparameterOptimizationFacade, MultiFidelityFacade, RandomFacade, Scenario
from smac.facade import AlgorithmConfigurationFacade
from smac.runhistory import StatusType, TrialInfo, TrialValue
from smac.runhistory.runhistory import RunHistory

ROOT = Path(sys.argv[1])


def space():
    built = ConfigurationSpace(seed=1)
    kind, depth = Categorical("kind", ["a", "b"]), Integer("depth", (1, 5))
    built.add(
        Float("x", (-2, 2)),
        Float("rate", (1e-4, 1), log=True),
        kind,
        depth,
        OrdinalHyperparameter("level", [1, 2, 4]),
        Constant("fixed", 3),
    )
    built.add(EqualsCondition(depth, kind, "b"))
    return built


def objective(config, seed=0, budget=None, instance=None):
    if config["x"] > 1:
        raise ValueError("too large")
    noise = (seed or 0) % 7 / 10
    return (config["x"] - 0.7) ** 2 + noise + (1 / budget if budget else 0) + (int(instance[1:]) if instance else 0)


def two(config, seed=0):
    return {"loss": config["x"] ** 2, "size": config["rate"]}


def run(facade, target, name, seed, **options):
    scenario = Scenario(
        space(), name=name, output_directory=ROOT / "runs", n_trials=14, seed=seed, crash_cost=9.0, **options
    )
    smac = facade(scenario, target, overwrite=True, logging_level=False)
    smac.optimize()
    return scenario.output_directory


def candidates(folder):
    """Ends and mean costs of what SMAC may choose: a configuration on a budget with all of its instances and seeds."""
    scenario = Scenario.load(folder)
    history = RunHistory()
    history.load(folder / "runhistory.json", scenario.configspace)
    first = min(value.starttime for value in history.values())
    cells = {}
    for key, value in history.items():
        if value.status == StatusType.SUCCESS:
            cells.setdefault((key.config_id, key.budget), []).append(
                (value.endtime - first, float(np.atleast_1d(value.cost)[0]))
            )
    most = {budget: max(len(runs) for (_, other), runs in cells.items() if other == budget) for _, budget in cells}
    return sorted(
        (max(end for end, _ in runs), float(np.mean([cost for _, cost in runs])))
        for (_, budget), runs in cells.items()
        if len(runs) == most[budget]
    )


def curve(found):
    return {"times": [time for time, _ in found], "best": np.minimum.accumulate([cost for _, cost in found]).tolist()}


def told(folder):
    """A run in which the user evaluates, and says when or does not."""
    for name, timed in (("told", True), ("untimed", False)):
        scenario = Scenario(space(), name=name, output_directory=folder, n_trials=6, seed=0, deterministic=True)
        smac = RandomFacade(scenario, lambda config, seed=0: 0.0, overwrite=True, logging_level=False)
        for number in range(5):
            info: TrialInfo = smac.ask()
            times = {"starttime": 100.0 + number, "endtime": 100.5 + number} if timed else {}
            smac.tell(info, TrialValue(cost=5.0 - number, time=0.5, **times), save=True)


def main():
    logging.disable(logging.CRITICAL)
    (ROOT / "runs").mkdir()
    expected = {}
    for seed in (0, 1):
        folder = run(RandomFacade, objective, "random", seed, deterministic=True)
        expected[f"random/{seed}"] = curve(candidates(folder))
        folder = run(MultiFidelityFacade, objective, "budgets", seed, min_budget=1, max_budget=9)
        expected[f"budgets/{seed}"] = curve(candidates(folder))
    features = {name: [number] for number, name in enumerate(("i1", "i2"))}
    folder = run(
        AlgorithmConfigurationFacade, objective, "instances", 0, instances=["i1", "i2"], instance_features=features
    )
    expected["instances/0"] = curve(candidates(folder))
    folder = run(HyperparameterOptimizationFacade, two, "two", 0, objectives=["loss", "size"])
    expected["two/0"] = curve(candidates(folder))
    told(ROOT / "told")
    (ROOT / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
