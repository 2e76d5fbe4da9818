"""Arguments that several commands take."""

from __future__ import annotations

import argparse

from benchmark.cli import options
from benchmark.cli.parser import Checked


def add_suite(parser: argparse.ArgumentParser) -> None:
    """SUITE, and --set to override its keys."""
    parser.add_argument("suite", metavar="SUITE", help="a name (see `list`) or a path to a TOML file")
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="override a suite's key")


def add_results(parser: argparse.ArgumentParser, default: str = "results") -> None:
    """--results, the folder of all results."""
    parser.add_argument("--results", metavar="DIR", default=default, help=f"where results are (default: {default})")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """--quiet."""
    parser.add_argument("--quiet", action="store_true", help="print nothing but problems")


def add_data(parser: argparse.ArgumentParser) -> None:
    """--data and --device."""
    parser.add_argument(
        "--data", metavar="DIR", help="folder with the data sets (default: $INCUMBENT_DATA, else data/)"
    )
    parser.add_argument("--device", metavar="DEVICE", help="cpu, cuda or cuda:N (default: the suite's)")


def add_jobs(parser: argparse.ArgumentParser, default: int | None = None) -> None:
    """--jobs, the number of processes; None leaves it to the machine."""
    shown = "one a core, or one a GPU" if default is None else default
    parser.add_argument(
        *("--jobs",),
        metavar="N",
        action=Checked,
        check=options.whole_number(1, 1024),
        default=default,
        help=f"processes (default: {shown}); results do not change",
    )


def add_training(parser: argparse.ArgumentParser) -> None:
    """How trials are trained: --jobs, --data, --device, --stack, --precision."""
    add_jobs(parser)
    add_data(parser)
    parser.add_argument(
        *("--stack",),
        metavar="N",
        action=Checked,
        check=options.whole_number(1, 4096),
        help="trials side by side (default: the objective's); results do not change",
    )
    parser.add_argument("--precision", metavar="P", help="of our kernels on a GPU: ieee (default), tf32x3 or tf32")


def add_execution(parser: argparse.ArgumentParser) -> None:
    """How runs are spread and what they may build on: training, --backend, --reuse, --allow-mixed."""
    add_training(parser)
    parser.add_argument("--backend", metavar="B", help="loky (default), dask or ray; results do not change")
    parser.add_argument("--scheduler", metavar="URL", help="of a Dask cluster, as tcp://host:8786 (default: start one)")
    parser.add_argument("--address", metavar="A", help="of a Ray cluster, as host:6379 or auto (default: start one)")
    parser.add_argument(
        *("--reuse",),
        metavar="DIR",
        action=Checked,
        check=options.recorded_results,
        help="a suite's results (DIR/runs) whose trials need no training",
    )
    parser.add_argument("--allow-mixed", action="store_true", help="continue runs of another machine, and mark them")
