"""Calibrations: prices worked by hand, files that come back as they were written, and bad ones refused."""

import copy
import json
import math
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.calibration.cost_model import (
    CALIBRATION_FILES,
    NAME,
    Calibration,
    CostModel,
    load_calibration,
    parse_calibration,
)
from benchmark.errors import BadInput
from objectives.cost import CostTerms

ENTRY = CostModel(
    name="softmax",
    options={"data": "digits", "split": "standard"},
    date="2024-03-01",
    configurations=32,
    held_out=16,
    rounds=5,
    rows=6000,
    spread=0.02,
    median_error=0.01,
    worst_error=0.05,
    set_up={"networks": 0.25, "parameters": 0.5},
    epoch={"steps": 0.125, "rows": 2.0},
)
TERMS = CostTerms(set_up={"networks": 2.0, "parameters": 3.0}, epoch={"steps": 8.0, "rows": 4.0})
GOOD = Calibration(
    name="desk",
    device="A CPU",
    versions={"torch": "2.9.0"},
    cost_models=(ENTRY, replace(ENTRY, name="lenet", epoch={"steps": 0.5, "rows": 0.0})),
)


def table(changes=(), entry=()):
    """The TOML table of a good calibration, with changes at the top and in its first entry."""
    made = copy.deepcopy(tomllib.loads(GOOD.to_toml()))
    made["objectives"][0].update(entry)
    return {**made, **dict(changes)}


# Prices.


def test_a_price_worked_by_hand():
    """Setting up costs 2 x 0.25 + 3 x 0.5 = 2 s, an epoch 8 x 0.125 + 4 x 2 = 9 s."""
    assert ENTRY.price(TERMS, 0, 1) == 11.0
    assert ENTRY.price(TERMS, 0, 10) == 92.0
    assert ENTRY.price(TERMS, 1, 10) == 81.0
    assert ENTRY.price(TERMS, 3, 3) == 0.0


@given(st.lists(st.floats(0, 1e6), min_size=4, max_size=4), st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_terms_changes_no_bit(numbers, order):
    """The sum is rounded once, whatever comes first."""
    costs = dict(zip("abcd", numbers, strict=True))
    straight = replace(ENTRY, set_up={}, epoch=costs)
    mixed = replace(ENTRY, set_up={}, epoch={name: costs[name] for name in order})
    counts = {"a": 3.0, "b": 1e-3, "c": 7e5, "d": 0.1}

    price = straight.price(CostTerms(set_up={}, epoch=counts), 0, 7)

    assert mixed.price(CostTerms(set_up={}, epoch={name: counts[name] for name in order}), 0, 7) == price
    assert price == 7 * math.fsum(costs[name] * counts[name] for name in "abcd")


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_promoted_trial_pays_in_all_what_a_straight_one_pays(first, second, third):
    """Pausing and going on is free: set-up is paid once."""
    stops = sorted((first, second + 1, third + 1))
    legs = zip([0, *stops], stops, strict=False)

    paid = sum(ENTRY.price(TERMS, start, stop) for start, stop in legs if stop > start)

    assert paid == ENTRY.price(TERMS, 0, stops[-1])


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        (CostTerms(set_up=TERMS.set_up, epoch={"steps": 1.0}), "epoch: calibrated are ['rows', 'steps']"),
        (CostTerms(set_up={}, epoch=TERMS.epoch), "set_up: calibrated are"),
        (CostTerms(set_up=TERMS.set_up, epoch={**TERMS.epoch, "more": 1.0}), "the objective counts ['more', 'rows'"),
        (CostTerms(set_up=TERMS.set_up, epoch={"steps": -1.0, "rows": 1.0}), "counts -1.0 steps, need"),
        (CostTerms(set_up=TERMS.set_up, epoch={"steps": math.nan, "rows": 1.0}), "counts nan steps, need"),
        (CostTerms(set_up=TERMS.set_up, epoch={"steps": 1.0, "rows": math.inf}), "counts inf rows, need"),
    ],
)
def test_other_terms_than_the_calibrated_have_no_price(terms, message):
    """Nothing is left out silently, and nothing costs less than nothing."""
    with pytest.raises(ValueError, match="the objective counts") as refusal:
        ENTRY.price(terms, 0, 1)

    assert message in str(refusal.value)


# Entries and digests.


def test_an_entry_is_found_by_its_options_in_any_order():
    """What counts is which objective with which options."""
    assert GOOD.cost_model("softmax", {"split": "standard", "data": "digits"}) is GOOD.cost_models[0]
    assert GOOD.cost_model("lenet", {"data": "digits", "split": "standard"}) is GOOD.cost_models[1]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("softmax", {}),
        ("softmax", {"data": "digits"}),
        ("softmax", {"data": "fashion_mnist", "split": "standard"}),
        ("softmax", {"data": "digits", "split": "standard", "folds": 3}),
        ("dropout_mlp", {"data": "digits", "split": "standard"}),
    ],
)
def test_an_objective_that_was_not_calibrated_is_refused(name, options):
    """The message says what is there, and what is nearest."""
    with pytest.raises(BadInput, match="calibration desk: ") as refusal:
        GOOD.cost_model(name, options)

    assert f"{name} (" in str(refusal.value)
    assert 'calibrated are softmax (data = "digits", split = "standard"), lenet' in str(refusal.value)


