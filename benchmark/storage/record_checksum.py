"""The checksum of a ledger's record: CRC-32, continued from the record before, as the last key of its line."""

from __future__ import annotations

import zlib

_MARK = b',"crc":"'
_LENGTH = len(b'00000000"}')


def add_checksum(body: bytes, previous_crc: int) -> tuple[bytes, int]:
    """Return the line of a record's JSON object, newline included, and its checksum."""
    crc = zlib.crc32(body, previous_crc)
    return body[:-1] + _MARK + b'%08x"}\n' % crc, crc


def remove_checksum(line: bytes, previous_crc: int) -> tuple[bytes, int] | None:
    """Return the JSON object of a line without its newline, and its checksum; None where the checksum is wrong."""
    head, mark, tail = line.rpartition(_MARK)
    if not mark or len(tail) != _LENGTH or not tail.endswith(b'"}'):
        return None
    body = head + b"}"
    crc = zlib.crc32(body, previous_crc)
    return (body, crc) if tail[:8] == b"%08x" % crc else None
