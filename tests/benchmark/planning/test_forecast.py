"""The command `plan`: every run with its shard and its price; what it cannot plan is refused."""

import pytest

from benchmark.cli.main import main
from benchmark.planning.shard import split_runs
from objectives.space import Space


@pytest.mark.parametrize("sound", [0, 10])
def test_an_objective_that_cannot_be_priced_is_named(here, capsys, monkeypatch, sound):
    """Whatever a third party's space or costs raise, at once or later, is one message with the objective's label."""
    calls, sample = [], Space.sample

    def broken(space, rng):
        calls.append(space)
        if len(calls) > sound:
            raise ArithmeticError("no such value")
        return sample(space, rng)

    monkeypatch.setattr("objectives.space.Space.sample", broken)

    assert main(["plan", "tiny.toml"]) == 2

    problem = "objectives.branin: cannot be priced (ArithmeticError: no such value)"
    assert len(calls) == sound + 1
    assert capsys.readouterr().err == f"error: {problem}\n"


def test_the_plan_lists_every_run_with_its_shard_and_price(here, suite, capsys):
    """A line for every run, in the suite's order, and the sums; an epoch of these functions costs a second."""
    assert main(["plan", "tiny.toml", "--shards", "4"]) == 0

    head, *lines, total, shards = capsys.readouterr().out.splitlines()
    assert head.split() == ["shard", "seconds", "run"]
    expected = [
        [f"{number}/4", "12", str(run.path)]
        for number, share in enumerate(split_runs(suite, 4), start=1)
        for run in share
    ]
    assert [line.split() for line in lines] == expected
    assert total.startswith("suite tiny: 18 runs, about 216 s of training, priced by epyc")
    assert shards.startswith("4 shards of 4 to 5 runs, 48 to 60 s each; 2 repetitions of an objective are cut")
    assert not (here / "results").exists()


@pytest.mark.parametrize(
    ("settings", "seconds"),
    [
        (["budget={trials=3}"], "12"),
        (["budget={evaluations=2}"], "8"),
        (["budget={runtime=7}"], "7"),
        (["budget={runtime=7}", "n_workers=3"], "21"),
        (["budget={trials=3, epochs=6}"], "6"),
        (['clock="measured"'], "12"),
    ],
)
def test_the_first_limit_of_the_budget_decides_the_price(here, capsys, settings, seconds):
    """Trials count as full trainings, epochs as themselves, and workers spend a runtime side by side."""
    options = [word for setting in settings for word in ("--set", setting)]

    assert main(["plan", "tiny.toml", *options]) == 0

    lines = capsys.readouterr().out.splitlines()[1:-1]
    assert {line.split()[1] for line in lines} == {seconds}


def test_without_prices_the_plan_says_so(here, capsys):
    """A network nobody calibrated has no price, and neither has the sum."""
    (here / "tiny.toml").write_text(
        'budget.trials = 2\nalgorithms.r.searcher = "random"\n'
        'objectives.d.name = "tests.benchmark.fakes.crashing:Crashing"\n'
    )

    assert main(["plan", "tiny.toml"]) == 0

    out = capsys.readouterr().out
    assert "?  runs/d/r/000.jsonl" in out
    assert "1 runs; name a calibration" in out


@pytest.mark.parametrize(
    ("options", "expected_text"),
    [
        *(
            (["--slurm", f"--time={text}"], "--time '")
            for text in ("", "0", "0:00", "1h", "-5", "1:2", "1:00\n#", "1.5")
        ),
        (["--slurm", "--gpus", "-1"], "--gpus '-1'"),
        (["--slurm", "--gpus", "x"], "--gpus 'x'"),
        (["--slurm", "--cpus", "0"], "--cpus '0'"),
        (["--slurm", "--shards", "0"], "--shards '0'"),
        (["--slurm", "--shards", "19"], "--shards 19: the suite tiny has 18 runs"),
        (["--shards", "1.5"], "--shards '1.5'"),
        (["--shards=-1"], "--shards '-1'"),
        (["--time", "10"], "give --slurm"),
        (["--gpus", "1"], "give --slurm"),
        (["--slurm", "--data", "nowhere"], "--data 'nowhere'"),
        (["--slurm", "--results", ""], "--results ''"),
        (["--slurm", "--results", "a\nEND_OF_SHARD\nrm -rf b"], "line break"),
        (["--slurm", "--set", 'title="a\\nb"', "--set", "title='''\nEND_OF_MERGE'''"], "line break"),
        (["--slurm", "--set", "seed=-1"], "seed = -1"),
        (["--slurm", "--set", 'algorithms.random.searcher="randm"'], 'did you mean "random"'),
    ],
)
def test_bad_plans_are_refused(here, capsys, options, expected_text):
    """Exit code 2 and one line that names the field; no half script on stdout, and nothing written."""
    assert main(["plan", "tiny.toml", *options]) == 2

    out, message = capsys.readouterr()
    assert out == ""
    assert expected_text in message
    assert message.count("\n") == 1
    assert [path.name for path in here.iterdir()] == ["tiny.toml"]
