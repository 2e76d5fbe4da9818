"""How a data set that cannot be had is refused; who only has to know that imports no torch."""

from __future__ import annotations


class DataError(ValueError):
    """A data set that cannot be found, fetched or trusted; the message names the remedy."""
