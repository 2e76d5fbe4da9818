"""The script of GPU measurements, as far as it runs without a GPU."""

import io
import json
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest

from tests.perf.gpu import measure


def call(*arguments):
    """Exit code and standard error of the script on a machine without CUDA."""
    message = io.StringIO()
    without = mock.patch("torch.cuda.is_available", return_value=False)
    with without, redirect_stderr(message), redirect_stdout(io.StringIO()):
        return measure.main(list(arguments)), message.getvalue()


def test_without_cuda_it_refuses():
    """Exit code 2, one line, nothing written."""
    with tempfile.TemporaryDirectory() as folder:
        code, message = call("--out", f"{folder}/new")

        assert code == 2
        assert message.count("\n") == 1
        assert "no CUDA device" in message
        assert not Path(folder, "new").exists()


@pytest.mark.slow
def test_its_parts_run_on_a_few_images():
    """Philox, softmax regression's bits, ratios, rates and price leave figures and no traceback."""
    wanted = ["bits/philox", "bits/softmax", "ratios/softmax", "comparison/softmax/ieee", "rates/softmax/ieee"]
    with tempfile.TemporaryDirectory() as folder:
        code, _ = call("--tiny", "--out", folder, "--only", *wanted, "price/softmax")
        report = json.loads(Path(folder, "perf-interpreter.json").read_text())

    assert code == 0
    assert len(report["parts"]) == 7
    assert not [name for name, part in report["parts"].items() if "failed" in part]
    assert all(report["parts"]["bits/philox"].values())
    assert report["parts"]["bits/softmax/digits"]["ieee"]["2 slots, shuffled"] == "2 of 2 equal"


def test_a_failing_part_is_recorded():
    """Its traceback is in the report, and the parts after it run."""

    def broken():
        raise RuntimeError("planted")

    with tempfile.TemporaryDirectory() as folder, redirect_stdout(io.StringIO()):
        report = {"parts": {}}
        measure.run({"one": broken, "two": lambda: {"fine": 1}}, [""], report, Path(folder, "report.json"))

    assert report["parts"]["one"]["failed"] == "RuntimeError: planted"
    assert "broken" in report["parts"]["one"]["traceback"]
    assert report["parts"]["two"] == {"fine": 1}
