"""Pools of the wheel bocode: rows become configurations with their accuracy."""

import io

import numpy as np
import pytest

from benchmark.errors import BadInput
from benchmark.importers.bocode import HPOB_COLUMNS, read_names, read_table, source_file
from benchmark.tables.table_file import write_table
from tests.benchmark.importers.toy_wheel import write_to


def test_rows_become_configurations_and_the_first_of_equal_ones_counts(wheel, tmp_path):
    """A pool's columns are its hyperparameters, the last one the accuracy; seconds are declared, one a training."""
    table = write_table(tmp_path / "a.npz", read_table("lcbench", "adult", wheel))
    assert read_names("lcbench", wheel) == ["adult"]
    assert table.values["accuracy"].ravel().tolist() == [81.5, 12.0]
    assert {name: round(value, 6) for name, value in table.space.member(1).items()} == {
        "batch_size": 32,
        "learning_rate": 0.05,
        "max_dropout": 0.25,
        "max_units": 64,
        "momentum": 0.5,
        "num_layers": 1,
        "weight_decay": 0.05,
    }
    assert not table.timed
    assert (table.metrics[0].best, table.metrics[0].typical) == (81.5, 46.75)


def archive(**arrays):
    """The bytes of an archive of arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (archive(adult=np.zeros((3, 7))), r"adult of shape \(3, 7\): need 8 columns"),
        (archive(adult=np.full((3, 8), np.nan)), "need 8 columns of finite numbers"),
        (archive(bank=np.zeros((3, 8))), "'adult': not one of bank"),
        (archive(adult=np.array([{}])), "not an archive of arrays"),
        (archive(adult=np.full((1, 8), 0.2)), r"adult, row 0: batch_size = 0.2\d*: not an integer"),
        (b"PK", "not an archive of arrays"),
    ],
)
def test_damage_is_refused(wheel, data, message):
    """Another shape, NaN, another name, pickled objects and no archive at all are refused."""
    write_to(wheel, source_file("lcbench", "adult"), data)
    with pytest.raises(BadInput, match=message):
        read_table("lcbench", "adult", wheel)


def test_columns_of_hpob_are_names_of_hyperparameters():
    """All 15 spaces of HPO-B have distinct names; those of support vector machines and trees are shared."""
    assert len(HPOB_COLUMNS) == 15
    assert all(len(set(columns.split())) == len(columns.split()) for columns in HPOB_COLUMNS.values())
    assert HPOB_COLUMNS["5527"] == HPOB_COLUMNS["5891"]
