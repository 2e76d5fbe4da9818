"""Third-party objectives that give, raise or do what they should not: recorded, and no other trial knows of it."""

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.cli.main import main
from benchmark.reproducibility.process_state import SETTINGS
from tests.benchmark.fakes.hostile import RAISES, RETURNED_ERRORS, SIDE_EFFECTS

MODULE = "tests.benchmark.fakes.hostile:"
TRIALS = 2


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A function that runs one suite of third-party objectives in this process and gives their evaluations."""
    monkeypatch.chdir(tmp_path)

    def run(*objectives):
        head = f'seed = 1\nbudget = {{ trials = {TRIALS} }}\nalgorithms = {{ plain = {{ searcher = "random" }} }}\n'
        tables = [f'[objectives.o{place}]\nname = "{MODULE}{text}\n' for place, text in enumerate(objectives)]
        (tmp_path / "s.toml").write_text(head + "".join(tables))
        before = settings()
        code = main(["run", "s.toml", "--jobs", "1", "--device", "cpu", "--quiet"])
        assert settings() == before
        paths = [tmp_path / f"results/s/runs/o{place}/plain/000.jsonl" for place in range(len(objectives))]
        found = [evaluations(path) for path in paths]
        assert code == int(any(all(record["state"] != "ok" for record in records) for records in found))
        return found

    return run


def settings():
    """The process's settings; of the environment only what hostile objectives change, since libraries add to it."""
    found = {name: setting.read() for name, setting in SETTINGS.items()}
    return {**found, "environment": [os.environ.get(name) for name in ("INCUMBENT_DATA", "OMP_NUM_THREADS")]}


def evaluations(path):
    return [record for record in map(json.loads, path.read_text().splitlines()) if record["kind"] == "evaluation"]


def curves(records):
    return [(record["state"], record["valid_curve"], record["test_curve"]) for record in records]


def test_what_an_objective_raises_stays_in_its_record(run):
    """Every trial of it ends as an error, in words; the run and all others go on."""
    found = run(*(f'Hostile"\nraises = "{name}"' for name in RAISES))
    for name, records in zip(RAISES, found, strict=True):
        assert [record["state"] for record in records] == ["error"] * TRIALS, name
        assert all(name.removeprefix("surrogate") in record["problem"] for record in records)
        assert all(record["valid_error"] is None for record in records)


STATES = dict.fromkeys(("nan", "inf", "-inf"), "diverged") | dict.fromkeys(("np.float32", "tensor", "int"), "ok")


def test_what_an_objective_gives_is_a_number_or_an_error(run):
    """Texts, lists, complex and endless numbers are errors, NaN and infinity divergence; what is a number counts."""
    found = run(*(f'Hostile"\ngives = "{name}"' for name in RETURNED_ERRORS))
    for name, records in zip(RETURNED_ERRORS, found, strict=True):
        assert [record["state"] for record in records] == [STATES.get(name, "error")] * TRIALS, name
        for record in records:
            assert all(type(error) is float for error in record["valid_curve"]), name
            assert record["valid_error"] is None or 0 <= record["valid_error"] <= 1


def test_what_an_objective_does_to_the_process_changes_no_other_trial(run, capfd):
    """Neighbours' curves are those beside a harmless objective, to the bit, and its own are what it computed."""
    expected = run(*['Hostile"', 'Bystander"'] * len(SIDE_EFFECTS))
    Path("results").rename("before")
    found = run(*(text for does in SIDE_EFFECTS for text in (f'Hostile"\ndoes = "{does}"', 'Bystander"')))
    for number, does in enumerate(SIDE_EFFECTS):
        hostile, after = found[2 * number : 2 * number + 2]
        assert curves(after) == curves(expected[2 * number + 1]), does
        assert [record["state"] for record in after] == ["ok"] * TRIALS, does
        assert curves(hostile) == curves(expected[2 * number]), does


def test_hostile_objectives_have_the_side_effects_that_they_name(one_thread):
    """Each of them changes a setting or prints: a test of the tests."""
    for name, change in SIDE_EFFECTS.items():
        state = np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 (put back)
        stdout, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115, PTH123
        stderr, sys.stderr = sys.stderr, sys.stdout
        before = {name: setting.read() for name, setting in SETTINGS.items()}
        try:
            change()
            after = {name: setting.read() for name, setting in SETTINGS.items()}
        finally:
            for setting, value in before.items():
                SETTINGS[setting].write(value)
            sys.stdout.close()
            sys.stdout, sys.stderr = stdout, stderr
            np.random.set_state(state[0])  # noqa: NPY002 (put back)
            torch.set_rng_state(state[1])
        assert (after != before) == (name not in ("nothing", "prints", "generators")), name
    assert signal.getsignal(signal.SIGINT) is not signal.SIG_IGN
