"""The command to go on, as an interrupted command gives it."""

import shlex

import pytest

from benchmark.cli.main import main
from objectives import OBJECTIVES
from tests.benchmark.cli.tiny_suite import RUN
from tests.benchmark.fakes.stacked_toy import invented_calibration


def interrupted_at(capsys, monkeypatch, *arguments):
    """The words of the command to go on, after a command was interrupted."""

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.driver.runner.Runner.run", interrupted)
    capsys.readouterr()
    assert main(list(arguments)) == 130
    return shlex.split(capsys.readouterr().err.partition("-m benchmark ")[2])


@pytest.mark.parametrize(
    "words",
    [
        [*RUN, "--allow-mixed", "--quiet"],
        [*["replay", "tiny.toml", "--tables", "my tables", "--miss", "train", "--recycle"], "--set", "title=a b"],
        ["reprice", "tiny.toml", "--calibration", "prices.toml", "--set", "budget.trials=3"],
    ],
    ids=lambda words: words[0],
)
def test_the_command_to_go_on_is_the_one_that_was_given(study, capsys, monkeypatch, words):
    """Options, flags and texts with spaces are all in it, so that it goes on as it began."""
    (study / "my tables").mkdir()
    (study / "prices.toml").write_text(invented_calibration({"softmax": OBJECTIVES["softmax"]()}).to_toml())
    (study / "results/tiny/runs").mkdir(parents=True)

    assert interrupted_at(capsys, monkeypatch, *words) == words
