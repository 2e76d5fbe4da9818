"""Shows things in a notebook: whether this process is a notebook's kernel, and output that is replaced in place."""

from __future__ import annotations

import sys
from typing import Any


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook; imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return hasattr(shell, "kernel")


class NotebookOutput:
    """One output of a cell, which is replaced whenever something is shown again."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, value: Any) -> None:
        """Show a value in the place of the one before it."""
        from IPython.display import display

        if self._handle is None:
            self._handle = display(value, display_id=True)
        else:
            self._handle.update(value)
