"""The file of a table: what was written is read, and nothing else."""

import io
import json
import pickle
import zipfile

import numpy as np
import pytest

from benchmark.errors import BadInput
from benchmark.tables.table_file import load_table, write_table
from tests.benchmark.tables_of_tests import new_table, pool
from tests.benchmark.test_hostile_files import Evil


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a whole table, and its parts."""
    path = tmp_path_factory.mktemp("good") / "x.npz"
    write_table(path, new_table(test_values={"loss": new_table().values["size"]}))
    with np.load(path) as file:
        parts = {name: file[name] for name in file}
    return path.read_bytes(), parts


@pytest.mark.parametrize("make", [new_table, pool])
def test_what_is_written_is_read(tmp_path, make):
    """Every value, second and configuration comes back to the bit, read here by numpy alone."""
    new = make()
    table = write_table(tmp_path / "deep" / "x.npz", new)
    with np.load(tmp_path / "deep" / "x.npz", allow_pickle=False) as file:
        header = json.loads(file["header"].tobytes())
        for number, metric in enumerate(new.metrics):
            assert (file["values"][number] == new.values[metric.name]).all()
            assert (table.values[metric.name] == new.values[metric.name]).all()
        assert (file["seconds"] == new.seconds).all()
    assert header["space"] == new.space.describe()
    assert table.metrics == new.metrics
    assert table.seeds == new.seeds
    assert new.configs is None or [table.members.member(row) for row in range(table.members.size)] == new.configs
    assert table.typical_seconds == np.median(new.seconds.sum(axis=2))


def test_a_table_without_seconds_takes_one_an_epoch(tmp_path):
    """They are declared, not measured, and the table knows that."""
    table = write_table(tmp_path / "x.npz", new_table(seconds=None, epochs=5))
    assert not table.timed
    assert table.typical_seconds == 5.0
    assert (table.seconds == 1.0).all()


def test_the_same_table_gives_the_same_bytes(tmp_path):
    """So its digest says what it holds."""
    tables = [write_table(tmp_path / f"{name}.npz", pool()) for name in "ab"]
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert tables[0].digest == tables[1].digest


def headed(**changes):
    return lambda parts: {
        **parts,
        "header": np.frombuffer(json.dumps({**json.loads(parts["header"].tobytes()), **changes}).encode(), np.uint8),
    }


def without(name):
    return lambda parts: {key: value for key, value in parts.items() if key != name}


def changed(name, change):
    return lambda parts: {**parts, name: change(parts[name])}


DAMAGE = {
    "a newer format": (headed(format=3), "format = 3, need 1 or 2"),
    "a key more": (headed(more=1), "header of"),
    "no goal": (headed(metrics=[{"name": "loss", "goal": "down"}]), "goal"),
    "a metric twice": (headed(metrics=[{"name": "loss"}] * 3), "twice"),
    "seeds of numbers": (headed(seeds=[1, 2, 3]), "seeds"),
    "seeds alike": (headed(seeds=["1", "1", "2"]), "seeds"),
    "another number of seeds": (headed(seeds=["1", "2"]), "values of shape"),
    "tests of no metric": (headed(test_metrics=["speed"]), "test_metrics"),
    "seconds less than 0": (headed(typical_seconds=-1), "typical_seconds"),
    "no digest": (headed(source_digest="abc"), "source_digest"),
    "no licence": (headed(license=""), "license"),
    "a space of a range": (headed(space={"x": {"kind": "float", "low": 0, "high": 1}}), "listed"),
    "a space of nothing": (headed(space={}), "space"),
    "a level more": (
        headed(space={"rate": {"kind": "ordinal", "choices": [1, 2, 3]}}),
        "values of shape",
    ),
    "a harvest of nothing": (headed(harvest={}), "harvest"),
    "no values": (without("values"), "need header.npy, values.npy"),
    "another array": (lambda parts: {**parts, "x": np.ones(1)}, "'x.npy'"),
    "values of whole numbers": (changed("values", lambda a: a.astype(int)), "values of type int64"),
    "values of single precision": (changed("values", lambda a: a.astype("f4")), "values of type float32"),
    "values endless": (changed("values", lambda a: a + np.inf), "infinite"),
    "values unknown": (changed("values", lambda a: a * np.nan), "hold NaN in an epoch that is said to be reached"),
    "values cut": (changed("values", lambda a: a[:, :-1]), "values of shape"),
    "test values cut": (changed("test_values", lambda a: a[:, :-1]), "test_values of shape"),
    "tests left out": (without("test_values"), "test_metrics"),
    "seconds unknown": (changed("seconds", lambda a: a * np.nan), "seconds hold"),
    "seconds backwards": (changed("seconds", lambda a: -a), "seconds hold"),
    "more epochs": (changed("reached", lambda a: a + 1), "more epochs"),
    "diverged untrained": (
        lambda parts: {**parts, "reached": parts["reached"] * 0, "diverged": ~parts["diverged"]},
        "diverged",
    ),
    "codes of a grid's size": (lambda parts: {**parts, "codes": np.zeros((24, 3))}, "codes"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_refused(tmp_path, good, case):
    """One message with the file and what is wrong with it."""
    spoil, told = DAMAGE[case]
    path = tmp_path / "x.npz"
    np.savez(path, **spoil(good[1]))
    with pytest.raises(BadInput) as refused:
        load_table(path)
    assert str(refused.value).startswith(f"table {path}: ")
    assert told in str(refused.value)


@pytest.mark.parametrize("name", ["values", "header", "reached"])
def test_no_pickle_in_a_table_is_opened(tmp_path, good, name):
    """An array of objects is refused, and leaves no mark."""
    marker, path = tmp_path / "ran", tmp_path / "x.npz"
    evil = io.BytesIO()
    np.lib.format.write_array(evil, np.array([Evil(marker)], dtype=object), allow_pickle=True)
    with zipfile.ZipFile(path, "w") as archive, zipfile.ZipFile(io.BytesIO(good[0])) as whole:
        for member in whole.namelist():
            archive.writestr(member, evil.getvalue() if member == f"{name}.npy" else whole.read(member))
    with pytest.raises(BadInput, match="not a table"):
        load_table(path)
    assert not marker.exists()
    pickle.loads(pickle.dumps(Evil(marker)))
    assert marker.is_dir(), "the payload is no payload"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"source_digest": "none"}, "source_digest"),
        ({"values": {}}, "need those of the metrics"),
        ({"reached": np.full((24, 3), 9)}, "more epochs"),
        ({"configs": [{"rate": 0.001, "kind": "a", "width": 1}] * 24}, "two rows are the same"),
    ],
)
def test_a_wrong_table_is_not_written(tmp_path, changes, message):
    """It is refused before a file is there."""
    with pytest.raises(BadInput, match=message):
        write_table(tmp_path / "x.npz", new_table(**changes))
    assert not list(tmp_path.iterdir())
