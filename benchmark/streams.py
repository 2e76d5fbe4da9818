"""What a command says on stdout and stderr, which may be closed, full or gone."""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def tell(message: str) -> None:
    """A line on stderr, as far as there is one that takes it; the exit code says the rest."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(message, file=sys.stderr, flush=True)


def let_go() -> None:
    """Nothing more reaches stdout, nor fails there at the interpreter's end."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
