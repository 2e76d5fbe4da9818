"""Runs of several machines: refused unless asked for, told apart by what decides errors and seconds."""

import pytest

from analysis.__main__ import main
from analysis.loading.machines import devices, distinct
from analysis.loading.results import load
from benchmark.errors import BadInput

CPU = {"device": "cpu", "cpu": "one", "cores": 2, "torch": "2.15.0"}
GPU = CPU | {"device": "NVIDIA H100"}
OTHER_CPU = CPU | {"cpu": "another"}


@pytest.fixture
def recorded(suite):
    """A function that plants two runs recorded on the given machines."""

    def plant(first, second, clock="measured"):
        if clock == "modelled":
            suite.set(clock=clock, calibration={"name": "planted", "device": "none"})
        for repetition, card in enumerate((first, second)):
            suite.run([(0.5, 0.5, 1.0)], repetition, environment=card)
        return suite

    return plant


def test_one_machine_is_taken_as_it_is(recorded):
    """Runs of one machine load, whatever libraries each algorithm brought, and the card is told once."""
    libraries = {"libraries": {"optuna": "5.0.0"}}
    assert load(recorded(CPU, CPU | libraries).folder).environments == (CPU,)


@pytest.mark.parametrize(("other", "named"), [(GPU, "device NVIDIA H100"), (OTHER_CPU, "cpu another")])
def test_two_machines_are_refused_unless_asked(recorded, other, named):
    """Two devices, or under a measured clock two processors, are named and refused; --mixed takes them together."""
    folder = recorded(CPU, other).folder
    with pytest.raises(BadInput, match=r"recorded on 2 machines \(.*\).*--mixed") as refusal:
        load(folder)
    assert named in str(refusal.value)
    assert load(folder, mixed=True).environments == (CPU, other)


def test_modelled_seconds_do_not_depend_on_the_processor():
    """Under the modelled clock two processors are one machine, two devices are not."""
    assert devices([CPU, OTHER_CPU], "modelled") == ["device cpu"]
    assert devices([CPU, GPU], "modelled") == ["device cpu", "device NVIDIA H100"]
    assert devices([CPU, OTHER_CPU], "measured") == [
        "device cpu, cpu one, cores 2",
        "device cpu, cpu another, cores 2",
    ]


def test_cards_without_a_machine_say_nothing():
    """Ledgers from before cards had a device neither agree nor disagree with others."""
    assert distinct([{}, CPU, {}, CPU]) == [CPU]
    assert devices([{"torch": "2.9"}, CPU], "measured") == ["device cpu, cpu one, cores 2"]


def test_a_run_resumed_on_another_device_is_refused(suite, planted_evaluation, planted_ledger):
    """A machine card in the middle of a ledger counts as much as the header's."""
    suite.set(repetitions=1)
    path = suite.run([(0.5, 0.5, 1.0)], environment=CPU, state="partial")
    header = {"kind": "header", "format": 1, "run": {}, "data": {}, "environment": CPU, "created": "now"}
    resumed = {"kind": "resumed", "environment": GPU}
    path.write_bytes(planted_ledger([header, planted_evaluation(0, 0.5, 0.5, 1.0), resumed]))
    with pytest.raises(BadInput, match="2 machines"):
        load(suite.folder)


def test_the_command_line_refuses_and_takes_mixed_runs(recorded, capsys):
    """Exit code 2 and nothing written without --mixed; with it a note tells of both machines."""
    suite = recorded(CPU, GPU)
    arguments = ["tables", suite.folder.name, "--results", str(suite.folder.parent)]
    assert main(arguments) == 2
    assert "2 machines" in capsys.readouterr().err
    assert not (suite.folder / "tables").exists()
    assert main([*arguments, "--mixed"]) == 0
    assert "note: runs of 2 machines are taken together: " in capsys.readouterr().out
