"""Parquet files, read back with pandas."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from analysis.exports import parquet
from analysis.loading.results import load
from analysis.study import Study

pyarrow = pytest.importorskip("pyarrow.parquet", reason="pyarrow.parquet is not installed: make setup")


@pytest.fixture
def folder(varied, exported):
    """The exported folder of the varied suite."""
    return exported(varied.folder, "parquet")[1]


def test_every_table_reads_back(varied, folder):
    """Each table of the suite is there with the same columns, rows and values."""
    study = Study(load(varied.folder), varied.folder)
    assert sorted(path.stem for path in folder.glob("*.parquet")) == sorted(study.tables)
    for name in ("trials", "runs", "trajectory", "summary"):
        read = pd.read_parquet(folder / f"{name}.parquet")
        pd.testing.assert_frame_equal(read, study.tables[name], check_dtype=False, check_categorical=False)


def test_the_plan_is_inside(varied, folder):
    """The metadata hold the suite's plan to the byte, and the table's name."""
    metadata = pyarrow.read_schema(folder / "summary.parquet").metadata
    assert metadata[b"incumbent.table"] == b"summary"
    assert json.loads(metadata[b"incumbent.suite"]) == varied.suite.plan


@pytest.mark.slow
def test_the_same_bytes_twice(varied, folder, exported):
    """An export made again is the same."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    exported(varied.folder, "parquet")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_columns_of_mixed_values_become_text():
    """A column may hold numbers and words; None stays undefined."""
    table = parquet.as_table(pd.DataFrame({"value": [1, "relu", None, True]}, dtype=object), {})
    assert table["value"].to_pylist() == ["1", "relu", None, "True"]
