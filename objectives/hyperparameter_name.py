"""Names of hyperparameters: what they may hold, and what they are as arguments of functions."""

from __future__ import annotations

import unicodedata
from typing import Any

FIDELITY = "max_epochs"
"""The one reserved key of a configuration: how many epochs the scheduler asks for."""

SEPARATORS = ".-:/"
"""Characters that a name may hold besides those of identifiers, as in `optimizer.lr` or `weight-decay`."""

_UNDERSCORES = str.maketrans(SEPARATORS, "_" * len(SEPARATORS))


def argument_name(name: str) -> str:
    """The name as an argument of a function, and to other libraries: `optimizer.lr` becomes `optimizer_lr`."""
    return name.translate(_UNDERSCORES)


def check_name(name: Any) -> None:
    """Refuse what cannot name a hyperparameter.

    Raises:
        ValueError: naming the rule.
    """
    check_spelling("hyperparameter", name)
    if argument_name(name) == FIDELITY:
        raise ValueError(f"hyperparameter name {name!r}: need an identifier other than {FIDELITY}")


def check_spelling(kind: str, name: Any) -> None:
    """Refuse a name that is spelled as no hyperparameter and no metric may be.

    Args:
        kind: of what it names, for the message.
        name: the name.

    Raises:
        ValueError: naming the rule.
    """
    if not isinstance(name, str) or not argument_name(name).isidentifier() or name[0] in SEPARATORS:
        extra = " ".join(SEPARATORS)
        raise ValueError(f"{kind} name {name!r}: need an identifier, which may hold {extra} after its first letter")
    if unicodedata.normalize("NFC", name) != name:
        raise ValueError(f"{kind} name {name!r}: write it in Unicode normal form C")
