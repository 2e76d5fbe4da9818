"""DEHB (Awad, Mallik, Hutter, 2021) for `algorithms.external`, run by the Python of its own environment.

Speaks the protocol of README.md beside this file and imports nothing of this project.

Options: `eta` (whole, >= 2), `min_epochs` of the lowest rung, and DEHB's own `mutation_factor`,
`crossover_prob`, `strategy` and `boundary_fix_type`.

Differs from DEHB's own `run()`:
- Its first proposal is replaced by the default configuration, in the way in which DEHB replays a
  checkpoint, so that it learns of the default and may promote it.
- Fidelities are rounded to whole epochs. DEHB's own ones, max_epochs / eta^k, stay its keys.
- Where a full training is one epoch, both rungs train it: what is left of DEHB is differential evolution.
- A trial that crashed is told as the greatest finite number: DEHB takes an infinite fitness for "not
  evaluated" and fails with an IndexError where a whole rung has none other.
- The lowest fidelity is told 1e-9 lower, which no rung shows: DEHB counts its rungs by logarithms and
  loses one where they round, which depends on numpy (1.26.4: from 1 to 1331 epochs with eta = 11).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
import warnings
from importlib.metadata import version
from typing import Any

ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # Whatever a library prints goes to standard error.
warnings.simplefilter("ignore")  # DEHB uses methods that ConfigSpace has deprecated.

import ConfigSpace  # noqa: E402 (after standard output is safe)
from dehb import DEHB  # noqa: E402
from loguru import logger  # noqa: E402

Json = dict[str, Any]

CRASHED = sys.float_info.max
OPTIONS = {
    "eta": 3,
    "min_epochs": 1,
    "mutation_factor": 0.5,
    "crossover_prob": 0.5,
    "strategy": "rand1_bin",
    "boundary_fix_type": "random",
}


def declared(space: list[Json]) -> ConfigSpace.ConfigurationSpace:
    """Declare the space to DEHB; a choice is declared by its index, so that its type survives."""
    configspace = ConfigSpace.ConfigurationSpace()
    for axis in space:
        configspace.add(hyperparameter(axis))
    for axis in space:
        if axis["condition"] is not None:
            child, parent = configspace[axis["name"]], configspace[axis["condition"]["parent"]]
            parent_axis = next(other for other in space if other["name"] == parent.name)
            values = [outward(parent_axis, value) for value in axis["condition"]["values"]]
            configspace.add(ConfigSpace.InCondition(child, parent, values))
    return configspace


def hyperparameter(axis: Json) -> ConfigSpace.hyperparameters.Hyperparameter:
    name = axis["name"]
    if "choices" in axis:
        places = list(range(len(axis["choices"])))
        return ConfigSpace.CategoricalHyperparameter(name, places) if len(places) > 1 else ConfigSpace.Constant(name, 0)
    if axis["low"] == axis["high"]:
        return ConfigSpace.Constant(name, axis["low"])
    if axis["kind"] == "int":
        return ConfigSpace.UniformIntegerHyperparameter(name, axis["low"], axis["high"], log=axis["log"])
    return ConfigSpace.UniformFloatHyperparameter(name, axis["low"], axis["high"], log=axis["log"])


def check(message: Json) -> None:
    """Refuse what DEHB cannot do: the last line of standard error is shown to the user."""
    if message["protocol"] != 1 or message["role"] != "scheduler":
        raise SystemExit(f"protocol {message['protocol']}, role {message['role']!r}: this is a scheduler that speaks 1")
    options = {**OPTIONS, **message["options"]}
    if len(options) > len(OPTIONS):
        unknown = ", ".join(sorted(options.keys() - OPTIONS))
        raise SystemExit(f"options {unknown}: unknown, allowed are {', '.join(OPTIONS)}")
    for name, low in (("eta", 2), ("min_epochs", 1)):
        if type(options[name]) is not int or options[name] < low:
            raise SystemExit(f"options.{name} = {options[name]!r}: need a whole number >= {low}")
    if 1 < message["max_epochs"] < options["min_epochs"] * options["eta"]:
        raise SystemExit(f"max_epochs = {message['max_epochs']}: DEHB needs two rungs, so min_epochs * eta at least")


class Worker:
    """Answers the messages of one run."""

    def begin(self, message: Json) -> Json:
        check(message)
        options, top = {**OPTIONS, **message["options"]}, message["max_epochs"]
        lowest = options.pop("min_epochs") if top > 1 else 1 / options["eta"]
        self.space = message["space"]
        self.initial = message["initial_config"]
        self.exact: dict[int, Json] = {}
        self.jobs: dict[int, Json] = {}
        folder = tempfile.mkdtemp()
        try:
            self.dehb = DEHB(
                cs=declared(self.space),
                min_fidelity=lowest * (1 - 1e-9),
                max_fidelity=top,
                n_workers=1,
                seed=message["seed"],
                save_freq="end",
                output_path=folder,
                **options,
            )
            logger.remove()
        finally:
            shutil.rmtree(folder)
        libraries = {name: version(name) for name in ("ConfigSpace", "numpy")}
        return {"name": "DEHB", "version": version("DEHB"), "libraries": libraries}

    def ask(self, message: Json) -> Json:
        self.dehb._clean_inactive_brackets()  # As DEHB's run() does; else every ask is slower than the last.
        job = self.dehb.ask()
        if self.initial is not None:
            self.replace(job, self.initial)
            self.initial = None
        self.jobs[message["number"]] = job
        config = self.exact.get(job["config_id"]) or self.config(job["config"])
        return {"config": config, "max_epochs": max(1, round(job["fidelity"]))}

    def tell(self, message: Json) -> Json:
        job = self.jobs.pop(message["number"], None)  # None: a result that it did not ask for.
        if job is not None:
            error = CRASHED if message["error"] is None else message["error"]
            self.dehb.tell(job, {"fitness": error, "cost": 1.0})
        return {}

    def replace(self, job: Json, config: Json) -> None:
        """Replace a proposal by another configuration."""
        values = {axis["name"]: outward(axis, config[axis["name"]]) for axis in self.space if axis["name"] in config}
        job["config"] = ConfigSpace.Configuration(self.dehb.cs, values=values)
        vector = self.dehb.configspace_to_vector(job["config"])
        self.dehb.config_repository.configs[job["config_id"]].config = vector
        self.exact[job["config_id"]] = config

    def config(self, proposed: ConfigSpace.Configuration) -> Json:
        """Plain values of the hyperparameters that count, floats inside their bounds."""
        values = dict(proposed)
        return {axis["name"]: inward(axis, values[axis["name"]]) for axis in self.space if axis["name"] in values}


def outward(axis: Json, value: Any) -> Any:
    return axis["choices"].index(value) if "choices" in axis else value


def inward(axis: Json, value: Any) -> Any:
    if "choices" in axis:
        return axis["choices"][int(value)]
    if axis["kind"] == "int":
        return int(value)
    return min(max(float(value), axis["low"]), axis["high"])


def main() -> None:
    worker = Worker()
    answers = {"begin": worker.begin, "ask": worker.ask, "tell": worker.tell}
    for line in iter(sys.stdin.readline, ""):
        message = json.loads(line)
        print(json.dumps(answers[message["op"]](message)), file=ANSWERS, flush=True)
    os._exit(0)  # There is nothing to tidy up, and what DEHB imports takes its time for that.


if __name__ == "__main__":
    main()
