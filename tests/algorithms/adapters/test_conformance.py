"""What every registered searcher and scheduler promises, ours and the libraries', built as a suite builds them.

`make conformance` writes the table of what was found.
"""

import copy
import math
import os
from collections import defaultdict
from pathlib import Path

import pytest

from algorithms.interop.optional_method import PROPERTIES
from benchmark.suite.model import AlgorithmEntry, Part
from benchmark.tuning.factory import missing_features
from tests.algorithms.adapters.subjects import MAX_EPOCHS, SPACES, TABLE, bare, drive, installed, subjects
from tests.algorithms.driving import suggestions, toy_error

ALL = list(subjects())
FOUND = defaultdict(dict)
SCHEDULED = {"name": "successive_halving", "eta": 3}


def native(space, suggestion):
    """Whether all values are of the types that the space gives them."""
    checked = SPACES[space][0].check(bare(suggestion))
    types = {name: type(value) for name, value in checked.items()}
    return types == {name: type(value) for name, value in bare(suggestion).items()}


def in_bounds(subject):
    for space in SPACES:
        for n_workers in (1, 3):
            jobs = subject.drive(space, n_workers)
            assert jobs
            for job in jobs:
                assert SPACES[space][0].check(job.config) == job.config
                assert 1 <= job.epochs <= MAX_EPOCHS


def of_native_types(subject):
    for space in ("mixed", "conditional"):
        scheduler = subject.scheduler(space)
        for _ in range(subject.evaluations):
            suggestion = scheduler.suggest()
            if suggestion is None:
                break
            assert native(space, suggestion)
            subject.tell(scheduler, suggestion)


def repeats(subject):
    for space, n_workers in (("mixed", 1), ("conditional", 3)):
        one, two, other = (suggestions(subject.drive(space, n_workers, seed=seed)) for seed in (1, 1, 2))
        assert one == two
        assert one != other


def leaves_global_state(subject, global_state, move_global_generators):
    expected = suggestions(subject.drive("mixed", 3))
    move_global_generators()
    before = global_state()
    assert suggestions(subject.drive("mixed", 3)) == expected
    assert global_state() == before


def survives_failures(subject):
    """Some trials crash, or all, or the default alone: the run goes on."""
    for space, default in (("mixed", SPACES["mixed"][1]), ("conditional", SPACES["conditional"][1])):
        for n_workers, error_of in (
            (3, lambda config: math.inf if toy_error(config) < 0.4 else toy_error(config)),
            (1, lambda config: math.inf),
            (1, lambda config, default=default: math.inf if bare(config) == default else 0.5),
        ):
            assert len(subject.drive(space, n_workers, error_of)) > 3


def survives_ties(subject):
    for space in ("mixed", "constant"):
        for error in (0.9, 0.0):
            assert subject.drive(space, 1, lambda config, error=error: error)


def begins_with_the_default(subject):
    for space in SPACES:
        for n_workers in (1, 3):
            assert subject.drive(space, n_workers, evaluations=4)[0].config == SPACES[space][1]


def replays(subject):
    """A fresh object that is told what was recorded proposes what was recorded, and goes on alike."""
    whole = subject.drive("mixed", 3, evaluations=subject.evaluations + 3)
    part = subject.drive("mixed", 3, evaluations=subject.evaluations)
    assert suggestions(part) == suggestions(whole)[: len(part)]


def keeps_to_what_counts(subject):
    space = SPACES["conditional"][0]
    for job in subject.drive("conditional"):
        assert set(job.config) == set(space.active(job.config))


def tells_pending_apart(subject):
    scheduler = subject.scheduler("mixed")
    proposed = [bare(suggestion) for suggestion in (scheduler.suggest() for _ in range(4)) if suggestion is not None]
    assert len({repr(config) for config in proposed}) == len(proposed)


def works_by_halves(subject):
    """A searcher under successive halving is told results of several fidelities and stays in the space."""
    if subject.role == "scheduler":
        assert {job.epochs for job in subject.drive("mixed")} <= set(range(1, MAX_EPOCHS + 1))
        return
    jobs = drive(subject.scheduler("mixed", under=SCHEDULED), "mixed", 2, evaluations=subject.evaluations + 7)
    assert {job.epochs for job in jobs} >= {1, 3, 9}


def copies(subject):
    scheduler = subject.scheduler("mixed")
    for _ in range(6):
        suggestion = scheduler.suggest()
        if suggestion is not None:
            subject.tell(scheduler, suggestion)
    twin = copy.deepcopy(scheduler)
    assert [twin.suggest() for _ in range(3)] == [scheduler.suggest() for _ in range(3)]


CHECKS = {
    "bounds": in_bounds,
    "native": of_native_types,
    "seed": repeats,
    "failed": survives_failures,
    "tied": survives_ties,
    "default": begins_with_the_default,
    "replay": replays,
    "conditions": keeps_to_what_counts,
    "pending": tells_pending_apart,
    "fidelity": works_by_halves,
    "copy": copies,
}
every_subject = pytest.mark.parametrize(
    "subject",
    [pytest.param(subject, marks=() if subject.representative else pytest.mark.faults) for subject in ALL],
    ids=[subject.label.replace(" ", "-") for subject in ALL],
)
"""One variant of every method by default; `make conformance` looks at all of them."""
NEVER_EXCUSED = {"bounds", "native", "default", "conditions", "fidelity", "global_state", "failed", "tied"}
"""Checked even where a library lacks the property: the harness makes up for it, or the run must survive it."""


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


@pytest.fixture(scope="module", autouse=True)
def _table():
    """Write what was found, when asked to."""
    yield
    if "CONFORMANCE" in os.environ:
        Path(os.environ["CONFORMANCE"]).write_text(table(FOUND))


def lacks(subject):
    """What the subject says that it cannot do."""
    part = Part(name=subject.name, options=subject.options)
    entry = AlgorithmEntry(
        label="it",
        scheduler=part if subject.role == "scheduler" else Part(name="basic", options={}),
        searcher=part if subject.role == "searcher" else None,
    )
    return missing_features(entry, subject.scheduler("conditional"))


def found(subject, name, check):
    """Run a check and note the outcome; a property that is declared to be lacking need not hold."""
    if not installed(subject):
        pytest.skip(f"{subject.entry.extra} is not installed")
    missing = lacks(subject).get(name)
    if missing is None or name in NEVER_EXCUSED:
        check()
    FOUND[subject.label][name] = missing or "yes"


@pytest.mark.parametrize("name", CHECKS)
@every_subject
def test_conformance(subject, name):
    """A registered method has every property of the table, or says which it lacks."""
    found(subject, name, lambda: CHECKS[name](subject))


@every_subject
def test_global_state(subject, global_state, move_global_generators):
    """A method neither reads nor moves the global generators."""
    found(subject, "global_state", lambda: leaves_global_state(subject, global_state, move_global_generators))


@every_subject
def test_a_fresh_process_proposes_the_same(subject, request):
    """Nothing of this process is in a search: not its history, nor its hash seed."""
    fixture = "representatives_elsewhere" if subject.representative else "others_elsewhere"
    elsewhere = request.getfixturevalue(fixture) if installed(subject) else {}

    def check():
        for space, n_workers in (("mixed", 1), ("conditional", 3)):
            jobs = subject.drive(space, n_workers)
            assert suggestions(jobs) == elsewhere[f"{subject.label} {space} {n_workers}"]

    found(subject, "process", check)


def test_every_property_is_checked():
    """The properties of the table are those that the suite asks for."""
    assert set(PROPERTIES) == {*CHECKS, "global_state", "process"}


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