@pytest.mark.parametrize("part", ["epoch", "set_up", "options"])
def test_the_digest_is_of_what_decides_prices(part):
    """A cost or an option changes it."""
    changed = replace(ENTRY, **{part: {**getattr(ENTRY, part), "steps": 9.0}})

    assert replace(GOOD, cost_models=(changed, GOOD.cost_models[1])).digest("softmax") != GOOD.digest("softmax")


def test_the_digest_is_of_nothing_else():
    """Measuring another objective, or writing another date, leaves recorded runs valid."""
    dated = replace(ENTRY, date="2030-01-01", median_error=0.02, worst_error=0.1, rounds=9, configurations=3)
    more = replace(ENTRY, name="dropout_mlp")
    other = replace(GOOD, device="Another", versions={"torch": "3"}, cost_models=(more, GOOD.cost_models[1], dated))

    assert other.digest("softmax") == GOOD.digest("softmax")
    assert GOOD.digest("softmax") != GOOD.digest("lenet")


def test_a_digest_survives_the_file(tmp_path):
    """The numbers are written so that they are read back to the bit."""
    odd = replace(ENTRY, epoch={"steps": 0.1 + 0.2, "rows": 5e-324}, set_up={"x": 1 / 3})
    path = tmp_path / "odd.toml"
    path.write_text(replace(GOOD, cost_models=(odd,)).to_toml())

    assert load_calibration(str(path)).digest("softmax") == replace(GOOD, cost_models=(odd,)).digest("softmax")


# Files.

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
OPTIONS = st.recursive(
    st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
COSTS = st.dictionaries(TEXTS, st.floats(0, 1e9), max_size=5)
ENTRIES = st.builds(
    CostModel,
    name=TEXTS,
    options=st.dictionaries(TEXTS, OPTIONS, max_size=3),
    date=st.just("2024-03-01"),
    configurations=st.integers(1, 99),
    held_out=st.integers(1, 99),
    rounds=st.integers(1, 99),
    rows=st.integers(1, 10**9),
    spread=st.floats(0, 9),
    median_error=st.floats(0, 1),
    worst_error=st.floats(0, 1),
    set_up=COSTS,
    epoch=st.dictionaries(TEXTS, st.floats(1e-300, 1e9), min_size=1, max_size=5),
)


@given(
    st.builds(
        Calibration,
        name=st.from_regex(NAME, fullmatch=True),
        device=TEXTS,
        versions=st.dictionaries(TEXTS, TEXTS, max_size=3),
        cost_models=st.lists(ENTRIES, min_size=1, max_size=3, unique_by=lambda entry: entry.name).map(tuple),
    )
)
def test_what_is_written_is_read(calibration):
    """Any names, options and numbers come back from the file as they were."""
    back = parse_calibration(tomllib.loads(calibration.to_toml()))

    assert (back.name, back.device, back.versions) == (calibration.name, calibration.device, calibration.versions)
    assert {entry.name: entry for entry in back.cost_models} == {entry.name: entry for entry in calibration.cost_models}
    assert back.to_toml() == calibration.to_toml()


def test_shipped_calibrations_are_good():
    """Each is read, bears its file's name and met the target when it was measured."""
    for name in CALIBRATION_FILES.names():
        calibration = load_calibration(name)

        assert calibration.name == name
        assert (CALIBRATION_FILES.folder / f"{name}.toml").read_text() == calibration.to_toml()
        for entry in calibration.cost_models:
            assert entry.median_error <= 0.05, entry.name
            assert entry.worst_error <= 0.15, entry.name


def test_a_path_is_read_as_a_name_is(tmp_path):
    """A file anywhere serves as well as one that is shipped."""
    (tmp_path / "mine.toml").write_text(GOOD.to_toml())

    assert load_calibration(str(tmp_path / "mine.toml")) == parse_calibration(table())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nowhere", "calibration 'nowhere': "),
        ("", "calibration '': "),
        ("a\0b", "calibration 'a\\x00b': "),
        ("none.toml", "calibration file 'none.toml': there is no such file"),
        ("./", "calibration file './': not a regular file"),
        ("/dev/zero", "calibration file '/dev/zero': not a regular file"),
        ("x" * 300 + ".toml", "File name too long"),
    ],
)
def test_a_calibration_that_is_not_there_is_refused(text, message):
    """Neither a name nor a path to a file."""
    with pytest.raises(BadInput) as refusal:
        load_calibration(text)

    assert message in str(refusal.value)


