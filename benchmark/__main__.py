"""`python -m benchmark`: run suites, tell how far they are, list what there is."""

from __future__ import annotations

import sys

from benchmark.cli.main import main
from benchmark.cli.signals import end_within

if __name__ == "__main__":
    code = main()
    if code > 128:  # Stopped by a signal: what still runs in the background must not hold the process.
        end_within(1.0, code)
    sys.exit(code)
