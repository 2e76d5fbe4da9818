"""A folder with a tiny suite."""

import pytest

from tests.benchmark.cli.tiny_suite import TINY


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A working folder with a tiny suite in it."""
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INCUMBENT_DATA", raising=False)
    return tmp_path
