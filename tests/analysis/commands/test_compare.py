"""`python -m analysis compare`: exit codes, text, JSON and Markdown."""

from __future__ import annotations

import json

import pytest

from analysis.__main__ import main

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.

ERRORS = [0.30, 0.31, 0.29, 0.32, 0.28, 0.33, 0.27, 0.30]
WOBBLE = [0.001, -0.001, 0.002, -0.002, 0.001, 0.0, -0.001, 0.0]


@pytest.fixture
def results(plant, tmp_path):
    """Suites of 8 repetitions: old, the same again, one worse by 0.05, and a noisy one."""
    shifts = {
        "old": [0.0] * 8,
        "same": [0.0] * 8,
        "worse": [0.05 + wobble for wobble in WOBBLE],
        "noisy": [60 * wobble for wobble in WOBBLE],
    }
    for name, shift in shifts.items():
        suite = plant(name)
        suite.set(repetitions=8)
        for place, (error, more) in enumerate(zip(ERRORS, shift, strict=True)):
            suite.run([(error + more, error + more, 1.0)], place)
    return tmp_path / "results"


@pytest.fixture
def run(results, capsys):
    """Runs the command; returns its exit code, what it printed and its errors."""

    def execute(*arguments):
        code = main(["compare", *arguments, "--results", str(results)])
        return code, *capsys.readouterr()

    return execute


def test_exit_codes(run):
    """0 without a regression, 1 with one, 3 for what is not decided if asked for."""
    assert run("old", "same")[0] == 0
    assert run("old", "worse")[0] == 1
    assert run("worse", "old")[0] == 0
    assert run("old", "noisy")[0] == 0
    assert run("old", "noisy", "--strict")[0] == 3
    assert run("old", "worse", "--strict")[0] == 1


def test_the_margin_decides(run):
    """The same change is within a larger margin."""
    assert run("old", "worse", "--margin", "0.06")[0] == 0
    assert run("old", "worse", "--margin", "0.04")[0] == 1
    assert run("old", "worse", "--margin-sd", "5")[0] == 0
    assert run("old", "worse", "--margin-share", "0.1")[0] == 0


def test_lost_runs_are_not_decided(run, results):
    """With --strict, a run of OLD without a partner in NEW is not passed over, and always it is named."""
    (results / "same" / "runs" / "bowl" / "random" / "003.jsonl").unlink()
    code, text, _ = run("old", "same")
    assert code == 0
    assert "note: 1 of 8 runs not compared:" in text
    assert "note: bowl/random: 1 (003): missing in NEW" in text
    assert run("old", "same", "--strict")[0] == 3


def test_text_says_what_was_found(run):
    """A row a cell with verdict, interval, margin and k of n; the verdict of all comes last."""
    _, text, _ = run("old", "worse")
    [row] = [line for line in text.splitlines() if line.startswith("bowl")]
    assert "regression" in row
    assert "+0.0500 [" in row
    assert "0.009" in row
    assert "8 of 8" in row
    assert text.splitlines()[-1] == "verdict: regression"
    _, text, _ = run("old", "noisy")
    assert "repetitions would decide it" in text


def test_json_is_plain_and_whole(run):
    """Everything is there for a program, and no NaN."""
    _, text, _ = run("old", "same", "--json")
    content = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert content["verdict"] == "identical"
    assert content["margin"] == {"kind": "share", "value": 0.01}
    [cell] = content["cells"]
    assert (cell["n"], cell["n_identical"], cell["needed"]) == (8, 8, None)


def test_markdown_is_written(run, tmp_path):
    """A heading with the verdict and a table of as many cells in every row."""
    file = tmp_path / "verdict.md"
    run("old", "worse", "--markdown", str(file))
    lines = file.read_text().splitlines()
    assert lines[0] == "### Regression"
    table = [line for line in lines if line.startswith("|")]
    assert len(table) == 3
    assert len({line.count("|") for line in table}) == 1


@pytest.mark.parametrize("new", ["same", "worse", "noisy"])
@pytest.mark.slow
def test_the_figure_is_drawn(run, tmp_path, new):
    """A picture of every verdict, the same to the byte when drawn again, with each cell's verdict in it."""
    pictures = [tmp_path / "first.svg", tmp_path / "second.svg"]
    for picture in pictures:
        run("old", new, "--figure", str(picture))
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    assert run("old", new, "--figure", str(tmp_path / "a.png"))[2] == ""
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_suites_may_be_given_by_folder(run, results, monkeypatch):
    """A folder elsewhere is as good as a name; a name in the results comes first."""
    monkeypatch.chdir(results)
    code, text, _ = run(str(results / "old"), "same")
    assert code == 0
    assert "identical" in text


def test_the_same_text_twice(run):
    """Nothing printed depends on chance."""
    assert run("old", "noisy", "--json") == run("old", "noisy", "--json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("old", "sane"), 'there are noisy, old, same, worse (did you mean "same"?)'),
        (("old", "same", "--margin", "0"), "--margin '0': need a number > 0"),
        (("old", "same", "--margin-sd", "x"), "--margin-sd 'x': need a number > 0"),
        (("old", "same", "--margin", "inf"), "--margin 'inf': need a number > 0"),
        (("old", "same", "--margin", "1", "--margin-sd", "1"), "--margin-sd: not allowed with argument --margin"),
        (("old", "same", "--endpoint", "test"), "--endpoint 'test': need one of test_error, valid_error, score"),
        (("old", "same", "--markdown", "{results}"), "--markdown {results}: a folder is where a file must be"),
        (("old", "same", "--markdown", "{results}/no/a.md"), "there is no folder {results}/no"),
        (("old", "same", "--figure", "verdict.gif"), "--figure verdict.gif: need a name that ends in .png, .svg, .pdf"),
        (("old",), "the following arguments are required: NEW"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(run, results, arguments, message):
    """One message naming field, value and what is allowed; exit code 2 and nothing printed."""
    code, text, error = run(*(argument.format(results=results) for argument in arguments))
    assert (code, text) == (2, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message.format(results=results) in error
