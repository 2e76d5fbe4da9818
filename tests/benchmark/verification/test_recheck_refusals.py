"""Rechecks that are refused, with nothing written."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli.main import main
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.reproducibility.seeding import recheck_seed
from benchmark.suite import parsing as suites
from benchmark.verification import recheck as rechecks
from benchmark.verification.recheck import FILE, prepare_recheck
from objectives.objective import Machine
from objectives.space import FIDELITY
from tests.benchmark.commands import write_suite
from tests.benchmark.fakes.stacked_toy import suite
from tests.benchmark.verification.rechecks import (
    read_lists,
    recheck_outcome,
    run_and_recheck,
    run_command,
    write_toy_suite,
)


@pytest.fixture
def refused(tmp_path, capsys):
    """A function that rechecks a suite, which must be refused with nothing written."""

    def check(path, *fragments, fresh="2", settings=()):
        def tree():
            return {name: name.lstat().st_mtime_ns for name in sorted(tmp_path.rglob("*"))}

        before = tree()
        arguments = ["recheck", str(path), "--results", str(tmp_path), "--jobs", "1", "--device", "cpu"]
        code = main([*arguments, "--fresh", fresh, *settings])
        out, message = capsys.readouterr()
        assert (code, out) == (2, "")
        assert message.startswith("error: ")
        assert len(message.splitlines()) == 1
        for fragment in fragments:
            assert fragment in message
        assert tree() == before, "something was written"

    return check


def test_no_results_are_refused(tmp_path, refused):
    """There is nothing to recheck before the suite has run."""
    refused(write_toy_suite(tmp_path), f"{tmp_path / 'tiny'}: nothing is recorded there; run the suite tiny first")


def test_nothing_finished_is_refused(tmp_path, refused):
    """Runs that were only begun have no final incumbent."""
    path = write_toy_suite(tmp_path)
    for ledger in run_command(path, tmp_path).glob("runs/*/*/*.jsonl"):
        ledger.rename(ledger.with_name(ledger.name + ".part"))

    refused(path, "no run is finished there")


def test_runs_without_an_incumbent_are_refused(tmp_path, refused, capsys):
    """Where every evaluation crashed nothing was selected."""
    text = suite(1, "raising = 1").split("algorithms.random")[0]
    scripts = (
        'algorithms.a.scheduler = { name = "tests.benchmark.fakes.stacked_toy:Script", steps = [[3, 3], [8, 4]] }\n'
    )
    path = write_suite(tmp_path, text + scripts) / "tiny.toml"
    run_command(path, tmp_path, exit_code=1)
    capsys.readouterr()

    refused(path, "none of the 1 finished runs has an incumbent, every evaluation crashed")


@pytest.mark.parametrize("fresh", ["0", "-1", "1.5", "many", "1001", ""])
def test_a_bad_number_of_seeds_is_refused(tmp_path, refused, fresh):
    """At least one seed, and a whole number of them."""
    path = write_toy_suite(tmp_path)
    run_command(path, tmp_path)

    refused(path, f"--fresh {fresh!r}: need a whole number in 1..1000", fresh=fresh)


def test_a_changed_suite_is_refused(tmp_path, refused):
    """What was selected under a larger budget or in another space is not its; under a smaller one it goes on first."""
    path = write_toy_suite(tmp_path)
    run_command(path, tmp_path)

    refused(path, "budget.evaluations was 6 and is now 5", settings=["--set", "budget.evaluations=5"])
    refused(path, "no run is finished there; run the suite", settings=["--set", "budget.evaluations=7"])
    refused(path, "options.choices was 12 and is now 9", settings=["--set", "objectives.toy.choices=9"])
    refused(path, "suite_seed was 3 and is now 4", settings=["--set", "seed=4"])


def test_another_machine_is_refused_unless_asked(tmp_path, refused, monkeypatch):
    """Errors of two library versions are compared only on demand."""
    path = write_toy_suite(tmp_path)
    folder = run_command(path, tmp_path)
    described = rechecks.describe_environment
    monkeypatch.setattr(rechecks, "describe_environment", lambda *given: {**described(*given), "numpy": "0.1"})

    refused(path, "recorded on another machine or library version: numpy was")

    arguments = ["--results", str(tmp_path), "--jobs", "1", "--fresh", "1", "--quiet", "--allow-mixed"]
    assert main(["recheck", str(path), *arguments]) == 0
    assert len(read_lists(folder)["incumbents"]) == 9


DAMAGE = {
    "cut": lambda text: text[: len(text) // 2],
    "other format": lambda text: text.replace('"format": 1', '"format": 2'),
    "no lists": lambda text: text.replace('"lists"', '"lots"'),
    "other suite": lambda text: text.replace('"suite": "tiny"', '"suite": "teeny"'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused(tmp_path, refused, damage):
    """Lists that cannot be read are not guessed at."""
    path = write_toy_suite(tmp_path)
    file = run_and_recheck(path, tmp_path, 1) / "recheck" / FILE
    file.write_text(DAMAGE[damage](file.read_text()))

    refused(path, str(file))


def test_changed_lists_are_refused(tmp_path, refused):
    """A list that its ledgers do not bear out is another recheck's."""
    path = write_toy_suite(tmp_path)
    file = run_and_recheck(path, tmp_path, 1) / "recheck" / FILE
    lists = json.loads(file.read_text())
    lists["lists"]["toy"][0].reverse()
    file.write_text(json.dumps(lists))

    refused(path, "recorded with another suite", "algorithm.scheduler.options.trials")


