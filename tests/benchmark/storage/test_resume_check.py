"""Headers: what a ledger depends on is held against the run that would continue it, and told where it differs."""

from pathlib import Path

import pytest

from benchmark.reproducibility.environment import DECIDES_BITS
from benchmark.storage.resume_check import RunRefused, changed_environment, check_header, first_difference

PATH = Path("results/tiny/runs/o/a/000.jsonl.part")
HEADER = {
    "kind": "header",
    "run": {"suite_seed": 3, "objective": {"options": {"limit": None}}},
    "data": {"images": "0" * 64},
    "environment": {"torch": "2.9.0", "numpy": "2.0.0", "hostname": "one"},
}


def check(recorded, expected=HEADER, *, allow_mixed=False):
    """Hold a recorded header against this run's."""
    check_header(recorded, expected, PATH, allow_mixed=allow_mixed)


@pytest.mark.parametrize(
    ("recorded", "expected", "difference"),
    [
        ({}, {}, None),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 2]}}, None),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
        ({"a": None}, {}, None),
        ({}, {"a": None}, None),
        ({"a": 1}, {"a": 2}, "a was 1 and is now 2"),
        ({"a": {"b": {"c": "x"}}}, {"a": {"b": {"c": "y"}}}, "a.b.c was 'x' and is now 'y'"),
        ({"a": 1, "b": 1}, {"a": 2, "b": 2}, "a was 1 and is now 2"),
        ({"a": 1, "b": 1}, {"b": 2, "a": 1}, "b was 1 and is now 2"),
        ({"a": 1}, {}, "a was 1 and is now None"),
        ({}, {"a": {"b": 1}}, "a was None and is now {'b': 1}"),
        ({"a": {"b": 1}}, {"a": 7}, "a was {'b': 1} and is now 7"),
        ({"a": [1, 2]}, {"a": [2, 1]}, "a was [1, 2] and is now [2, 1]"),
        ({3: 1}, {3: 2}, "3 was 1 and is now 2"),
        (1, 2, " was 1 and is now 2"),
    ],
)
def test_the_first_difference_is_told_by_its_place(recorded, expected, difference):
    """Nested keys are joined by dots; recorded ones come first, in their order, then new ones."""
    assert first_difference(recorded, expected) == difference


@pytest.mark.parametrize("name", DECIDES_BITS)
def test_what_decides_bits_is_a_change(name):
    """Each such field, changed, lost or new, is told; all else of a machine may differ."""
    card = dict.fromkeys(DECIDES_BITS, "same")

    assert changed_environment({**card, "created": "then"}, {**card, "cores": 4}) is None
    assert changed_environment(card, {**card, name: "other"}) == f"{name} was 'same' and is now 'other'"
    lost = {other: value for other, value in card.items() if other != name}
    assert changed_environment(card, lost) == f"{name} was 'same' and is now None"
    assert changed_environment(lost, card) == f"{name} was None and is now 'same'"


def test_the_same_header_is_accepted():
    """Nothing differs that counts: neither the hour nor the machine's name does."""
    check({**HEADER, "created": "then", "environment": {**HEADER["environment"], "hostname": "two"}})


@pytest.mark.parametrize("allow_mixed", [False, True])
@pytest.mark.parametrize(
    ("part", "value", "difference"),
    [
        ("run", {"suite_seed": 4, "objective": {"options": {"limit": None}}}, "suite_seed was 4 and is now 3"),
        ("run", {"suite_seed": 3, "objective": {"options": {}}, "x": 1}, "x was 1 and is now None"),
        ("data", {"images": "1" * 64}, f"images was '{'1' * 64}' and is now '{'0' * 64}'"),
    ],
)
def test_another_suite_is_refused_whatever_is_allowed(part, value, difference, allow_mixed):
    """Run and data must be the same; the message has file, difference and both remedies."""
    with pytest.raises(RunRefused) as refused:
        check({**HEADER, part: value}, allow_mixed=allow_mixed)

    assert str(refused.value) == (
        f"{PATH}: recorded with another suite: {difference}; use another --results folder, or delete the old results"
    )


@pytest.mark.parametrize("part", ["run", "data", "environment"])
@pytest.mark.parametrize("value", [None, 7, "x", [1]])
def test_a_header_without_its_tables_is_refused(part, value):
    """A ledger of another program, or one that somebody edited: the message names file and table, and two remedies."""
    with pytest.raises(RunRefused) as refused:
        check({**HEADER, part: value}, allow_mixed=True)

    assert str(refused.value) == (
        f"{PATH}: its header has {part} = {value!r}, need a table; "
        "restore the file, or move it away to train that run again"
    )


@pytest.mark.parametrize(
    ("recorded", "current", "remedy"),
    [
        (("functional", "functional"), "triton-ieee", "give --route functional to repeat what is recorded, or"),
        (("triton-ieee", "triton-ieee"), "functional", "give --route triton to repeat what is recorded, or"),
        (("triton-ieee", "triton-ieee"), "triton-tf32", "give --precision ieee to repeat what is recorded, or"),
        (("alone", "reference"), "functional", ""),
    ],
)
def test_another_route_is_refused_with_the_one_that_recorded(recorded, current, remedy):
    """Where another way to train would give other bits, the option that takes the recorded one is named."""
    route, arithmetic = recorded
    before = {**HEADER, "environment": {**HEADER["environment"], "route": route, "arithmetic": arithmetic}}
    now = {**HEADER, "environment": {**HEADER["environment"], "arithmetic": current}}

    with pytest.raises(RunRefused, match=f"could mix bits: {remedy} ?use another --results folder, or --allow-mixed"):
        check(before, now)


def test_another_machine_is_refused_unless_allowed():
    """The message has file, difference and both remedies; `allow_mixed` lets the run go on."""
    recorded = {**HEADER, "environment": {**HEADER["environment"], "torch": "2.0.0"}}

    with pytest.raises(RunRefused) as refused:
        check(recorded)

    assert str(refused.value) == (
        f"{PATH}: recorded on another machine or library version: torch was '2.0.0' and is now '2.9.0'; continuing "
        "could mix bits: use another --results folder, or --allow-mixed to continue and mark the runs"
    )
    check(recorded, allow_mixed=True)


@pytest.mark.parametrize(
    ("before", "now", "hint"),
    [
        ("triton-ieee", "triton-bf16x6", "give --precision ieee to repeat what is recorded, or use another"),
        ("triton-tf32x3", "triton-ieee", "give --precision tf32x3 to repeat what is recorded, or use another"),
        ("triton-ieee", "looped", "could mix bits: use another --results folder"),
        ("looped", "triton-ieee", "could mix bits: use another --results folder"),
    ],
)
def test_another_precision_of_the_kernels_names_its_option(before, now, hint):
    """A ledger of another precision goes on with that precision; nothing else is repaired by the option."""
    recorded, expected = ({**HEADER, "environment": {"arithmetic": each}} for each in (before, now))

    with pytest.raises(RunRefused, match=f"arithmetic was '{before}' and is now '{now}'.*{hint}"):
        check(recorded, expected)
