"""`python -m benchmark`: run suites, tell how far they are, list what there is."""

from __future__ import annotations

import sys

from benchmark.cli import main

if __name__ == "__main__":
    sys.exit(main())
