"""A wheel of two tiny tables, installed as pip installs one."""

import pytest

from tests.benchmark.importers.toy_wheel import install_toy_wheel


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """The folder that the toy wheel is installed into."""
    return install_toy_wheel(tmp_path / "wheels" / "toy", monkeypatch)
