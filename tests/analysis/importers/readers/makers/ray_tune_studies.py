"""Makes experiments with Ray Tune below a folder, and says what its own API reads of them.

Usage: python ray_tune_studies.py FOLDER. Writes FOLDER/experiments and FOLDER/expected.json.
"""

import json
import logging
import math
import sys
from pathlib import Path

import ray
from ray import tune
from ray.tune import ExperimentAnalysis
from ray.tune.schedulers import ASHAScheduler

ROOT = Path(sys.argv[1])
EPOCHS = 3
SPACE = {"x": tune.uniform(-2, 2), "kind": tune.choice(["a", "b"]), "deep": {"width": tune.randint(1, 5)}, "fixed": 3}


class Trainable(tune.Trainable):
    """Fails at once below -1.2, and has no finite loss above 1.2."""

    def setup(self, config):
        self.x = config["x"]

    def step(self):
        if self.x < -1.2:
            raise ValueError("too small")
        loss = self.x**2 + 1 / self.iteration if self.iteration else self.x**2 + 2
        return {"loss": math.nan if self.x > 1.2 else loss, "inner": {"score": -self.x}}

    def reset_config(self, new_config):
        self.x = new_config["x"]
        return True

    def save_checkpoint(self, checkpoint_dir):
        return None


def run(name, seed, scheduler):
    tune.Tuner(
        Trainable,
        param_space=SPACE,
        tune_config=tune.TuneConfig(
            metric="loss",
            mode="min",
            num_samples=6,
            scheduler=scheduler,
            reuse_actors=True,
            search_alg=tune.search.BasicVariantGenerator(random_state=seed, max_concurrent=1),
        ),
        run_config=tune.RunConfig(
            name=name, storage_path=str(ROOT / "experiments"), stop={"training_iteration": EPOCHS}, verbose=0
        ),
    ).fit()
    analysis = ExperimentAnalysis(str(ROOT / "experiments" / name), default_metric="loss", default_mode="min")
    frames = [frame for frame in analysis.trial_dataframes.values() if not frame.empty]
    rows = sorted(
        (int(time), float(loss))
        for frame in frames
        for time, loss in zip(frame["timestamp"], frame["loss"], strict=True)
        if math.isfinite(loss)
    )
    return {"rows": rows, "trials": len(analysis.trials)}


def main():
    logging.disable(logging.CRITICAL)
    ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False, configure_logging=False)
    expected = {
        "random-0": run("random-0", 0, None),
        "asha-0": run("asha-0", 0, ASHAScheduler(max_t=EPOCHS, reduction_factor=2)),
    }
    ray.shutdown()
    (ROOT / "expected.json").write_text(json.dumps(expected))


if __name__ == "__main__":
    main()
