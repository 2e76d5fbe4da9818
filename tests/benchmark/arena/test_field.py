"""Fields: what is packed is what the ledgers say, the file comes back to the byte, and damage is refused."""

import io
import json
import math
import pickle
import re
import zipfile

import numpy as np
import pytest

from benchmark.arena.field.field_file import KINDS, encode_field, read_field, write_field
from benchmark.arena.field.packing import pack_field
from benchmark.errors import BadInput
from benchmark.suite.parsing import load
from tests.benchmark.arena.toy_arena import call, write_suite


def improvements_of(path, horizon):
    """The improvements of a ledger, computed from its lines one by one."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    evaluations = [record for record in records if record["kind"] == "evaluation" and record["end"] <= horizon]
    best, found = math.inf, []
    for record in sorted(evaluations, key=lambda record: (record["end"], record["index"])):
        if record["valid_error"] < best:
            best = record["valid_error"]
            found.append((record["end"], best, record["test_error"], record["trial"]))
    return found, evaluations


def test_a_field_holds_what_the_ledgers_say(toy):
    """Every run's improvements and counts are those of its ledger, read by other code."""
    field = read_field(toy / "field.npz")
    frame, runs = field.improvements(), field.runs()
    for row in runs.to_dict("records"):
        cell = row["objective"], row["algorithm"], row["repetition"]
        path = toy / "results" / "toy" / "runs" / cell[0] / cell[1] / f"{cell[2]:03d}.jsonl"
        expected, evaluations = improvements_of(path, horizon=6.0)
        mask = (frame["objective"] == cell[0]) & (frame["algorithm"] == cell[1]) & (frame["repetition"] == cell[2])
        columns = ["runtime", "valid_error", "test_error", "trial"]
        assert list(frame.loc[mask, columns].itertuples(index=False, name=None)) == expected
        assert row["evaluations"] == row["trials"] == len(evaluations) == 6
        assert row["decide_seconds"] == pytest.approx(sum(one["decide_seconds"] for one in evaluations))
    assert len(runs) == 2 * 3 * 3


def test_ends_are_those_of_the_objectives(toy):
    """A closed form's optimum is the best, its chance value stands for a typical one, the budget is the horizon."""
    ends = read_field(toy / "field.npz").ends().set_index("objective")

    assert ends.loc["branin", "best"] == pytest.approx(0.397887, abs=1e-6)
    assert ends.loc["hartmann", "best"] == pytest.approx(-3.32237, abs=1e-5)
    assert set(ends["horizon"]) == {6.0}


def test_the_same_runs_give_the_same_bytes(toy):
    """A field that was read is written as it was, and a second packing gives the same file."""
    data = (toy / "field.npz").read_bytes()

    assert encode_field(read_field(toy / "field.npz")) == data
    assert encode_field(pack_field(load("./toy.toml"), toy / "results" / "toy")) == data


