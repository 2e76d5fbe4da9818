"""A toy suite that has run, to audit and to change."""

import shutil

import pytest

from tests.benchmark.verification.audits import run_suite, write_toy_suite


@pytest.fixture(scope="session")
def original(tmp_path_factory):
    """A toy suite that has run, with trials that were promoted, raised and diverged."""
    path = write_toy_suite(tmp_path_factory.mktemp("original"))
    run_suite(path)
    return path


@pytest.fixture
def recorded(original, tmp_path):
    """A copy of it to change."""
    shutil.copytree(original.parent, tmp_path, dirs_exist_ok=True)
    return tmp_path / original.name
