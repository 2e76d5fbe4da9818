"""The name under which stored ledgers (formats/v1) know tests.benchmark.fakes.slots."""

from tests.benchmark.fakes.slots import *  # noqa: F403
