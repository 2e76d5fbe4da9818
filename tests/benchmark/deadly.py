"""The name under which stored ledgers (formats/v1) know tests.benchmark.fakes.crashing."""

from tests.benchmark.fakes.crashing import RaisingSearcher as Raises

__all__ = ["Raises"]
