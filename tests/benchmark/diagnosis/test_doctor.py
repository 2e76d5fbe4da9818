"""The command `doctor`: what it prints, and when it says that something is wrong."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmark.cli.main import main
from benchmark.devices import cuda_driver
from benchmark.devices.choice import choose_device
from benchmark.diagnosis import examination, speed
from benchmark.diagnosis.examination import describe_machine, examine_objectives
from benchmark.diagnosis.speed import measure_speed
from objectives import OBJECTIVES
from objectives.derived.discretised import Discretised
from objectives.objective import Machine
from objectives.stacks.route import FAILED, choose_route
from tests import ROOT
from tests.benchmark.devices.fake_torch import H200, P400, show_gpus

WITHOUT_TRITON = """
import sys

class NoTriton:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "triton":
            raise ModuleNotFoundError("No module named 'triton'", name="triton")

sys.meta_path.insert(0, NoTriton())
sys.argv = ["benchmark", *sys.argv[1:]]
from benchmark.__main__ import main
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """Measurements of one epoch."""
    monkeypatch.setattr(speed, "SECONDS", 0.0)


def take_route(monkeypatch, **changes):
    """Let every objective take its route with something else about it."""
    monkeypatch.setattr(
        examination, "choose_route", lambda objective, machine: replace(choose_route(objective, machine), **changes)
    )


@pytest.mark.slow
def test_the_networks_of_this_project(capsys):
    """Without a GPU it says so, and gives routes, reasons and speeds on the CPU."""
    assert main(["doctor"]) == 0

    lines = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert {"processor", "versions", "driver", "GPU", "device"} <= set(lines)
    for name, route in {"softmax": "stacked", "lenet": "looped", "dropout_mlp": "looped", "mlp": "looped"}.items():
        assert lines[name].startswith(f"{route}: ")
        assert "steps a second" in lines[name]
    assert lines["all"].startswith("is well on cpu; next: ")


@pytest.mark.slow
def test_without_triton():
    """Where Triton cannot be imported the command works, and says so."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TRITON, "doctor", "closed_form", "--device", "auto"],
        cwd=ROOT, env={**os.environ, "CUDA_VISIBLE_DEVICES": ""}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")
    assert "Triton not installed" in done.stdout
    assert "GPU         none can be used: " in done.stdout
    assert "CUDA_VISIBLE_DEVICES is ''" in done.stdout
    assert "branin      trains its trials itself, one after the other" in done.stdout


def test_gpus_are_described(monkeypatch, tmp_path):
    """What can be used, what cannot and why, the driver's versions, and what a suite would train on."""
    show_gpus(monkeypatch, H200, P400)
    monkeypatch.setattr(examination, "supported_cuda_version", lambda: (13, 2))
    card = {"cpu": "a CPU", "cores": 16, "system": "Linux 6", "python": "3.12", "torch": "2.15", "numpy": "2.4"}
    monkeypatch.setattr(examination, "describe_environment", lambda device, jobs: card)
    (tmp_path / "version").write_text(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  Sun Jul 27\nGCC 12.2.0"
    )
    monkeypatch.setattr(cuda_driver, "KERNEL_DRIVER", tmp_path / "version")

    facts = list(describe_machine(choose_device("--device", "cuda")))

    assert [found for name, found in facts if name == "GPU"] == [
        "cuda:0 (NVIDIA H200, 139.0 GiB, compute capability 9.0): can be used",
        "cuda:1 (Quadro P400, 2.0 GiB, compute capability 6.1): cannot be used, it has compute capability 6.1, "
        "need 7.0",
    ]
    assert ("driver", "580.65.06 supports CUDA 13.2") in facts
    assert ("device", "cuda") in facts
    assert any("not on cuda:1" in found for name, found in facts if name == "note")


@pytest.mark.slow
def test_a_fault_fails_the_command(monkeypatch, capsys, tmp_path):
    """Exit code 1, with what failed and what is taken instead."""
    reason = f"triton {FAILED}: a trial's bits differ"
    take_route(monkeypatch, name="functional", reason=reason)
    (tmp_path / "one.toml").write_text(
        'seed = 1\nrepetitions = 1\nbudget.trials = 1\ndevice = "cpu"\nobjectives.softmax = {}\n'
        'algorithms.random.searcher = "random"\n'
    )

    assert main(["doctor", str(tmp_path / "one.toml")]) == 1

    out = capsys.readouterr().out
    assert "softmax     functional: " in out
    assert f"not by a faster route: {reason}\n" in out
    assert out.endswith("1 objective has a problem on cpu; suites train by the routes named here\n")


@pytest.mark.slow
def test_a_missing_library_fails_nothing(monkeypatch):
    """It is named, and what is there is sound."""
    take_route(monkeypatch, reason="Triton is not installed")

    [examined] = examine_objectives({"softmax": OBJECTIVES["softmax"]()}, Machine())

    assert examined.problem is None
    assert examined.route.reason == "Triton is not installed"


@pytest.mark.slow
def test_what_cannot_be_looked_at_is_a_problem(monkeypatch):
    """Whatever an objective, a driver or a device raises is one line."""
    monkeypatch.setattr(examination, "measure_speed", lambda *arguments: 1 / 0)
    inside = Discretised(inner=OBJECTIVES["softmax"](), levels=4)

    [examined] = examine_objectives({"grid": inside}, Machine())

    assert examined.problem == "ZeroDivisionError: division by zero"


@pytest.mark.slow
def test_speeds_count_steps(monkeypatch):
    """Of an epoch's 75 minibatches, for every trial beside another; two epochs of a call a second are pretended."""
    monkeypatch.setattr(speed, "_epochs_a_second", lambda train: 2.0 * train())
    objective = OBJECTIVES["softmax"]()
    route = choose_route(objective, Machine())

    measured = measure_speed(objective, Machine(), replace(route, make=lambda capacity: route.make(3)))

    assert (measured.route, measured.reference) == (2 * 3 * 75, 2 * 75)
