"""A folder with a good suite, and the check that a command is refused in good order."""

import pytest

from benchmark.cli.main import main
from tests.benchmark.refusals.good import toml, tree


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder with a good suite in it, and no settings from outside."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "good.toml").write_text(toml({}))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("INCUMBENT_DATA", raising=False)
    return folder


@pytest.fixture
def refused(here, capsys):
    """A function that runs a command which must be refused in good order, and gives its message."""

    def check(arguments, *fragments):
        before = tree(here.parent)
        capsys.readouterr()

        code = main(arguments)

        out, message = capsys.readouterr()
        assert code == 2, (out, message)
        assert message.startswith("error: "), message
        assert message.count("error: ") == 1, message
        assert len(message.splitlines()) <= 3
        assert len(message) < 2500
        assert "Traceback" not in message
        assert out == ""
        for fragment in fragments:
            assert fragment in message
        assert tree(here.parent) == before, "something was written"

    return check
