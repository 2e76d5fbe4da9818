"""Pickles: plain containers are read, and nothing that a pickle names is looked up, called or built."""

import collections
import contextlib
import functools
import pickle
import struct
import tracemalloc

import numpy as np
import pytest

from benchmark.errors import BadInput
from benchmark.importers.safe_unpickler import unpickle_plain

PLAIN = {"012": {"loss": [0.5, 1e300, -0.0], "seeds": [1, 2**40, True, None], "pair": (1, (2, 3), ())}}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_containers_come_back_as_they_were(protocol):
    """A pickle of dictionaries, lists, tuples, texts and numbers gives what the standard library's reader gives."""
    data = pickle.dumps(PLAIN, protocol)
    assert unpickle_plain(data, "a.pkl") == pickle.loads(data) == PLAIN


class Reduces:
    """Pickled, it is a call of a function with arguments."""

    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


def payloads(mark):
    """Pickles that would create the file `mark` (or do harm in memory) if any of them were obeyed."""
    import os

    command = f"touch {mark}"
    text = command.encode()
    yield from (pickle.dumps(Reduces(os.system, command), protocol) for protocol in range(6))
    yield pickle.dumps({"a": [Reduces(open, str(mark), "w")]})
    yield pickle.dumps(functools.partial(os.system, command))
    yield pickle.dumps(collections.OrderedDict(a=Reduces(eval, f"open({str(mark)!r}, 'w')")))
    yield pickle.dumps(Reduces(exec, f"open({str(mark)!r}, 'w')"))
    yield pickle.dumps(np.arange(3))
    yield b"cos\nsystem\n(S'" + text + b"'\ntR."  # GLOBAL and REDUCE
    yield b"(S'" + text + b"'\nios\nsystem\n."  # INST
    yield b"(cos\nsystem\nS'" + text + b"'\no."  # OBJ
    yield b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + bytes([len(text)]) + text + b"\x85R."  # STACK_GLOBAL
    yield b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + bytes([len(text)]) + text + b"\x85\x81."  # NEWOBJ
    yield b"\x80\x02cos\nsystem\nX" + struct.pack("<I", len(text)) + text + b"\x85}\x92."  # NEWOBJ_EX
    yield b"\x80\x02cbuiltins\ngetattr\ncos\nX\x06\x00\x00\x00system\x86R."  # A function by a nested global
    yield b"Pfile\n."  # PERSID
    yield b"\x80\x02X\x01\x00\x00\x00aQ."  # BINPERSID
    yield b"\x82\x01."  # EXT1
    yield b"\x80\x02}}b."  # BUILD


CLAIMS = {
    "frame": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
    "memo": b"\x80\x02Nr\xff\xff\xff\x7f.",
    "byte array": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b".",
    "text": b"\x80\x04X\xff\xff\xff\x7fa.",
    "long text": b"\x80\x04\x8d" + struct.pack("<Q", 2**50) + b"a.",
}
"""Pickles of some bytes that claim to hold terabytes."""


def test_no_payload_is_obeyed(tmp_path):
    """System calls, nested globals and persistent identifiers are refused and leave no mark."""
    for data in payloads(tmp_path / "mark"):
        with pytest.raises(BadInput, match=r"^a\.pkl: "):
            unpickle_plain(data, "a.pkl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_of_memory_costs_none(claim):
    """A pickle that says it holds terabytes is refused, or read as the None that it holds, in some kilobytes."""
    tracemalloc.start()
    try:
        with contextlib.suppress(BadInput):
            assert unpickle_plain(CLAIMS[claim], "a.pkl") is None
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 1_000_000


def test_a_refusal_names_file_and_opcode():
    """Whoever meets a refusal learns which file it is about and what it held."""
    with pytest.raises(BadInput, match=r"car\.pkl: refused: it holds the opcode STACK_GLOBAL; only plain"):
        unpickle_plain(pickle.dumps(np.float64, 4), "car.pkl")


def test_every_truncation_is_refused():
    """A pickle that ends early is damaged, wherever it ends."""
    data = pickle.dumps(PLAIN)
    for end in range(len(data)):
        with pytest.raises(BadInput, match=r"a\.pkl"):
            unpickle_plain(data[:end], "a.pkl")
