"""The tests; `tests.benchmark.fakes` and the like are reached by dotted path, also from worker processes."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
"""The checkout."""