@pytest.mark.parametrize("content", [b"[[[", b"\xff", b"format = 1\nformat = 1", b"a = " + b"[" * 100_000])
def test_a_file_that_is_no_toml_is_refused(tmp_path, content):
    """The message names the file."""
    (tmp_path / "bad.toml").write_bytes(content)

    with pytest.raises(BadInput, match=r"calibration file '.*bad\.toml': not valid TOML"):
        load_calibration(str(tmp_path / "bad.toml"))


NOT_NUMBERS = [-1, -1e-300, math.nan, math.inf, -math.inf, 1e10, 2**70, True, "0.1", None, [], {}]
NOT_COUNTS = [0, -1, 1.0, True, "1", None, [], {}, 10**10, math.nan]
NOT_TEXTS = ["", "x" * 301, 1, 1.5, True, None, [], {}]
NOT_TABLES = [1, "x", True, None, []]
BAD = [
    *(("format", {"format": value}, {}) for value in [0, 2, "1", 1.0, True, None, []]),
    *(("name", {"name": value}, {}) for value in [*NOT_TEXTS, "Desk", "-x", "a b", "a/b", "x" * 65]),
    *(("device", {"device": value}, {}) for value in NOT_TEXTS),
    *(("versions", {"versions": value}, {}) for value in NOT_TABLES),
    *(("versions.torch", {"versions": {"torch": value}}, {}) for value in NOT_TEXTS),
    *(("objectives", {"objectives": value}, {}) for value in [[], {}, 1, "x", None, True]),
    *(("objectives[0]", {"objectives": [value]}, {}) for value in NOT_TABLES if value != []),
    *((f"objectives[0].{key}", {}, {key: value}) for key in ("name", "date") for value in NOT_TEXTS),
    *((f"objectives[0].{key}", {}, {key: value}) for key in ("options", "set_up", "epoch") for value in NOT_TABLES),
    *(
        (f"objectives[0].{key}", {}, {key: value})
        for key in ("configurations", "held_out", "rounds", "rows")
        for value in NOT_COUNTS
    ),
    *(
        (f"objectives[0].{key}", {}, {key: value})
        for key in ("spread", "median_error", "worst_error")
        for value in NOT_NUMBERS
    ),
    *((f"objectives[0].{key}.a", {}, {key: {"a": value}}) for key in ("set_up", "epoch") for value in NOT_NUMBERS),
    *(("objectives[0].epoch", {}, {"epoch": value}) for value in [{}, {"steps": 0}, {"steps": 0.0, "rows": 0.0}]),
]


@pytest.mark.parametrize(("field", "changes", "entry"), BAD)
def test_a_bad_value_is_refused(field, changes, entry):
    """The message names the field, and is one line."""
    with pytest.raises(BadInput) as refusal:
        parse_calibration(table(changes, entry))

    message = str(refusal.value)
    assert message.startswith((f"{field} = ", f"{field}: ")), message
    assert len(message.splitlines()) == 1
    assert len(message) < 500


TOP = ["format", "name", "device", "versions", "objectives"]


@pytest.mark.parametrize("key", [*TOP, *(key for key in table()["objectives"][0] if key != "name")])
def test_every_field_is_needed(key):
    """Whatever is missing is named."""
    made = table()
    if key in TOP:
        del made[key]
    else:
        del made["objectives"][0][key]

    with pytest.raises(BadInput, match=rf"{key} = None: need"):
        parse_calibration(made)


@pytest.mark.parametrize("key", ["formt", "Name", "devise", "objective", "x"])
def test_unknown_keys_are_refused(key):
    """At the top and in an entry, with the nearest match."""
    with pytest.raises(BadInput, match=f"{key}: unknown key, allowed are format"):
        parse_calibration(table({key: 1}))
    with pytest.raises(BadInput, match=rf"objectives\[0\].{key}: unknown key, allowed are name"):
        parse_calibration(table({}, {key: 1}))


def test_an_objective_twice_is_refused():
    """Two prices for the same trial are one too many."""
    made = table()
    made["objectives"].append(copy.deepcopy(made["objectives"][0]))

    with pytest.raises(BadInput, match=r"objectives\[2\]: lenet \(.*\) is there twice"):
        parse_calibration(made)


def test_a_bad_file_is_named(tmp_path):
    """A field's message is preceded by the file's name."""
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.to_toml().replace("format = 1", "format = 2"))

    with pytest.raises(BadInput, match=r"calibration mine\.toml: format = 2: need a whole number in 1\.\.1"):
        load_calibration(str(path))


def test_the_file_is_meant_to_be_read():
    """Few lines, none of them long, with the costs one to a line."""
    text = GOOD.to_toml()

    assert max(map(len, text.splitlines())) <= 120
    assert "steps = 0.125\n" in text
    assert json.dumps(ENTRY.date) in text
