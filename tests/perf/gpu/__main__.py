"""Calls what the first argument names (`COMMANDS`); without one of these names it measures on a device."""

from __future__ import annotations

import importlib
import signal
import sys

COMMANDS: dict[str, str] = {
    "agreement": "tests.perf.gpu.agreement",
    "cache": "tests.perf.gpu.offline.triton_cache",
    "carry": "tests.perf.gpu.session.carry",
    "compile": "tests.perf.gpu.offline.table",
    "interpreted": "tests.perf.gpu.session.interpreted",
    "ledgers": "tests.perf.gpu.session.ledgers",
    "machine": "tests.perf.gpu.session.machine",
    "part": "tests.perf.gpu.parts",
    "predict": "tests.perf.gpu.offline.prediction",
    "session": "tests.perf.gpu.session.schedule",
}
"""Name of a command: the module whose `main` takes the arguments behind it."""


def main(arguments: list[str]) -> int:
    """Return the exit code of the command."""
    if arguments and arguments[0] in COMMANDS:
        return int(importlib.import_module(COMMANDS[arguments[0]]).main(arguments[1:]))
    from tests.perf.gpu import measure

    return measure.main(arguments)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # A step's processes are ended first.
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        print(f"tests.perf.gpu: {sys.executable} has no {error.name}; call it by a Python that has", file=sys.stderr)
        sys.exit(2)
