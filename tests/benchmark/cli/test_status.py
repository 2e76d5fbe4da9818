"""`status`: how far a suite is, from a folder with nothing in it to one with damaged files."""

import shlex

import pytest

from benchmark.cli.main import main
from benchmark.errors import shell_command
from tests.benchmark.cli.tiny_suite import FAILING, RUN


def status(capsys, *arguments):
    """The lines that `status` prints."""
    capsys.readouterr()
    assert main(["status", "tiny.toml", *arguments]) == 0
    out, message = capsys.readouterr()
    assert message == ""
    return out.splitlines()


def counts(lines):
    """The table of a status: for each cell the number of runs in each state that has some."""
    states = lines[1].split()
    cells = [line.split() for line in lines[2:] if line.startswith("  ")]
    return {cell: {s: int(n) for s, n in zip(states, numbers, strict=True) if n != "0"} for cell, *numbers in cells}


def test_status_of_nothing(study, capsys):
    """With no results yet all runs are missing, the command to begin is given, nothing is written."""
    lines = status(capsys)

    assert lines[0] == "suite tiny in results/tiny: 0 of 4 runs done"
    assert counts(lines) == {"branin/random": {"missing": 2}, "branin/local": {"missing": 2}}
    assert lines[-1] == f"to go on: {shell_command('benchmark', 'run', 'tiny.toml')}"
    assert not (study / "results").exists()


def test_status_of_a_finished_suite(study, capsys):
    """All runs are done and no command is offered."""
    main([*RUN, "--quiet"])

    lines = status(capsys)

    assert lines[0] == "suite tiny in results/tiny: 4 of 4 runs done"
    assert counts(lines) == {"branin/random": {"done": 2}, "branin/local": {"done": 2}}
    assert not any(line.startswith("to go on") for line in lines)


def test_status_tells_every_state_apart(study, capsys):
    """Done, partial, failed, damaged and missing runs are counted, and the damaged ones named."""
    (study / "tiny.toml").write_text(FAILING)
    main([*RUN, "--quiet", "--set", "repetitions=1", "--set", "budget.trials=3"])
    done = study / "results/tiny/runs/branin/random/000.jsonl"
    ledger = done.read_bytes()
    done.with_name("001.jsonl.part").write_bytes(ledger[: len(ledger) // 2])
    local = study / "results/tiny/runs/branin/local/000.jsonl"
    local.write_bytes(local.read_bytes().replace(b'"ok"', b'"oh"', 1))

    lines = status(capsys, "--set", "budget.trials=3")

    assert counts(lines) == {
        "branin/random": {"done": 1, "partial": 1},
        "branin/local": {"damaged": 1, "missing": 1},
        "branin/bad": {"failed": 1, "missing": 1},
    }
    assert lines[0] == "suite tiny in results/tiny: 1 of 6 runs done"
    assert lines[-2].startswith("damaged: results/tiny/runs/branin/local/000.jsonl: line 2 (byte ")
    assert "benchmark repair SUITE" in lines[-2]
    assert lines[-1] == f"to go on: {shell_command('benchmark', 'run', 'tiny.toml', '--set', 'budget.trials=3')}"


@pytest.mark.parametrize("suffix", ["", ".part", ".failed"])
def test_status_survives_what_is_no_ledger(study, capsys, suffix):
    """A folder, or a file of anything, in a ledger's place is damage, not a traceback."""
    cell = study / "results/tiny/runs/branin/random"
    (cell / f"000.jsonl{suffix}").mkdir(parents=True)
    (cell / f"001.jsonl{suffix}").write_bytes(b"\xff\n")

    lines = status(capsys)

    assert counts(lines)["branin/random"] == {"damaged": 2}


def test_the_command_that_status_gives_goes_on(study, capsys):
    """What is printed can be run as it is, options with spaces included."""
    (study / "my results").mkdir()
    lines = status(capsys, "--results", "my results", "--set", "title=a b")
    command = shlex.split(lines[-1].removeprefix("to go on: "))
    assert command == [
        *shlex.split(shell_command("benchmark")),
        *["run", "tiny.toml", "--results", "my results", "--set", "title=a b"],
    ]

    assert main([*command[3:], "--jobs", "1", "--device", "cpu", "--quiet"]) == 0

    assert "4 of 4 runs done" in status(capsys, "--results", "my results")[0]
