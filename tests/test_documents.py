"""The documents: what they point at is there."""

import re

import pytest

from tests import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = {"A": "analysis", "B": "benchmark", "O": "objectives"}
"""Abbreviations of docs/bad-input.md."""


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document):
    """Relative links and pictures exist."""
    for target in re.findall(r"\]\(([^)#]+)\)", document.read_text()):
        if "://" not in target:
            assert (document.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_file_of_tests_that_a_command_runs_is_there(document):
    """`tests/...py` in commands."""
    for path in re.findall(r"\b(tests/[\w/]+\.py)", document.read_text()):
        assert (ROOT / path).is_file(), path


def test_every_test_that_a_fault_names_is_there():
    """A promise whose test was renamed or removed is a promise without one. No folder means tests/benchmark."""
    named = re.findall(r"`([\w/]+\.py)::(test_\w+)`", (ROOT / "docs" / "faults.md").read_text())
    assert len(named) > 60
    for file, name in named:
        path = ROOT / "tests" / (file if "/" in file else f"benchmark/{file}")
        assert f"\ndef {name}(" in path.read_text(), f"{file}::{name}"


def test_every_test_that_refuses_bad_input_is_there():
    """`B/file.py`, and behind it parts of the names of its tests."""
    count = 0
    for letter, file, names in re.findall(
        r"`([ABO])/([\w/]+\.py)`(?:: ((?:`\w+`(?:, )?)+))?", (ROOT / "docs" / "bad-input.md").read_text()
    ):
        text = (ROOT / "tests" / ROOMS[letter] / file).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"def test_\w*{name}", text), f"{file}: {name}"
            count += 1
    assert count >= 40
