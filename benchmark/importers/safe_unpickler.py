"""Reads pickles that hold plain containers and scalars only; nothing that a pickle names is looked up or called."""

from __future__ import annotations

import io
import pickle
from typing import Any, ClassVar

from benchmark.errors import BadInput, one_line

ALLOWED = (
    *(pickle.PROTO, pickle.FRAME, pickle.STOP, pickle.MARK, pickle.POP, pickle.POP_MARK),
    *(pickle.NONE, pickle.NEWTRUE, pickle.NEWFALSE, pickle.BINFLOAT),
    *(pickle.BININT, pickle.BININT1, pickle.BININT2, pickle.LONG1),
    *(pickle.SHORT_BINUNICODE, pickle.BINUNICODE),
    *(pickle.EMPTY_DICT, pickle.EMPTY_LIST, pickle.EMPTY_TUPLE),
    *(pickle.APPEND, pickle.APPENDS, pickle.SETITEM, pickle.SETITEMS),
    *(pickle.TUPLE, pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3),
    *(pickle.BINPUT, pickle.LONG_BINPUT, pickle.MEMOIZE, pickle.BINGET, pickle.LONG_BINGET),
)
"""Opcodes of dictionaries, lists, tuples, texts and numbers. None of these imports, calls or builds anything else."""

_Interpreter: Any = pickle._Unpickler
"""The standard library's own interpreter in Python.

The one in C would allocate as much memory as an opcode claims, and its set of opcodes cannot be reduced.
"""


class _PlainUnpickler(_Interpreter):  # type: ignore[misc]
    """Has no method for any opcode that is not allowed, `find_class` is never reached."""

    dispatch: ClassVar[dict[int, Any]] = {opcode[0]: _Interpreter.dispatch[opcode[0]] for opcode in ALLOWED}


def unpickle_plain(data: bytes, name: str) -> Any:
    """Return what a pickle holds, if that is made of dictionaries, lists, tuples, texts and numbers.

    Args:
        data: the whole pickle.
        name: of its file, for the message.

    Raises:
        BadInput: any other opcode, in particular one that names a class or function, or damage.
    """
    try:
        value = _PlainUnpickler(io.BytesIO(data)).load()
    except KeyError as error:
        code = error.args[0] if error.args else None
        raise BadInput(f"{name}: refused: {_describe_opcode(code)}; only plain containers are read") from error
    except Exception as error:  # Damage shows as whatever the interpreter stumbles over.
        raise BadInput(f"{name}: damaged pickle ({one_line(error)})") from error
    return value


def _describe_opcode(code: object) -> str:
    """Name an opcode, as `STACK_GLOBAL`."""
    names = {
        value[0]: name
        for name, value in vars(pickle).items()
        if name.isupper() and isinstance(value, bytes) and len(value) == 1
    }
    return f"it holds the opcode {names[code]}" if isinstance(code, int) and code in names else "it is damaged"
