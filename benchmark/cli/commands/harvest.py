"""The command `harvest`: make offline tables of what a suite has trained."""

from __future__ import annotations

import argparse

from benchmark.cli import options
from benchmark.errors import BadInput, short_repr


def _harvest(parsed: argparse.Namespace) -> int:
    from benchmark.storage.ledger_format import LedgerError
    from benchmark.suite import parsing as suites
    from benchmark.tabular.harvest import harvest

    suite = suites.load(parsed.suite, parsed.set)
    folder = options.results(parsed.results, suite.name, writing=parsed.out is None) / suite.name
    out = options.out(str(folder / "offline") if parsed.out is None else parsed.out)
    try:
        for label, table in harvest(suite, folder, out):
            trials = int((table.reached > 0).sum())
            size = f"{len(table.configs)} configurations x {len(table.repetitions)} repetitions"
            print(f"{out / label}.npz: {size}, {trials} trials ({trials / table.reached.size:.0%})")
    except LedgerError as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise BadInput(f"--out {short_repr(str(out))}: cannot be written ({error.strerror})") from error
    return 0
