"""What cannot be prepared, read or written before anything is trained is refused with its name and the reason."""

import os
from pathlib import Path

import pytest

from benchmark.calibration import cost_model as calibrations
from benchmark.calibration.calibration_file import _read_existing, write_calibration
from benchmark.cli import options
from benchmark.construction.preparation import prepare_objective
from benchmark.errors import BadInput
from benchmark.result_folder.merge import _write_if_changed
from benchmark.result_folder.recorded_plan import read_recorded_suite
from benchmark.storage.atomic_write import write_or_refuse
from benchmark.suite.parsing import SUITE_FILES
from benchmark.verification import audit, recheck_file
from objectives.objective import Machine


class Unprepared:
    """An objective that cannot be prepared."""

    tabulated = False

    def prepare(self, machine):
        raise ConnectionError("no route\nto host")


def refusal(call):
    """The message with which a call refuses its input."""
    with pytest.raises(BadInput) as refused:
        call()
    return str(refused.value)


def test_an_objective_that_cannot_be_prepared_is_named():
    """The message names the objective, with kind and text of its error on one line."""
    assert refusal(lambda: prepare_objective("toy", Unprepared(), Machine())) == (
        "objectives.toy: cannot be prepared (ConnectionError: no route to host)"
    )


def test_a_folder_without_results_is_refused():
    """The message has the option, its value, and what a results folder must contain."""
    for text in ("nowhere", "", "a\0b"):
        assert refusal(lambda text=text: options.recorded_results("--reuse", text)) == (
            f"--reuse {text!r}: need a suite's results, a folder that holds runs/"
        )


def test_a_folder_without_write_permission_is_refused(tmp_path, monkeypatch):
    """The message names the folder that exists already, since that is the one to check."""
    monkeypatch.setattr(os, "access", lambda path, mode: False)

    assert refusal(lambda: options.check_folder("--out", str(tmp_path / "a" / "b"), writing=True)) == (
        f"--out '{tmp_path / 'a' / 'b'}': {tmp_path} cannot be written"
    )


def test_files_that_cannot_be_written_are_refused(tmp_path):
    """A file in place of a folder, a missing folder, a name that is too long: the message has path and reason."""
    file = tmp_path / "file"
    file.touch()
    lost = tmp_path / "lost" / "desk.toml"
    long = Path("x" * 300 + ".toml")
    calibration = calibrations.load_calibration(calibrations.CALIBRATION_FILES.names()[0])

    assert refusal(lambda: _write_if_changed(file / "suite.json", b"{}")) == (
        f"OUT {file / 'suite.json'}: cannot be written (File exists); merge again, it goes on there"
    )
    assert refusal(lambda: write_or_refuse(lost, b"{}")) == f"{lost}: cannot be written (No such file or directory)"
    assert (
        refusal(lambda: write_calibration(lost, calibration))
        == f"--out '{lost}': cannot be written (No such file or directory)"
    )
    message = refusal(lambda: _read_existing(long, calibration))
    assert message.startswith("--out 'xxx")
    assert message.endswith("': cannot be written (File name too long)")


def test_files_that_cannot_be_read_are_refused(tmp_path):
    """A folder in place of a file, and a missing file: the message has the path and the reason."""
    folder = tmp_path / "folder.toml"
    folder.mkdir()

    assert refusal(lambda: recheck_file.read_if_exists(folder)) == f"{folder}: cannot be read (Is a directory)"
    assert refusal(lambda: SUITE_FILES.read(folder)).endswith("folder.toml': cannot be read (Is a directory)")
    assert refusal(lambda: read_recorded_suite(tmp_path)) == f"{tmp_path / 'suite.json'}: there is no such file"


def test_an_audit_that_cannot_delete_its_old_plan_is_refused(tmp_path):
    """A folder has the name of the earlier audit's plan; the message says what to delete."""
    (tmp_path / audit.PLAN).mkdir()

    assert refusal(lambda: audit._begin(tmp_path, {})) == (
        f"{tmp_path}: cannot be cleared for a new audit (Is a directory); delete it"
    )
