"""Reads and writes JSON as the standard library does, to the byte, in a fifth of its time.

Ledgers and digests of configurations are made of these bytes, so they must not depend on who writes them. orjson
differs from the standard library in how it writes small numbers, which is put right here, and in what is rare, which
the standard library writes and reads itself: lone surrogates, deep nests, whole numbers beyond 64 bits, text beyond
ASCII, escapes, and NaN, which it refuses.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import orjson

_STANDARD = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_SORTED = json.JSONEncoder(separators=(",", ":"), allow_nan=False, sort_keys=True)

_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS

_TINY = re.compile(rb"e-([0-9])(?![^],}])")
"""1e-7, which the standard library writes 1e-07."""

_SMALL = re.compile(rb"0\.0000(?<![0-9]0\.0000)([1-9])([0-9]*)(?![^],}])")
"""0.000012, which the standard library writes 1.2e-05; the look behind comes second, to search by the first digits."""

_LONG = re.compile(rb"[-:, [][0-9]{19}")
"""May begin a whole number beyond 64 bits, of which orjson makes a float; matches in texts and exponents do no harm."""

_ZEROS, _DIGITS = b"0" * 19, bytes.maketrans(b"123456789", b"000000000")
"""All digits are made zeros, and as many looked for, which is a tenth of the work of the pattern."""


def encode(value: Any, *, sort_keys: bool = False) -> bytes:
    """Return the bytes of `json.dumps(value, separators=(",", ":"), allow_nan=False)` for values of Python's own types.

    Raises:
        ValueError, TypeError, RecursionError: as the standard library, for what JSON cannot hold.
    """
    standard = _SORTED if sort_keys else _STANDARD
    try:
        body = orjson.dumps(value, option=_STRICT | orjson.OPT_SORT_KEYS if sort_keys else _STRICT)
    except orjson.JSONEncodeError:
        return standard.encode(value).encode()
    # A backslash would end the counting of quotes below.
    if _holds_nan(body, value) or b"\\" in body or not body.isascii():
        return standard.encode(value).encode()
    if b"e-" in body:  # Looking for it is a tenth of the work of the pattern.
        body = _TINY.sub(_rewrite_tiny, body)
    return _SMALL.sub(_rewrite_small, body) if b"0.0000" in body else body


def identity(config: dict[str, Any]) -> bytes | str:
    """Return what is equal for equal configurations of scalars only: 1, 1.0, True, 0.0 and -0.0 differ, orders do not.

    It takes a third of the time of `encode`, and is not to be stored: it depends on the library that writes it.
    """
    try:
        body = orjson.dumps(config, option=_STRICT | orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:  # A function may be given whatever it takes.
        return repr(sorted(config.items()))
    return repr(sorted(config.items())) if b"null" in body else body  # Of None or NaN.


def _holds_nan(body: bytes, value: Any) -> bool:
    """Return whether a null of orjson's is a NaN: there are more nulls than Nones, and reading gives another value."""
    nulls = body.count(b"null")
    if not nulls or not isinstance(value, dict):
        return nulls > 0 and bool(orjson.loads(body) != value)
    known = len([item for item in value.values() if item is None])
    return nulls > known and nulls > known + _count_nones_within(value) and bool(orjson.loads(body) != value)


def _count_nones_within(value: dict[str, Any]) -> int:
    """Count the Nones in the lists and dicts that a dict holds, but no deeper than a ledger's records have them."""
    inner = [item for item in value.values() if isinstance(item, dict)]
    items = [item for each in (value, *inner) for item in each.values()]
    lists = [item for item in items if isinstance(item, list)]
    return sum(each.count(None) for each in lists) + sum(item is None for each in inner for item in each.values())


def _rewrite_tiny(match: re.Match[bytes]) -> bytes:
    return match[0] if _is_in_string(match) else b"e-0" + match[1]


def _rewrite_small(match: re.Match[bytes]) -> bytes:
    if _is_in_string(match):
        return match[0]
    first, further = match.groups()
    return b"%b.%be-05" % (first, further) if further else first + b"e-05"


def _is_in_string(match: re.Match[bytes]) -> bool:
    """Return whether the match is inside a string; as quotes come in pairs, those on one side of it say so."""
    body, start = match.string, match.start()
    count = body.count(b'"', start) if 2 * start > len(body) else body.count(b'"', 0, start)
    return count % 2 == 1


def decode(body: bytes) -> Any:
    """Return what `json.loads` makes of the bytes; equal keys are one object, which saves a third of the memory.

    Raises:
        ValueError, RecursionError: as the standard library, for what is no JSON; also NaN and infinities, which the
            standard library reads and JSON has not.
    """
    if _ZEROS not in body.translate(_DIGITS) or _LONG.search(body) is None:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    return json.loads(body, parse_constant=_refuse)


def decode_roughly(body: bytes) -> Any:
    """Return what `decode` returns, in a third of its time, but of whole numbers beyond 64 bits only floats.

    Raises:
        ValueError, RecursionError: as `decode`.
    """
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return decode(body)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"it holds {constant}")
