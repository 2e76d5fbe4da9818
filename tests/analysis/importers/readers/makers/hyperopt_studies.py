"""Makes trials with Hyperopt below a folder, and says what its own API reads of them.

Usage: python hyperopt_studies.py FOLDER. Writes FOLDER/trials, pickles in FOLDER, and FOLDER/expected.json.
"""

import json
import logging
import pickle
import sys
from functools import partial
from pathlib import Path

import numpy as np
from hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, rand, tpe

ROOT = Path(sys.argv[1])
SPACE = {
    "x": hp.uniform("x", -2, 2),
    "width": hp.quniform("width", 1, 64, 1),
    "kind": hp.choice("kind", ["a", {"kind": "b", "depth": hp.randint("depth", 5)}]),
}


def objective(config):
    if config["x"] > 1.5:
        raise ValueError("too large")
    if config["x"] < -1.5:
        return {"status": STATUS_FAIL}
    return {
        "loss": float("inf") if 0.9 < config["x"] < 1 else config["x"] ** 2,
        "status": STATUS_OK,
        "score": -config["x"],
    }


def plain(value):
    return value.item() if hasattr(value, "item") else str(value)


def values_of(trial):
    return {key: float(value[0]) for key, value in trial["misc"]["vals"].items() if value}


def main():
    logging.disable(logging.CRITICAL)
    (ROOT / "trials").mkdir()
    expected = {}
    suggesters = {"random": rand.suggest, "tpe": partial(tpe.suggest, n_startup_jobs=5)}
    for name, suggest in suggesters.items():
        for seed in (0, 1):
            trials = Trials()
            rstate = np.random.default_rng(seed)
            options = {"rstate": rstate, "show_progressbar": False, "catch_eval_exceptions": True}
            fmin(objective, SPACE, suggest, 20, trials=trials, **options)
            label = f"{name}-{seed}"
            with (ROOT / "trials" / f"{label}.json").open("w") as file:
                json.dump(trials._dynamic_trials, file, default=plain if seed else str)
            with (ROOT / f"{label}.pkl").open("wb") as file:
                pickle.dump(trials, file)
            first = min(trial["book_time"] for trial in trials._dynamic_trials)
            good = [
                ((trial["refresh_time"] - first).total_seconds(), loss)
                for trial, loss in zip(trials.trials, trials.losses(), strict=True)
                if loss is not None and np.isfinite(loss)
            ]
            good.sort()
            expected[label] = {
                "times": [time for time, _ in good],
                "best": np.minimum.accumulate([loss for _, loss in good]).tolist(),
                "trials": len(trials._dynamic_trials),
                "values": [values_of(trial) for trial in trials._dynamic_trials],
            }
    (ROOT / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