def test_a_disk_that_refuses_the_lists_is_reported(tmp_path, capsys, monkeypatch):
    """The file's path and the system's reason; the lists of before are there."""
    folder = run_and_recheck(write_toy_suite(tmp_path), tmp_path, 1)
    before = recheck_outcome(folder)
    path, replace = folder / "recheck" / FILE, Path.replace
    capsys.readouterr()

    def full(self, target):
        if target == path:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    arguments = ["recheck", str(tmp_path / "tiny.toml"), "--results", str(tmp_path), "--jobs", "1", "--fresh", "2"]

    assert main([*arguments, "--device", "cpu", "--quiet"]) == 2
    assert capsys.readouterr().err == f"error: {path}: cannot be written (No space left on device)\n"
    assert recheck_outcome(folder) == before


def test_a_file_changed_meanwhile_is_refused(tmp_path):
    """Between reading the file and writing it another process may have been here."""
    folder = run_and_recheck(write_toy_suite(tmp_path), tmp_path, 1)
    suite, machine = suites.load(str(tmp_path / "tiny.toml")), Machine()
    recheck = prepare_recheck(suite, folder, 2, machine, allow_mixed=False)
    run_command(tmp_path / "tiny.toml", tmp_path, "recheck", fresh=3)
    before = recheck_outcome(folder)

    runner = Runner(recheck, folder, jobs=1, machine=machine, listener=Quiet(), write=recheck.write)
    with pytest.raises(rechecks.RunRefused, match="another process has changed it meanwhile"):
        runner.run()

    assert recheck_outcome(folder) == before


def test_stopped_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    """Ctrl-C prints the command line that goes on with the recheck."""
    path = write_toy_suite(tmp_path)
    run_command(path, tmp_path)

    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Runner, "run", interrupt)
    arguments = ["recheck", str(path), "--results", str(tmp_path), "--fresh", "3", "--device", "cpu"]

    assert main(arguments) == 130

    assert f"recheck {path} --results {tmp_path} --fresh 3 --device cpu" in capsys.readouterr().err


def test_every_list_can_be_read_as_a_suite(tmp_path):
    """Trials of a list carry their fidelity as every configuration may."""
    folder = run_and_recheck(write_toy_suite(tmp_path), tmp_path, 1)
    suite = suites.load(str(tmp_path / "tiny.toml"))

    recheck = prepare_recheck(suite, folder, 1, Machine(), allow_mixed=False)

    assert [run.path for run in recheck.runs()] == [Path("runs/toy/list-000/000.jsonl")]
    assert all(FIDELITY in trial for [trials] in recheck.lists.values() for trial in trials)
    assert (recheck.seed, recheck.n_workers) == (recheck_seed(3), 1)
    assert np.isfinite(recheck.incumbents[0].valid_error)
