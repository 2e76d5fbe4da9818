"""The command `harvest`: make offline tables of what a suite has trained."""

from __future__ import annotations

import argparse

from benchmark.cli import options
from benchmark.cli.arguments import add_results, add_suite
from benchmark.errors import BadInput, short_repr
from benchmark.storage.ledger_format import LedgerError
from benchmark.suite.parsing import load


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    parser.add_argument("--out", metavar="DIR", help="where tables go (default: RESULTS/SUITE/offline)")
    text = "tables to be objectives by themselves: the calibration's seconds, their own best and typical values"
    parser.add_argument("--publish", action="store_true", help=text)
    add_results(parser)


def execute(parsed: argparse.Namespace) -> int:
    suite = load(parsed.suite, parsed.set)
    folder = options.check_results(parsed.results, suite.name, writing=parsed.out is None) / suite.name
    out = options.check_folder("--out", str(folder / "offline") if parsed.out is None else parsed.out, writing=True)
    from benchmark.tabular.harvest import harvest

    try:
        for label, table in harvest(suite, folder, out, publish=parsed.publish):
            trials = int((table.reached > 0).sum())
            size = f"{table.members.size} configurations x {len(table.seeds)} repetitions"
            print(f"{out / label}.npz: {size}, {trials} trials ({trials / table.reached.size:.0%})")
    except LedgerError as error:
        raise BadInput(str(error)) from error
    except OSError as error:
        raise BadInput(f"--out {short_repr(str(out))}: cannot be written ({error.strerror})") from error
    return 0
