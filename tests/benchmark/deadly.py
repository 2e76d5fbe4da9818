"""The name under which stored ledgers (formats/v1) know tests.benchmark.fakes.deadly."""

from tests.benchmark.fakes.deadly import *  # noqa: F403
