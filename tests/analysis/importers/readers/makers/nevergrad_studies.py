"""Makes logs with Nevergrad below a folder, and says what its own API reads of them.

Usage: python nevergrad_studies.py FOLDER. Writes FOLDER/logs, FOLDER/optimizer.pkl and FOLDER/expected.json.
"""

import json
import sys
import warnings
from pathlib import Path

import nevergrad as ng
import numpy as np

ROOT = Path(sys.argv[1])


def parametrization(seed):
    space = ng.p.Instrumentation(
        x=ng.p.Scalar(lower=-2, upper=2),
        rate=ng.p.Log(lower=1e-4, upper=1),
        width=ng.p.Scalar(lower=1, upper=64).set_integer_casting(),
        kind=ng.p.Choice(["a", "b"]),
        weights=ng.p.Array(shape=(2,)),
    )
    space.random_state.seed(seed)
    return space


def minimise(optimizer, path, objective, append=False):
    logger = ng.callbacks.ParametersLogger(path, append=append)
    optimizer.register_callback("tell", logger)
    optimizer.minimize(objective)
    return logger.load()


def curve(rows):
    best = np.minimum.accumulate([row["#loss"] for row in rows])
    return {"times": [number + 1.0 for number in range(len(rows))], "best": best.tolist(), "trials": len(rows)}


def main():
    warnings.simplefilter("ignore")

    def loss(x, rate, width, kind, weights):
        return x**2 + rate + (kind == "a")

    expected, losses = {}, {}
    for name in ("OnePlusOne", "DE"):
        for seed in (0, 1):
            optimizer = ng.optimizers.registry[name](parametrization(seed), budget=25)
            rows = minimise(optimizer, ROOT / "logs" / f"{name}-{seed}.json", loss)
            expected[f"{name}-{seed}"] = curve(rows)
    optimizer.dump(ROOT / "optimizer.pkl")
    shared = ROOT / "shared.json"
    for seed in (0, 1, 2):
        optimizer = ng.optimizers.OnePlusOne(parametrization(seed), budget=4 + seed)
        rows = minimise(optimizer, shared, loss, append=True)
        expected[f"shared-{seed}"] = curve(rows[-4 - seed :])
    optimizer = ng.optimizers.DE(ng.p.Dict(x=ng.p.Scalar(lower=-2, upper=2)), budget=12)
    rows = minimise(optimizer, ROOT / "two.json", lambda config: [config["x"] ** 2, (config["x"] - 1) ** 2])
    losses = {f"loss_{place}": [row[f"#losses#{place}"] for row in rows] for place in (0, 1)}
    (ROOT / "expected.json").write_text(json.dumps({"curves": expected, "losses": losses}))


if __name__ == "__main__":
    main()
