"""A toy field, made once."""

import os

import pytest

from tests.benchmark.arena.toy_arena import make_field


@pytest.fixture(scope="session")
def field_folder(tmp_path_factory):
    """A folder with a toy suite, its results and its field."""
    folder, before = tmp_path_factory.mktemp("arena"), os.getcwd()  # noqa: PTH109
    os.chdir(folder)
    try:
        make_field(folder)
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def toy(field_folder, monkeypatch):
    """The toy field's folder as the working folder; what a test enters stays there."""
    monkeypatch.chdir(field_folder)
    monkeypatch.syspath_prepend(str(field_folder))
    return field_folder
