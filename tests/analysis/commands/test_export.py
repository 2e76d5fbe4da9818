"""`python -m analysis export`: where it writes, what it replaces, what it refuses."""

from __future__ import annotations

import sys

import pytest

from analysis.__main__ import main
from analysis.commands.export import ABOUT, FORMATS


@pytest.fixture
def run(suite, capsys):
    """Runs the command on a small planted suite; returns its exit code, what it printed and its errors."""
    for repetition in range(2):
        suite.run([(0.3, 0.4, 1.0), (0.2, 0.25, 2.0)], repetition)

    def execute(*arguments):
        code = main(["export", suite.folder.name, *arguments, "--results", str(suite.folder.parent)])
        return code, *capsys.readouterr()

    return execute


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_written(run, suite, form):
    """Each goes to a folder of its name with a page that says what it is, and leaves no draft behind."""
    code, text, _ = run("--to", form)
    folder = suite.folder / "exports" / form
    assert code == 0
    assert text.startswith(f"wrote {folder}\n")
    assert (folder / ABOUT).read_text().startswith(f'{form} export of the suite "planted"\n')
    assert len(list(folder.iterdir())) > 1
    assert [path.name for path in folder.parent.iterdir()] == [form]


@pytest.mark.parametrize("form", FORMATS)
def test_unfinished_suites_are_exported(plant, capsys, form):
    """One repetition, one algorithm, and runs that are partial, failed and missing: every format has an answer."""
    suite = plant("unfinished")
    suite.set(repetitions=4)
    suite.run([(0.3, 0.4, 1.0)], 0, state="partial")
    suite.run([(None, None, 1.0)], 1, state="done")
    suite.run([], 2, state="failed")
    assert main(["export", "unfinished", "--to", form, "--results", str(suite.folder.parent)]) == 0
    assert (suite.folder / "exports" / form / ABOUT).is_file()
    capsys.readouterr()


def test_an_export_takes_the_place_of_the_last(run, suite):
    """Made again it is replaced as a whole, so that nothing of the last one is left."""
    run("--to", "ioh")
    stale = suite.folder / "exports" / "ioh" / "stale.txt"
    stale.write_text("from the last one")
    assert run("--to", "ioh", "--quiet") == (0, "", "")
    assert not stale.exists()


def test_other_files_are_not_replaced(run, tmp_path):
    """A folder with files that are no export is left alone."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.tex").write_text("precious")
    code, _, error = run("--to", "ioh", "--out", str(folder))
    assert code == 2
    assert "holds files that are no export" in error
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]


def test_a_failed_export_leaves_the_last_one(run, suite, monkeypatch):
    """What breaks while writing takes nothing away and leaves no draft."""
    run("--to", "ioh")
    from analysis.exports import ioh

    def broken(study, folder):
        (folder / "half").write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ioh, "write", broken)
    code, _, error = run("--to", "ioh")
    assert (code, "No space left on device" in error) == (2, True)
    assert (suite.folder / "exports" / "ioh" / "random").is_dir()
    assert [path.name for path in (suite.folder / "exports").iterdir()] == ["ioh"]


@pytest.mark.parametrize(("form", "library"), [("optuna", "optuna"), ("parquet", "pyarrow")])
def test_a_library_that_is_not_there_is_named(run, suite, monkeypatch, form, library):
    """Without its library a format is refused with what to install, before anything is written."""
    monkeypatch.setitem(sys.modules, library, None)
    code, text, error = run("--to", form)
    assert (code, text) == (2, "")
    assert error == f"error: {library} is not installed: pip install '.[report]'\n"
    assert not (suite.folder / "exports").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--to", "optna"), 'ioh, parquet, latex, markdown (did you mean "optuna"?)'),
        ((), "the following arguments are required: --to"),
        (("--to", "ioh", "--out", "{folder}"), "the suite itself is there"),
        (("--to", "ioh", "--out", "{folder}/suite.json"), "a file is where a folder must be"),
    ],
)  # fmt: skip
def test_bad_input_is_refused(run, suite, arguments, message):
    """One message, exit code 2, and the suite is as it was."""
    before = sorted(suite.folder.rglob("*"))
    code, text, error = run(*(argument.format(folder=suite.folder) for argument in arguments))
    assert (code, text) == (2, "")
    assert message in error
    assert sorted(suite.folder.rglob("*")) == before
