"""`python -m analysis power`: repetitions that an effect needs, from a pilot."""

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.commands import power as command
from analysis.statistics.power import search
from analysis.statistics.power import signed_rank as power

RNG = np.random.default_rng(1)
ERRORS = {label: 0.3 + RNG.normal(0, 0.02, 10) for label in ("random", "local", "gp")}


@pytest.fixture
def pilot(plant):
    """Ten repetitions of three algorithms on one objective."""
    suite = plant("pilot")
    suite.set(repetitions=10)
    for label, errors in ERRORS.items():
        if label != "random":
            suite.algorithm(label)
        for repetition, error in enumerate(errors):
            suite.run([(float(error), float(error), 1.0)], repetition, algorithm=label)
    return suite


@pytest.fixture
def run(tmp_path, capsys):
    """Runs the command; returns its exit code, what it printed and its errors."""

    def execute(*arguments):
        code = main(["power", *arguments, "--results", str(tmp_path / "results")])
        return code, *capsys.readouterr()

    return execute


def cells(text):
    """The rows of the printed table, split."""
    return [line.split() for line in text.splitlines()[1:] if line.startswith("bowl")]


def test_every_pair_is_planned(pilot, run):
    """sd, effect and repetitions are those of the functions behind; nothing is written."""
    before = sorted(pilot.folder.rglob("*"))
    code, text, error = run("pilot", "--effect", "0.01")
    assert (code, error) == (0, "")
    rows = cells(text)
    assert [row[1:3] for row in rows] == [["random", "local"], ["random", "gp"], ["local", "gp"]]
    sd = np.std(ERRORS["random"] - ERRORS["local"], ddof=1)
    assert rows[0][3:] == [
        "10",
        f"{sd:.4g}",
        f"{0.01 / sd:.3g}",
        str(power.repetitions(0.01 / sd)),
        str(power.repetitions(0.01 / power.largest_sd(sd, 10))),
        f"{power.detectable(10) * sd:.4g}",
    ]
    assert "Holm over the 3 pairs" in text
    assert sorted(pilot.folder.rglob("*")) == before


def test_choices_and_levels(pilot, run):
    """Pairs may be chosen by one or both labels; more power takes more repetitions."""
    assert len(cells(run("pilot", "--effect", "0.01", "--a", "gp")[1])) == 2
    [usual] = cells(run("pilot", "--effect", "0.01", "--a", "gp", "--b", "random", "--objective", "bowl")[1])
    [more] = cells(run("pilot", "--effect", "0.01", "--a", "gp", "--b", "random", "--power", "0.9")[1])
    [strict] = cells(run("pilot", "--effect", "0.01", "--a", "gp", "--b", "random", "--alpha", "0.005")[1])
    assert usual[1:3] == ["random", "gp"]
    assert int(usual[6]) < int(more[6])
    assert int(usual[6]) < int(strict[6])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--effect", "0"], "--effect 0: need a finite number > 0"),
        (["--effect", "-0.1"], "--effect -0.1: need a finite number > 0"),
        (["--effect", "nan"], "--effect nan: need a finite number > 0"),
        (["--effect", "much"], "invalid float value: 'much'"),
        ([], "--effect"),
        (["--effect", "0.1", "--power", "1"], "--power 1: need a number between --alpha 0.05 and 1"),
        (["--effect", "0.1", "--power", "0.05"], "--power 0.05: need"),
        (["--effect", "0.1", "--alpha", "0"], "--alpha 0: need a number between 0 and 1"),
        (["--effect", "0.1", "--a", "rndom"], 'did you mean "random"?'),
        (["--effect", "0.1", "--b", "lcal"], 'did you mean "local"?'),
        (["--effect", "0.1", "--a", "gp", "--b", "gp"], "--b gp: the same as --a"),
        (["--effect", "0.1", "--objective", "bwl"], 'did you mean "bowl"?'),
        (["--efect", "0.1", "--effect", "0.1"], "--effect"),
    ],
)
def test_bad_input_is_refused(pilot, run, arguments, message):
    """One message with the field, the value and what is allowed; exit code 2."""
    code, text, error = run("pilot", *arguments)
    assert (code, text) == (2, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


def test_unknown_suites_are_refused(pilot, run):
    """The nearest suite is named."""
    code, _, error = run("pilt", "--effect", "0.1")
    assert code == 2
    assert "pilot" in error


def test_too_few_common_repetitions_are_refused(plant, run):
    """A pilot of one repetition has no sd."""
    suite = plant("short")
    suite.algorithm("local")
    for label in ("random", "local"):
        suite.run([(0.2, 0.2, 1.0)], 0, algorithm=label)
    code, _, error = run("short", "--effect", "0.1")
    assert code == 2
    assert "need 2 repetitions" in error
    assert "at most 1" in error


def test_one_algorithm_is_refused(suite, run):
    """There is nothing to compare."""
    for repetition in (0, 1):
        suite.run([(0.2, 0.2, 1.0)], repetition)
    code, _, error = run("planted", "--effect", "0.1")
    assert code == 2
    assert "need 2 algorithms" in error


def test_failed_and_tied_pairs(pilot, run):
    """A failure leaves the sd undefined and says so; tied pairs need what the test needs at least."""
    (pilot.folder / "runs/bowl/gp/003.jsonl").unlink()
    pilot.run([], 3, algorithm="gp", state="failed")
    for repetition, error in enumerate(ERRORS["random"]):
        pilot.run([(float(error), float(error), 1.0)], repetition, algorithm="local")
    tied, failed, _ = cells(run("pilot", "--effect", "0.01")[1])
    assert tied[3:] == ["10", "0", "inf", "6", "6", "0"]
    assert failed[3:] == ["10", "-", "-", "-", "-", "-"]
    assert "2 of 3 pairs have a failed run" in run("pilot", "--effect", "0.01")[1]


def test_small_pilots_and_hopeless_effects(plant, run):
    """Two repetitions detect nothing, but plan; an effect of next to nothing has no number."""
    suite = plant("pair")
    suite.algorithm("local")
    for label in ("random", "local"):
        for repetition in (0, 1):
            suite.run([(float(ERRORS[label][repetition]),) * 2 + (1.0,)], repetition, algorithm=label)
    [row] = cells(run("pair", "--effect", "0.05")[1])
    assert row[3] == "2"
    assert row[-1] == "nothing"
    assert "> 1e+09" in run("pair", "--effect", "1e-9")[1]


def test_defaults_are_those_of_the_statistics():
    """The command repeats them so that --help is quick."""
    assert (command.ALPHA, command.POWER) == (search.ALPHA, search.POWER)
