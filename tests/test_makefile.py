"""The Makefile hands names to the commands as they were given, whatever a shell or make would make of them."""

import os
import shlex
import subprocess

import pytest

from tests import ROOT

NAMES = (
    "my dir/x.toml",
    'it\'s "so".toml',
    "a$b$(c)`d`.toml",
    "a;b&c|d>e.toml",
    "a#b,c%d(e).toml",
    "-x.toml",
    "über.toml",
)


def commands(target, given, variables):
    """The words of the commands of ours that a target would start, its variables on the command line or around it."""
    environment = {name: value for name, value in os.environ.items() if name not in ("SUITE", "RESULTS", "JOBS")}
    words = [f"{name}={value}" for name, value in variables.items()] if given == "on the command line" else []
    done = subprocess.run(
        ["make", "-n", target, *words],
        cwd=ROOT,
        env=environment if words else {**environment, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in done.stdout.splitlines() if "-m benchmark" in line or "-m analysis" in line]
    return [shlex.split(line)[3:] for line in lines]


@pytest.mark.parametrize("given", ["on the command line", "in the environment"])
@pytest.mark.parametrize("name", NAMES)
def test_names_arrive_as_they_were_given(name, given):
    """Spaces, quotes, dollar signs and what else a shell knows are part of a name."""
    variables = {"SUITE": name, "RESULTS": f"of {name}", "JOBS": "2"}
    results = ["--results", f"of {name}"]

    assert commands("bench", given, variables) == [
        ["run", name, *results, "--jobs", "2"],
        ["plots", name, *results],
    ]


@pytest.mark.parametrize(
    ("target", "verbs"), [("plots", ["plots"]), ("report", ["plots", "report"]), ("status", ["status"])]
)
def test_every_target_takes_a_path(target, verbs):
    """What runs and what reads are given the same words."""
    started = commands(target, "on the command line", {"SUITE": "my dir/x.toml", "RESULTS": "of $it"})

    assert [words[0] for words in started] == verbs
    assert all(words[1:4] == ["my dir/x.toml", "--results", "of $it"] for words in started)


def test_the_defaults_are_the_shipped_suite():
    """Without variables `make bench` runs digits into results."""
    assert commands("bench", "in the environment", {}) == [
        ["run", "digits", "--results", "results"],
        ["plots", "digits", "--results", "results"],
    ]


@pytest.mark.parametrize("command", ["first", "second"])
def test_a_session_on_a_gpu_needs_no_virtual_environment(command):
    """One command of the machine's own Python, whatever its folders are called."""
    words = ["make", "-n", f"gpu-{command}", "PYTHON=python3.12", "OUT=of $it", "CARRIED=my dir"]
    outside = {name: value for name, value in os.environ.items() if name not in ("MAKELEVEL", "MAKEFLAGS", "MFLAGS")}
    done = subprocess.run(words, cwd=ROOT, env=outside, capture_output=True, text=True, check=True)

    started = ["python3.12", "-m", "tests.perf.gpu", "session", command, "--carried", "my dir", "--out", "of $it"]
    assert [shlex.split(line) for line in done.stdout.splitlines()] == [started]


def test_help_shows_the_variables(tmp_path):
    """What they hold is shown, not executed."""
    name = f"$(touch {tmp_path}/planted)`touch {tmp_path}/planted`"

    done = subprocess.run(["make", "help", f"SUITE={name}"], cwd=ROOT, capture_output=True, text=True, check=True)

    assert f"SUITE={name} JOBS=all cores" in done.stdout
    assert not (tmp_path / "planted").exists()