def rewritten(path, target, **changed):
    """A copy of a field's file with other members."""
    with np.load(path) as file:
        members = {name: file[name] for name in ("header", *KINDS)} | changed
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{name: value for name, value in members.items() if value is not None})
    target.write_bytes(buffer.getvalue())
    return target


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"time": None}, "does not hold exactly"),
        ({"extra": np.zeros(1)}, "does not hold exactly"),
        ({"valid": np.zeros(3)}, "valid holds 3 values"),
        ({"state": np.zeros(18, np.int64)}, "state of type int64"),
        ({"state": np.full(18, 9, np.uint8)}, "unknown code"),
        ({"header": np.frombuffer(b'{"format": 9}', np.uint8)}, "format = 9, need 1"),
        ({"header": np.frombuffer(b"[]", np.uint8)}, "format"),
        ({"header": np.frombuffer(b'{"format": 1, "suite": {"repetitions": true}}', np.uint8)}, "repetitions"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_planted_damage_is_refused(toy, tmp_path, changed, message):
    """A file with other members, types, sizes or values is refused by a message that names them."""
    path = rewritten(toy / "field.npz", tmp_path / "other.npz", **changed)
    with pytest.raises(BadInput, match=message):
        read_field(path)


def test_every_cut_of_the_file_is_refused(toy, tmp_path):
    """No beginning of a field's file is taken for one."""
    data = (toy / "field.npz").read_bytes()
    for size in np.linspace(0, len(data) - 1, 40).astype(int):
        (tmp_path / "cut.npz").write_bytes(data[:size])
        with pytest.raises(BadInput, match=r"not a field"):
            read_field(tmp_path / "cut.npz")


class Mark:
    """Leaves a mark when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_in_the_file_leaves_no_mark(toy, tmp_path):
    """A member that is a pickle is refused, and nothing of it is executed."""
    target = tmp_path / "pickled.npz"
    with zipfile.ZipFile(toy / "field.npz") as given, zipfile.ZipFile(target, "w") as made:
        for name in given.namelist():
            made.writestr(name, pickle.dumps(Mark(tmp_path / "mark")) if name == "time.npy" else given.read(name))
    with pytest.raises(BadInput, match="not a field"):
        read_field(target)
    assert not (tmp_path / "mark").exists()


def test_runs_without_an_end_say_so_in_the_frame(toy, tmp_path):
    """A run that failed ends with infinite errors, one that is not finished has NaN."""
    field = read_field(toy / "field.npz")
    field.state[[0, 1]] = 1, 2
    write_field(tmp_path / "other.npz", field)
    frame = read_field(tmp_path / "other.npz").improvements()

    assert np.isposinf(frame["valid_error"]).sum() == 1
    assert frame["valid_error"].isna().sum() == 1
    assert set(frame.loc[~np.isfinite(frame["valid_error"]), "repetition"]) == {0, 1}


def test_a_check_executes_runs_again_and_finds_them_equal(toy, capsys):
    """Runs that are executed again equal the file to the byte."""
    assert call("field", "check", "./toy.toml", "--field", "field.npz", "--runs", "4", "--jobs", "1", "--quiet") == 0
    assert "4 of 4 runs, of 3 algorithms, equal the field to the byte" in capsys.readouterr().out


def test_a_check_finds_a_changed_value(toy, tmp_path, capsys):
    """One bit of one value of a run is found, and the exit code says so."""
    field = read_field(toy / "field.npz")
    field.valid[:] = np.nextafter(field.valid, np.inf)
    write_field(tmp_path / "other.npz", field)
    words = ("--field", tmp_path / "other.npz", "--runs", "1", "--jobs", "1", "--quiet")
    assert call("field", "check", "./toy.toml", *words) == 1
    assert "0 of 1 runs" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"runtime": 7.0}, "budget is .* here, field .* was made with"),
        ({"algorithms": 'algorithms.random.searcher = "sobol"\n'}, "algorithms.random"),
        ({"repetitions": 4}, "repetitions is 4 here"),
        ({"tasks": 3}, "objectives.steep"),
    ],
    ids=lambda value: "",
)
def test_another_suite_than_the_fields_is_refused(toy, tmp_path, capsys, change, message):
    """A suite with another budget, method, task or more repetitions is no base of a check: what differs is named."""
    path = write_suite(toy, name="other", **change)
    assert call("field", "check", path, "--field", "field.npz", "--quiet") == 2
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('clock = "tabulated"', 'clock = "measured"', "not the same again"),
        ("runtime = 6.0, ", "", "need budget.trainings or budget.runtime"),
    ],
)
def test_a_suite_that_cannot_be_paired_is_not_packed(toy, capsys, old, new, message):
    """Measured seconds, and budgets that end methods at different times, make no field."""
    text = (toy / "toy.toml").read_text()
    (toy / "unfit.toml").write_text(text.replace(old, new))
    (toy / "results" / "unfit" / "runs").mkdir(parents=True, exist_ok=True)
    assert call("field", "pack", "./unfit.toml") == 2
    assert message in capsys.readouterr().err
