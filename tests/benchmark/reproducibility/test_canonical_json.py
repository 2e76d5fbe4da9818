"""JSON held against the standard library, byte by byte."""

import json
import math
import struct

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmark.reproducibility import canonical_json

FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.builds(lambda digits, power: float(f"{digits}e{power}"), st.integers(-99999, 99999), st.integers(-12, 20)),
)
TEXTS = st.one_of(
    st.text(st.characters(codec=None)),
    st.text('019.e-+,:[]{}"\\ \n'),
    st.sampled_from(("1e-5", "[0.00001,", "x: 1e-7]")),
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | FLOATS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4) | st.tuples(inner, inner),
    max_leaves=12,
)


def standard(value, **options):
    return json.dumps(value, separators=(",", ":"), allow_nan=False, **options).encode()


@given(VALUES)
@example({"at": [1e-5, 0.000012, -0.000099, 1e-6, 5e-324, -1e-9, 1e-10, 1e16, 1e22, -0.0]})
@example({"no": [10.00001, 100.000012, 0.00012], "text": "[0.00001,1e-5]", "[1e-5]": 1e-5})
@example(1e-5)
@example({"long": 2**70, "tiny": 1e-5})
@example({"\ud800": "\ud800"})
@example({"known": None, "unwritable by orjson": "\ud800"})
@example({"known": None, "further": [None, "null"]})
def test_it_writes_what_the_standard_library_writes(value):
    """Whatever the numbers, and whatever strings look like numbers."""
    assert canonical_json.encode(value) == standard(value)
    assert canonical_json.encode(value, sort_keys=True) == standard(value, sort_keys=True)


@pytest.mark.parametrize("power", range(-12, 1))
def test_small_numbers_of_every_size(power):
    """Short ones and long ones, between others and alone."""
    for step in range(1, 1000):
        value = float(f"{step}e{power}")
        longer = math.nextafter(value, math.inf)
        for told in (value, [value, -longer], {"a": longer, "b": 10 + value}):
            assert canonical_json.encode(told) == standard(told)


@given(st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=50))
def test_random_bit_patterns(patterns):
    """Patterns of 64 bits that are numbers, and their way back."""
    values = [value for (value,) in map(struct.Struct("d").unpack, patterns) if math.isfinite(value)]

    body = canonical_json.encode(values)

    assert body == standard(values)
    assert [struct.pack("d", value) for value in canonical_json.decode(body)] == [struct.pack("d", v) for v in values]


@pytest.mark.parametrize(
    "value", [math.nan, {"a": math.inf}, [-math.inf, 1e-5], {"a": {1, 2}}, range(3), b"bytes", 1j], ids=repr
)
def test_it_refuses_what_the_standard_library_refuses(value):
    """In the same words: NaN, infinities, and what has no JSON."""
    with pytest.raises((TypeError, ValueError)) as theirs:
        standard(value)

    with pytest.raises(type(theirs.value)) as ours:
        canonical_json.encode(value)

    assert str(ours.value) == str(theirs.value)


def test_a_circle_is_refused():
    """Not followed for ever."""
    circle = {}
    circle["self"] = circle

    with pytest.raises(ValueError, match="Circular reference"):
        canonical_json.encode(circle)


@given(VALUES)
@example([2**64, -(2**63) - 1, 12345678901234567890.0])
def test_it_reads_what_the_standard_library_reads(value):
    """Types included: a whole number of any length stays one."""
    body = standard(value)

    assert repr(canonical_json.decode(body)) == repr(json.loads(body))


@settings(max_examples=50)
@given(st.lists(FLOATS | TEXTS | st.none() | st.integers(-(2**63), 2**64 - 1)))
@example([1e-5, 10**18, -(10**18), 2**63 - 1, 0.00012345678901234567])
def test_a_rough_reading_differs_in_long_numbers_alone(value):
    """Up to 64 bits it is the exact one."""
    exact = canonical_json.decode(standard(value))

    assert canonical_json.decode_roughly(standard(value)) == exact
    assert canonical_json.decode_roughly(b"[18446744073709551616]") == [2.0**64]


@settings(max_examples=50)
@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.none() | st.booleans() | st.integers(0, 2) | FLOATS | TEXTS)))
@example([{"a": 1}, {"a": 1.0}, {"a": True}, {"a": "1"}])
@example([{"a": 0.0}, {"a": -0.0}, {"a": 0}, {"a": False}, {"a": None}, {"a": "null"}])
@example([{"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 2, "b": 1}])
def test_the_same_identity_is_the_same_text(configs):
    """Two configurations have one where their texts with sorted names are equal, and nowhere else."""
    texts = [standard(config, sort_keys=True) for config in configs]
    identities = [canonical_json.identity(config) for config in configs]

    assert [[a == b for a in identities] for b in identities] == [[a == b for a in texts] for b in texts]


def test_what_json_cannot_hold_has_an_identity():
    """A function may be given NaN or what is no scalar."""
    configs = [{"a": math.nan}, {"a": None}, {"a": len}, {"a": max}, {"a": 2**70}, {"a": 2.0**70}]

    assert len({canonical_json.identity(config) for config in configs}) == len(configs)


@pytest.mark.parametrize("body", [b"", b"{", b'{"a":}', b"[1,]", b'"\x01"', b"\xff", b"[" * 100_000])
def test_it_refuses_what_is_no_json(body):
    """With the errors of the standard library."""
    for decode in (canonical_json.decode, canonical_json.decode_roughly):
        with pytest.raises((ValueError, RecursionError)):
            decode(body)
