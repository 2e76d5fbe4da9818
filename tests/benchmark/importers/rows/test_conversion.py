"""Files of rows as strangers write them become tables with the values that stand in the file, or are refused."""

import gzip
import math
import tomllib

import numpy as np
import pytest

from benchmark.importers.rows.conversion import convert
from benchmark.importers.rows.mapping import parse_mapping


@pytest.fixture
def read(tmp_path):
    """Write a file and convert it by a mapping that is TOML without the key `file`."""

    def read(text, mapping, name="a.csv"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return convert(parse_mapping({"file": name, **tomllib.loads(mapping)}, tmp_path))

    return read


PLAIN = 'hyperparameters = ["a", "b"]\nmetrics = ["loss"]\n'


def values_of(table, metric="loss"):
    """The values of a table by configuration, seed and epoch; of a grid in the order of its levels."""
    return table.values[metric].tolist()


def test_a_whole_grid_is_found_whatever_the_order_of_rows(read):
    """All combinations of levels are a grid; the last column changes fastest, and the rows may be shuffled."""
    rows = ["1,x,0.1", "1,y,0.2", "10,x,0.3", "10,y,0.4"]
    tables = [read("\n".join(["a,b,loss", *order]), PLAIN).table for order in (rows, rows[::-1])]
    for table in tables:
        assert table.configs is None
        assert table.space.describe()["a"] == {"kind": "ordinal", "choices": [1, 10]}
        assert table.space.describe()["b"] == {"kind": "categorical", "choices": ["x", "y"]}
        assert values_of(table) == [[[0.1]], [[0.2]], [[0.3]], [[0.4]]]


def test_a_pool_keeps_its_configurations_and_scales(read):
    """Random draws are a pool: numbers that do not repeat are a range, logarithmic if the mapping says so."""
    rows = "\n".join(f"{10.0**-k},{16 + k % 2},{k * 7},{k / 10}" for k in range(1, 9))
    many = "\n".join(f"{draw % 70},{draw // 70},0.5" for draw in range(70 * 4 - 1))  # Not quite a grid.
    mapping = 'metrics = ["loss"]\n[hyperparameters]\nlr = { log = true }\nbatch = {}\nunits = { low = 0 }\n'
    table = read(f"lr,batch,units,loss\n{rows}", mapping).table
    assert table.space.describe() == {
        "lr": {"kind": "float", "low": 1e-8, "high": 0.1, "log": True},
        "batch": {"kind": "ordinal", "choices": [16, 17]},
        "units": {"kind": "int", "low": 0, "high": 56, "log": False},
    }
    assert read(f"a,b,loss\n{many}", PLAIN).table.space.describe()["a"]["kind"] == "int"
    losses = dict(zip((config["lr"] for config in table.configs), table.values["loss"][:, 0, 0], strict=True))
    assert losses == {10.0**-k: k / 10 for k in range(1, 9)}


def test_curves_seeds_test_values_and_seconds(read):
    """Rows of epochs become curves; seeds are sorted as numbers; seconds so far become those of each epoch."""
    rows = "\n".join(
        f"1,{seed},{epoch},{seed}.{epoch},{epoch / 8},{epoch**2}" for seed in (10, 9) for epoch in (3, 1, 2)
    )
    mapping = (
        'seed = "s"\nepoch = "e"\nseconds = { column = "t", per = "so_far", unit = "min" }\n'
        'hyperparameters = ["a"]\nmetrics.loss.test = "test"\n'
    )
    table = read(f"a,s,e,loss,test,t\n{rows}", mapping).table
    assert table.seeds == ("9", "10")
    assert values_of(table) == [[[9.1, 9.2, 9.3], [10.1, 10.2, 10.3]]]
    assert table.test_values["loss"].tolist() == [[[1 / 8, 2 / 8, 3 / 8]] * 2]
    assert table.seconds.tolist() == [[[60.0, 180.0, 300.0]] * 2]
    assert (table.reached == 3).all()


def test_wide_columns_are_epochs_and_seeds(read):
    """`{epoch}` and `{seed}` in a column's name stand for a column each; a lone test column is of the last epoch."""
    text = "a,l_e1_s0,l_e2_s0,l_e1_s1,l_e2_s1,test\n1,0.1,0.2,0.3,0.4,0.9\n"
    mapping = 'hyperparameters = ["a"]\nmetrics.loss = { column = "l_e{epoch}_s{seed}", test = "test" }\n'
    table = read(text, mapping).table
    assert values_of(table) == [[[0.1, 0.2], [0.3, 0.4]]]
    np.testing.assert_array_equal(table.test_values["loss"], [[[math.nan, 0.9]] * 2])


def test_a_value_that_is_not_there_is_a_failure_or_no_training(read):
    """`missing` says which: a failure ends its curve at chance, a row without a training does not count."""
    text = "a,b,e,loss\n1,x,1,0.5\n1,x,2,nan\n1,x,3,0.1\n2,x,1,0.4\n2,x,2,inf\n2,x,3,0.2\n"
    said = 'epoch = "e"\nhyperparameters = ["a", "b"]\nmetrics.loss.chance = 0.9\n'
    failed = read(text, 'missing = "diverged"\n' + said).table
    np.testing.assert_array_equal(failed.values["loss"][:, 0], [[0.5, 0.9, math.nan], [0.4, 0.9, math.nan]])
    assert failed.diverged.all()
    assert failed.reached.tolist() == [[2], [2]]
    absent = read("a,b,loss\n1,x,0.5\n2,y,\n", 'missing = "absent"\n' + PLAIN)
    assert absent.table.values["loss"].tolist() == [[[0.5]]]
    assert "rows left out because they hold no value, or are of epoch 0: 1" in absent.notes


def test_curves_that_stopped_by_themselves_keep_their_value_at_no_cost(read):
    """`shorter = "stopped"`: a training asked for more epochs than it ran answers with its last value."""
    text = "a,e,loss,t\n1,1,0.5,2\n1,2,0.4,2\n1,3,0.3,2\n2,1,0.6,3\n"
    said = 'epoch = "e"\nseconds = { column = "t", per = "epoch" }\nhyperparameters = ["a"]\nmetrics = ["loss"]\n'
    table = read(text, 'shorter = "stopped"\n' + said).table
    assert values_of(table) == [[[0.5, 0.4, 0.3]], [[0.6, 0.6, 0.6]]]
    assert table.seconds.tolist() == [[[2.0, 2.0, 2.0]], [[3.0, 0.0, 0.0]]]
    assert read(text, 'shorter = "unknown"\n' + said).table.reached.tolist() == [[3], [1]]


def test_gaps_make_each_value_a_training_of_its_own_length(read):
    """Rungs of a scheduler: only some epochs are there, and the seconds of each are those since the beginning."""
    rows = "\n".join(f"{a},{e},{1 / e},{e * 2.5}" for a in (1, 2) for e in (1, 3, 9))
    said = 'epoch = "e"\nseconds = { column = "t", per = "so_far" }\nhyperparameters = ["a"]\nmetrics = ["loss"]\n'
    table = read(f"a,e,loss,t\n{rows}", said).table
    assert table.unmeasured
    assert table.seconds[0, 0].tolist() == [2.5, 0, 7.5, 0, 0, 0, 0, 0, 22.5]


def test_a_condition_leaves_values_out_that_do_not_count(read):
    """`when` makes a hyperparameter depend on another one; what stands in its cell otherwise does not matter."""
    text = "kernel,gamma,loss\nrbf,0.1,0.5\nrbf,1,0.4\nlinear,,0.3\n"
    mapping = 'metrics = ["loss"]\n[hyperparameters]\nkernel = {}\ngamma = { when = { kernel = "rbf" } }\n'
    for spelled in (text, text.replace("linear,,", "linear,0.1,"), text.replace("linear,,", "linear,NA,")):
        configs = read(spelled, mapping).table.configs
        assert {"kernel": "linear"} in configs
        assert {"kernel": "rbf", "gamma": 0.1} in configs


def test_texts_of_every_notation_mean_the_same(read):
    """Separators, decimal commas, quotes, byte order marks, blanks, comments, gzip and other encodings: one table."""
    plain = "a,b,loss\n0.5,ä,0.25\n1.5,y,1.25\n"
    german = plain.replace(",", ";").replace(".", ",")
    files = [
        (plain, "", "a.csv"),
        (german, 'separator = ";"\ndecimal = ","\n', "a.csv"),
        (plain.replace(",", "\t"), "", "a.tsv"),
        ("﻿" + plain.replace("\n", "\r\n"), "", "a.csv"),
        ("# by hand\n" + plain.replace(",", " , ") + "\n\n", 'comment = "#"\n', "a.CSV"),
        ('"a","b","loss"\n"0.5","ä","2.5e-1"\n"1.5","y","1.25"', "", "a.csv"),
        (plain.encode("latin-1"), 'encoding = "latin-1"\n', "a.csv"),
        (plain.encode("utf-16"), 'encoding = "utf-16"\n', "a.csv"),
        (gzip.compress(plain.encode()), "", "a.csv.gz"),
        ("n" + plain.replace("\n", "\n0,").removesuffix("0,").replace("a,b", ",a,b", 1), "", "a.csv"),
    ]
    for content, options, name in files:
        table = read(content, options + PLAIN, name).table
        assert table.space.describe()["a"] == {"kind": "float", "low": 0.5, "high": 1.5, "log": False}
        assert [config["b"] for config in table.configs] == ["ä", "y"]
        assert values_of(table) == [[[0.25]], [[1.25]]]


def test_units_of_values_and_seconds(read):
    """Percent signs go where the unit says so; seconds may be minutes, or durations as other programs write them."""
    text = "a,b,acc,t\n1,x,93.5 %,0 days 00:01:30.5\n2,y,91%,1:00:00\n3,z,92,2 min\n"
    said = 'seconds = { column = "t", unit = "min" }\nhyperparameters = ["a", "b"]\nmetrics.acc.unit = "%"\n'
    table = read(text, said).table
    assert values_of(table, "acc") == [[[93.5]], [[91.0]], [[92.0]]]
    assert table.metrics[0].goal == "max"
    assert table.seconds.ravel().tolist() == [90.5, 3600.0, 120.0]


def test_rows_that_repeat(read):
    """The same row twice is one; other values are trainings with other seeds, or the first one counts, as is said."""
    text = "a,b,loss\n1,x,0.5\n1,x,0.5\n2,x,0.4\n2,x,0.4\n"
    assert values_of(read(text, PLAIN).table) == [[[0.5]], [[0.4]]]
    uneven = read("a,b,loss\n1,x,0.5\n1,x,0.6\n2,x,0.4\n", 'repeated = "seeds"\n' + PLAIN)
    assert [note for note in uneven.notes if "fewer seeds" in note and note.endswith(": 1")]
    assert uneven.table.reached.tolist() == [[1, 1], [1, 0]]
    other = text.replace("0.5\n1,x,0.5", "0.5\n1,x,0.7")
    assert values_of(read(other, 'repeated = "seeds"\n' + PLAIN).table) == [[[0.5], [0.7]], [[0.4], [0.4]]]
    assert values_of(read(other, 'repeated = "first"\n' + PLAIN).table) == [[[0.5]], [[0.4]]]


def test_where_takes_some_rows(read):
    """Rows of other data sets in the same file do not count."""
    text = "data,a,b,loss\nadult,1,x,0.5\nbank,1,x,0.7\nadult,2,y,0.4\n"
    result = read(text, 'where = { data = "adult" }\n' + PLAIN)
    assert values_of(result.table) == [[[0.5]], [[0.4]]]
    assert result.notes == ()


def test_epochs_from_zero(read):
    """Epoch 0 is the first one, or before training; the mapping says which."""
    text = "a,e,loss\n1,0,0.9\n1,1,0.5\n1,2,0.4\n"
    said = 'epoch = "e"\nhyperparameters = ["a"]\nmetrics = ["loss"]\n'
    assert values_of(read(text, "epochs_from = 0\n" + said).table) == [[[0.9, 0.5, 0.4]]]
    assert values_of(read(text, "epochs_from = 1\n" + said).table) == [[[0.5, 0.4]]]
    tens = text.replace("1,0,", "1,30,").replace("1,1,", "1,10,").replace("1,2,", "1,20,")
    assert values_of(read(tens, "epoch_step = 10\n" + said).table) == [[[0.5, 0.4, 0.9]]]


@pytest.mark.slow
def test_parquet_is_read_with_its_types(tmp_path):
    """A parquet file gives what the same CSV file does; whole numbers, truth values and durations keep their type."""
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "a": [1, 2],
        "b": [True, False],
        "loss": [0.5, None],
        "t": pyarrow.array([10**9, 2 * 10**9], "duration[ns]"),
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "a.parquet")
    mapping = {
        "file": "a.parquet",
        "missing": "absent",
        "seconds": "t",
        "hyperparameters": ["a", "b"],
        "metrics": ["loss"],
    }
    table = convert(parse_mapping(mapping, tmp_path)).table
    assert table.configs is None
    assert table.space.describe()["b"]["choices"] == [True]
    assert table.seconds.tolist() == [[[1.0]]]
