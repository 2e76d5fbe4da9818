"""The book's idioms for classes: arguments kept as attributes, and methods added after the class."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from typing import Any, TypeVar

Method = TypeVar("Method", bound=Callable[..., Any])


def add_to_class(owner: type) -> Callable[[Method], Method]:
    """Decorate a function so that it becomes a method of a class that exists already."""

    def add(method: Method) -> Method:
        setattr(owner, method.__name__, method)
        return method

    return add


class HyperParameters:
    """Base class whose `save_hyperparameters` keeps a constructor's arguments as attributes.

    Attributes:
        hparams: what the last call has kept, by name.
    """

    hparams: dict[str, Any]

    def save_hyperparameters(self, ignore: Collection[str] = ()) -> None:
        """Store the arguments and local variables of the calling `__init__` on the object, but for those ignored."""
        frame = inspect.currentframe()
        caller = None if frame is None else frame.f_back
        values = {} if caller is None else inspect.getargvalues(caller).locals
        kept = {name: value for name, value in values.items() if name not in {"self", *ignore} and name[0] != "_"}
        self.hparams = kept
        for name, value in kept.items():
            setattr(self, name, value)
