"""The name under which stored ledgers (formats/v1) know tests.benchmark.fakes.stacked_toy."""

from tests.benchmark.fakes.stacked_toy import StackedToy as Slots

__all__ = ["Slots"]
