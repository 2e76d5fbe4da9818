"""What every registered searcher and scheduler promises, ours and the libraries', built as a suite builds them.

`make conformance` writes the table of what was found.
"""

import os
from collections import defaultdict
from functools import partial
from pathlib import Path

import pytest

from algorithms.interop.optional_method import PROPERTIES
from benchmark.checking.properties import CONFORMANCE, NEVER_EXCUSED, require_same_elsewhere
from tests.algorithms.adapters.subjects import TABLE, installed, little_effort, subjects

ALL = list(subjects())
FOUND = defaultdict(dict)


every_subject = pytest.mark.parametrize(
    "subject",
    [pytest.param(subject, marks=() if subject.representative else pytest.mark.faults) for subject in ALL],
    ids=[subject.label.replace(" ", "-") for subject in ALL],
)
"""One variant of every method by default; `make conformance` looks at all of them."""


@pytest.fixture(scope="module")
def representatives_elsewhere(in_fresh_process):
    """The sequences of one variant of every method, from a fresh process with other hash seeds."""
    return in_fresh_process(Path(__file__).parent / "subjects.py", "representative_sequences")


@pytest.fixture(scope="module")
def others_elsewhere(in_fresh_process):
    """Likewise those of all other variants."""
    return in_fresh_process(Path(__file__).parent / "subjects.py", "other_sequences")


@pytest.fixture(autouse=True)
def _pinned(one_thread):
    """One thread, as in a run: some methods take several times as long with two."""
    with little_effort():
        yield


@pytest.fixture(scope="module", autouse=True)
def _table():
    """Write what was found, when asked to."""
    yield
    if "CONFORMANCE" in os.environ:
        Path(os.environ["CONFORMANCE"]).write_text(table(FOUND))


def found(subject, name, check):
    """Run a check and note the outcome; a property that is declared to be lacking need not hold."""
    if not installed(subject):
        pytest.skip(f"{subject.entry.extra} is not installed")
    missing = subject.checked.lacks().get(name)
    if missing is None or name in NEVER_EXCUSED:
        check()
    FOUND[subject.label][name] = missing or "yes"


@pytest.mark.parametrize("name", [name for name in CONFORMANCE if name != "global_state"])
@every_subject
def test_conformance(subject, name):
    """A registered method has every property of the table, or says which it lacks."""
    found(subject, name, lambda: CONFORMANCE[name](subject.checked))


@every_subject
def test_global_state(subject, global_state):
    """A method neither reads nor moves the global generators, its own private ones or the process's."""
    before = global_state()
    found(subject, "global_state", lambda: CONFORMANCE["global_state"](subject.checked))
    after = global_state()
    assert after == {name: before.get(name, state) for name, state in after.items()}


@every_subject
def test_a_fresh_process_proposes_the_same(subject, request):
    """Nothing of this process is in a search: not its history, nor its hash seed."""
    fixture = "representatives_elsewhere" if subject.representative else "others_elsewhere"
    elsewhere = request.getfixturevalue(fixture) if installed(subject) else {}
    check = partial(require_same_elsewhere, subject.checked, lambda: elsewhere[subject.label])
    found(subject, "process", check)


def test_every_property_is_checked():
    """The properties of the table are those that the suite asks for."""
    assert set(PROPERTIES) == {*CONFORMANCE, "process"}


def test_the_table_is_complete():
    """The published table has a row for every registered method and variant."""
    published = TABLE.read_text()
    for subject in ALL:
        assert f"| {subject.label} |" in published


def table(outcomes):
    """The conformance table in Markdown; footnotes say why a property is lacking."""
    notes = sorted({why for row in outcomes.values() for why in row.values() if why != "yes"})
    lines = ["# Conformance", "", "Every registered searcher and scheduler, and what the tests found. Written by"]
    lines += [
        "`make conformance`; a number is a note below. Of conditions, pending and fidelity the tests see that runs"
    ]
    lines += ["stay sound; whether a method makes use of them is what its own entry says.", ""]
    lines += [f"- **{name}**: {meaning}" for name, meaning in PROPERTIES.items()]
    lines += ["", "| | " + " | ".join(PROPERTIES) + " |", "|---|" + "---|" * len(PROPERTIES)]
    for label, row in outcomes.items():
        cells = [
            ("yes" if row[name] == "yes" else f"no ({notes.index(row[name]) + 1})") if name in row else "untested"
            for name in PROPERTIES
        ]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    lines += ["", *(f"{number}. {why}" for number, why in enumerate(notes, start=1)), ""]
    return "\n".join(lines)
