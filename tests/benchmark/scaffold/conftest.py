"""The toy field of the arena's tests, for examples to enter."""

from tests.benchmark.arena.conftest import field_folder, toy

__all__ = ["field_folder", "toy"]
