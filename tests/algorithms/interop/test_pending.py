"""Tickets: every token comes back once, at the first result of its proposal."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.interop.pending import PendingTrials

A, B = {"x": 0.5, "kind": "a"}, {"x": 0.5, "kind": "b"}


@pytest.fixture
def pending():
    """Tickets of three proposals, two of them equal."""
    made = PendingTrials()
    for config, token in ((A, "first"), (B, "second"), (A, "third")):
        made.add(config, token)
    return made


def test_a_token_comes_back_once(pending):
    """The first result of a proposal settles it; later ones of the same trial find nothing."""
    assert pending.take({**B, "max_epochs": 1}) == "second"
    assert pending.take({**B, "max_epochs": 3}) is None
    assert pending.take(B) is None


def test_equal_configurations_are_settled_in_order(pending):
    """First in, first out, whatever came between."""
    assert [pending.take(A) for _ in range(3)] == ["first", "third", None]
    pending.add(A, "again")
    assert pending.take(A) == "again"


def test_what_was_not_proposed_has_no_token(pending):
    """A configuration of someone else's is not ours to tell, and takes no token away."""
    assert pending.take({"x": 0.5}) is None
    assert pending.take({"x": 0.5, "kind": "c"}) is None
    assert pending.take({}) is None
    assert sorted(pending.outstanding) == ["first", "second", "third"]


def test_neither_the_fidelity_nor_the_order_of_names_matters(pending):
    """A configuration may be issued and settled with or without max_epochs, its names in any order."""
    pending.add({"x": 0.25, "kind": "a", "max_epochs": 3}, "with")

    assert pending.take({"kind": "a", "x": 0.25}) == "with"
    assert pending.take({"max_epochs": 9, "kind": "b", "x": 0.5}) == "second"


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (0.0, -0.0), ("1", 1), (0, False)])
def test_values_that_compare_equal_are_told_apart(one, other):
    """1, 1.0 and True are equal as keys of a dict, yet they are other trials."""
    pending = PendingTrials()
    pending.add({"x": one}, "one")

    assert pending.take({"x": other}) is None
    assert pending.take({"x": one}) == "one"


def test_outstanding_tokens(pending):
    """Those without a result; none is left when all are settled."""
    assert pending.outstanding == ["first", "third", "second"]
    pending.take(A)
    assert pending.outstanding == ["third", "second"]
    pending.take(A)
    pending.take(B)
    assert pending.outstanding == []
    assert PendingTrials().outstanding == []


def test_the_callers_changes_do_not_matter(pending):
    """A dict that was issued may be changed afterwards, and settling changes none."""
    config = {"x": 0.75}
    pending.add(config, "mine")
    config["x"] = 0.0
    asked = {"x": 0.75, "max_epochs": 2}

    assert pending.take(asked) == "mine"
    assert asked == {"x": 0.75, "max_epochs": 2}


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda pending: pickle.loads(pickle.dumps(pending))])
def test_a_copy_is_independent(pending, clone):
    """Settling in a copy leaves the original's tokens."""
    twin = clone(pending)
    assert twin.take(A) == "first"
    assert pending.take(A) == "first"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=60))
def test_against_a_plain_list(steps):
    """Any order of proposals and results gives what a list searched from its front gives."""
    pending, waiting = PendingTrials(), []
    for number, (issue, x) in enumerate(steps):
        if issue:
            pending.add({"x": x}, number)
            waiting.append((x, number))
        else:
            found = next(((name, token) for name, token in waiting if name == x), None)
            if found is not None:
                waiting.remove(found)
            assert pending.take({"x": x, "max_epochs": number + 1}) == (None if found is None else found[1])
        assert sorted(pending.outstanding) == [token for _, token in waiting]
