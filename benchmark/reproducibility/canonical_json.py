"""JSON as the standard library reads and writes it, to the byte, in a fifth of its time.

Ledgers and digests of configurations are made of these bytes, so they must not depend on who writes them. orjson
differs from the standard library in how it writes small numbers, which is put right here, and in what is rare, which
the standard library writes and reads itself: lone surrogates, deep nests, whole numbers beyond 64 bits, text beyond
ASCII, escapes, and NaN, which it refuses.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

_STANDARD = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_SORTED = json.JSONEncoder(separators=(",", ":"), allow_nan=False, sort_keys=True)

_STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS

_TINY = re.compile(rb"e-([0-9])(?![^],}])")
"""1e-7, which the standard library writes 1e-07."""

_SMALL = re.compile(rb"0\.0000([1-9])([0-9]*)(?![^],}])")
"""0.000012, which the standard library writes 1.2e-05."""

_LONG = re.compile(rb"[-:, [][0-9]{19}")
"""May begin a whole number beyond 64 bits, of which orjson makes a float; matches in texts and exponents do no harm."""


def encode(value: Any, *, sort_keys: bool = False) -> bytes:
    """The bytes of `json.dumps(value, separators=(",", ":"), allow_nan=False)`, for values of Python's own types.

    Raises:
        ValueError, TypeError, RecursionError: as the standard library, for what JSON cannot hold.
    """
    try:
        body = orjson.dumps(value, option=_STRICT | orjson.OPT_SORT_KEYS if sort_keys else _STRICT)
    except orjson.JSONEncodeError:
        body = b"null"
    # null may be a NaN. A backslash would end the counting of quotes below.
    if b"null" in body or b"\\" in body or not body.isascii():
        return (_SORTED if sort_keys else _STANDARD).encode(value).encode()
    return _SMALL.sub(_small, _TINY.sub(_tiny, body))


def _tiny(found: re.Match[bytes]) -> bytes:
    return found[0] if _quoted(found) else b"e-0" + found[1]


def _small(found: re.Match[bytes]) -> bytes:
    if _quoted(found) or found.string[found.start() - 1 : found.start()].isdigit():
        return found[0]
    return found[1] + (b"." + found[2] if found[2] else b"") + b"e-05"


def _quoted(found: re.Match[bytes]) -> bool:
    """Whether it stands in a string."""
    return found.string.count(b'"', 0, found.start()) % 2 == 1


def decode(body: bytes) -> Any:
    """What `json.loads` makes of the bytes; equal keys are one object, which is a third of a ledger's memory.

    Raises:
        ValueError, RecursionError: as the standard library, for what is no JSON.
    """
    if _LONG.search(body) is None:
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            pass
    return json.loads(body)
