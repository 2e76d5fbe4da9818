"""Tickets: every token comes back once, at the first result of its proposal."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from algorithms.interop.pending import Tickets

A, B = {"x": 0.5, "kind": "a"}, {"x": 0.5, "kind": "b"}


@pytest.fixture
def tickets():
    """Tickets of three proposals, two of them equal."""
    made = Tickets()
    for config, token in ((A, "first"), (B, "second"), (A, "third")):
        made.issue(config, token)
    return made


def test_a_token_comes_back_once(tickets):
    """The first result of a proposal settles it; later ones of the same trial find nothing."""
    assert tickets.settle({**B, "max_epochs": 1}) == "second"
    assert tickets.settle({**B, "max_epochs": 3}) is None
    assert tickets.settle(B) is None


def test_equal_configurations_are_settled_in_order(tickets):
    """First in, first out, whatever came between."""
    assert [tickets.settle(A) for _ in range(3)] == ["first", "third", None]
    tickets.issue(A, "again")
    assert tickets.settle(A) == "again"


def test_what_was_not_proposed_has_no_token(tickets):
    """A configuration of someone else's is not ours to tell, and takes no token away."""
    assert tickets.settle({"x": 0.5}) is None
    assert tickets.settle({"x": 0.5, "kind": "c"}) is None
    assert tickets.settle({}) is None
    assert sorted(tickets.outstanding) == ["first", "second", "third"]


def test_neither_the_fidelity_nor_the_order_of_names_matters(tickets):
    """A configuration may be issued and settled with or without max_epochs, its names in any order."""
    tickets.issue({"x": 0.25, "kind": "a", "max_epochs": 3}, "with")

    assert tickets.settle({"kind": "a", "x": 0.25}) == "with"
    assert tickets.settle({"max_epochs": 9, "kind": "b", "x": 0.5}) == "second"


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (0.0, -0.0), ("1", 1), (0, False)])
def test_values_that_compare_equal_are_told_apart(one, other):
    """1, 1.0 and True are equal as keys of a dict, yet they are other trials."""
    tickets = Tickets()
    tickets.issue({"x": one}, "one")

    assert tickets.settle({"x": other}) is None
    assert tickets.settle({"x": one}) == "one"


def test_outstanding_tokens(tickets):
    """Those without a result; none is left when all are settled."""
    assert tickets.outstanding == ["first", "third", "second"]
    tickets.settle(A)
    assert tickets.outstanding == ["third", "second"]
    tickets.settle(A)
    tickets.settle(B)
    assert tickets.outstanding == []
    assert Tickets().outstanding == []


def test_the_callers_changes_do_not_matter(tickets):
    """A dict that was issued may be changed afterwards, and settling changes none."""
    config = {"x": 0.75}
    tickets.issue(config, "mine")
    config["x"] = 0.0
    asked = {"x": 0.75, "max_epochs": 2}

    assert tickets.settle(asked) == "mine"
    assert asked == {"x": 0.75, "max_epochs": 2}


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda tickets: pickle.loads(pickle.dumps(tickets))])
def test_a_copy_is_independent(tickets, clone):
    """Settling in a copy leaves the original's tokens."""
    twin = clone(tickets)
    assert twin.settle(A) == "first"
    assert tickets.settle(A) == "first"


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3)), max_size=60))
def test_against_a_plain_list(steps):
    """Any order of proposals and results gives what a list searched from its front gives."""
    tickets, waiting = Tickets(), []
    for number, (issue, x) in enumerate(steps):
        if issue:
            tickets.issue({"x": x}, number)
            waiting.append((x, number))
        else:
            found = next(((name, token) for name, token in waiting if name == x), None)
            if found is not None:
                waiting.remove(found)
            assert tickets.settle({"x": x, "max_epochs": number + 1}) == (None if found is None else found[1])
        assert sorted(tickets.outstanding) == [token for _, token in waiting]
