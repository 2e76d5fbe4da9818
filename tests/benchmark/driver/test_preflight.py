"""What cannot be prepared, read or written before anything is trained is told with its name and the reason."""

import os
from pathlib import Path

import pytest

from benchmark.calibration import cost_model as calibrations
from benchmark.calibration.calibration_file import _read_existing, write_calibration
from benchmark.cli import options
from benchmark.errors import BadInput
from benchmark.result_folder.merge import _write_if_changed
from benchmark.result_folder.recorded_plan import read_recorded_suite
from benchmark.storage.atomic_write import write_or_refuse
from benchmark.suite.parsing import SUITE_FILES
from benchmark.tuning.preparation import prepare_objective
from benchmark.verification import audit, recheck_file
from objectives.objective import Machine


class Unprepared:
    """An objective that cannot be prepared."""

    def prepare(self, machine):
        raise ConnectionError("no route\nto host")


def told(call):
    """What the refusal of a call says."""
    with pytest.raises(BadInput) as refused:
        call()
    return str(refused.value)


def test_an_objective_that_cannot_be_prepared_is_named():
    """The message names the objective, with kind and text of its error on one line."""
    assert told(lambda: prepare_objective("toy", Unprepared(), Machine())) == (
        "objectives.toy: cannot be prepared (ConnectionError: no route to host)"
    )


def test_results_that_are_none_are_told():
    """The option, what it was given, and by what a suite's results are known."""
    for text in ("nowhere", "", "a\0b"):
        assert told(lambda text=text: options.recorded("--reuse", text)) == (
            f"--reuse {text!r}: need a suite's results, a folder that holds runs/"
        )


def test_a_folder_that_may_not_be_written_is_told(tmp_path, monkeypatch):
    """The folder that is there already is named, for it is the one to look at."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    assert told(lambda: options.out(str(tmp_path / "a" / "b"))) == (
        f"--out '{tmp_path / 'a' / 'b'}': {tmp_path} cannot be written"
    )


def test_files_that_cannot_be_written_are_told(tmp_path):
    """A file where a folder must be, a folder that is not there, a name too long: the path and the reason."""
    file = tmp_path / "file"
    file.touch()
    lost = tmp_path / "lost" / "desk.toml"
    long = Path("x" * 300 + ".toml")
    calibration = calibrations.load_calibration(calibrations.CALIBRATION_FILES.names()[0])

    assert told(lambda: _write_if_changed(file / "suite.json", b"{}")) == (
        f"OUT {file / 'suite.json'}: cannot be written (File exists); merge again, it goes on there"
    )
    assert told(lambda: write_or_refuse(lost, b"{}")) == f"{lost}: cannot be written (No such file or directory)"
    assert (
        told(lambda: write_calibration(lost, calibration))
        == f"--out '{lost}': cannot be written (No such file or directory)"
    )
    message = told(lambda: _read_existing(long, calibration))
    assert message.startswith("--out 'xxx")
    assert message.endswith("': cannot be written (File name too long)")


def test_files_that_cannot_be_read_are_told(tmp_path):
    """A folder under a file's name, and no file: the path and the reason."""
    folder = tmp_path / "folder.toml"
    folder.mkdir()

    assert told(lambda: recheck_file.read_if_exists(folder)) == f"{folder}: cannot be read (Is a directory)"
    assert told(lambda: SUITE_FILES.read(folder)).endswith("folder.toml': cannot be read (Is a directory)")
    assert told(lambda: read_recorded_suite(tmp_path)) == (
        f"{tmp_path / 'suite.json'}: cannot be read (No such file or directory)"
    )


def test_an_audit_that_cannot_make_room_is_told(tmp_path):
    """A folder where the plan of the audit before must be: what to delete."""
    (tmp_path / audit.PLAN).mkdir()

    assert told(lambda: audit._begin(tmp_path, {})) == (
        f"{tmp_path}: cannot be cleared for a new audit (Is a directory); delete it"
    )
