"""Makes experiments with Syne Tune below a folder, and says what its own API reads of them.

Usage: python syne_tune_studies.py FOLDER. Writes FOLDER/experiments, where the environment has Syne Tune look for
results, and FOLDER/expected.json.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from syne_tune import StoppingCriterion, Tuner
from syne_tune.backend import LocalBackend
from syne_tune.backend.simulator_backend.simulator_callback import SimulatorCallback
from syne_tune.blackbox_repository.blackbox_tabular import BlackboxTabular
from syne_tune.blackbox_repository.simulated_tabular_backend import UserBlackboxBackend
from syne_tune.config_space import choice, loguniform, randint
from syne_tune.experiments import load_experiment
from syne_tune.optimizer.baselines import ASHA, RandomSearch

ROOT = Path(sys.argv[1])
EPOCHS = 3
UNITS = 20
SPACE = {"units": randint(1, UNITS), "kind": choice(["1", "02"])}
TRAIN = """
import argparse
from syne_tune import Reporter
parser = argparse.ArgumentParser()
for name, kind in (("rate", float), ("width", int), ("kind", str)):
    parser.add_argument(f"--{name}", type=kind)
options, _ = parser.parse_known_args()
if options.kind == "broken":
    raise SystemExit(1)
report = Reporter()
for epoch in range(1, 3):
    report(score=options.width / epoch - options.rate, cost=float("nan") if epoch == 1 else 1.0)
"""


def table():
    """A table of 40 configurations over three epochs, with seconds that are simulated."""
    rng = np.random.default_rng(5)
    rows = pd.DataFrame([{"units": unit, "kind": kind} for unit in range(1, UNITS + 1) for kind in ("1", "02")])
    epochs = np.arange(1, EPOCHS + 1)[None, None, :, None]
    loss = rng.uniform(0, 1, (len(rows), 1, EPOCHS, 1)) / epochs
    spent = rng.uniform(1, 5, (len(rows), 1, 1, 1)) * epochs
    return BlackboxTabular(
        rows,
        configuration_space=SPACE,
        fidelity_space={"epoch": randint(1, EPOCHS)},
        objectives_evaluations=np.concatenate([loss, spent], axis=3),
        objectives_names=["loss", "elapsed"],
    )


def run(scheduler, backend, name, **options):
    tuner = Tuner(
        trial_backend=backend,
        scheduler=scheduler,
        stop_criterion=StoppingCriterion(max_num_trials_finished=options.pop("trials")),
        n_workers=2,
        tuner_name=name,
        suffix_tuner_name=False,
        max_failures=10,
        **options,
    )
    tuner.run()
    result = load_experiment(name, local_path=ROOT / "experiments")
    metric = result.metric_names()[0]
    frame = result.results.sort_values("st_tuner_time", kind="stable")
    best = frame[metric].cummax() if result.metric_mode() == "max" else frame[metric].cummin()
    return {"times": list(frame["st_tuner_time"]), "best": list(best), "trials": int(frame["trial_id"].nunique())}


def simulated(scheduler, name):
    backend = UserBlackboxBackend(table(), elapsed_time_attr="elapsed", max_resource_attr="epochs", seed=0)
    return run(scheduler, backend, name, trials=8, sleep_time=0, callbacks=[SimulatorCallback()], save_tuner=False)


def main():
    expected = {}
    space = SPACE | {"epochs": EPOCHS}
    for seed in (0, 1):
        random = RandomSearch(space, metrics=["loss"], random_seed=seed)
        expected[f"random-{seed}"] = simulated(random, f"random-{seed}")
        asha = ASHA(space, metric="loss", time_attr="epoch", max_t=EPOCHS, random_seed=seed)
        expected[f"asha-{seed}"] = simulated(asha, f"asha-{seed}")
    script = ROOT / "train.py"
    script.write_text(TRAIN)
    names = ("rate", "width", "kind")
    points = [(0.5, 3, "a"), (0.1, 8, "broken"), (0.25, 5, "a"), (0.75, 9, "b")]
    local = RandomSearch(
        {"rate": loguniform(1e-3, 1.0), "width": randint(1, 9), "kind": choice(["a", "b", "broken"])},
        metrics=["score"],
        do_minimize=False,
        random_seed=3,
        points_to_evaluate=[dict(zip(names, point, strict=True)) for point in points],
    )
    backend = LocalBackend(entry_point=str(script))
    expected["local"] = run(local, backend, "local", trials=4, sleep_time=0.05)
    (ROOT / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
