"""Arguments that several commands take."""

from __future__ import annotations

import argparse
from typing import Any

from benchmark.cli.options import recorded_results, whole_number
from benchmark.cli.parser import Check, Checked


def add_checked(
    parser: argparse.ArgumentParser, name: str, metavar: str, check: Check, text: str, **options: Any
) -> None:
    """Add an option whose text goes through a check."""
    parser.add_argument(name, metavar=metavar, action=Checked, check=check, help=text, **options)


def add_suite(parser: argparse.ArgumentParser) -> None:
    """Add SUITE, and --set to override its keys."""
    parser.add_argument("suite", metavar="SUITE", help="a name (see `list`) or a path to a TOML file")
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="override a suite's key")


def add_results(parser: argparse.ArgumentParser, default: str = "results") -> None:
    """Add --results, the folder of all results."""
    parser.add_argument("--results", metavar="DIR", default=default, help=f"where results are (default: {default})")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add --quiet."""
    parser.add_argument("--quiet", action="store_true", help="print nothing but problems")


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add --data and --device."""
    text = "folder with the data sets (default: $INCUMBENT_DATA, else data/)"
    parser.add_argument("--data", metavar="DIR", help=text)
    parser.add_argument("--device", metavar="DEVICE", help="cpu, cuda or cuda:N (default: the suite's)")
    parser.set_defaults(precision=None, route=None)


def add_jobs(parser: argparse.ArgumentParser, default: int | None = None) -> None:
    """Add --jobs, the number of processes; None leaves it to the machine."""
    usual = "one a core, or one a GPU" if default is None else default
    text = f"processes (default: {usual}); results do not change"
    add_checked(parser, "--jobs", "N", whole_number(1, 1024), text, default=default)


def add_training(parser: argparse.ArgumentParser) -> None:
    """Add how trials are trained: --jobs, --data, --device, --stack, --route, --precision."""
    add_jobs(parser)
    add_machine(parser)
    text = "trials side by side (default: the objective's); results do not change"
    add_checked(parser, "--stack", "N", whole_number(1, 4096), text)
    text = "how trials train side by side: triton, functional, stacked or looped (default: the fastest that is sound)"
    parser.add_argument("--route", metavar="R", help=text)
    parser.add_argument(
        "--precision",
        metavar="P",
        help="of our kernels on a GPU: ieee, bf16x6 (default since 8.0), tf32x3, tf32",
    )


def add_execution(parser: argparse.ArgumentParser) -> None:
    """Add how runs are spread and what they may build on: training, --backend, --reuse, --allow-mixed."""
    add_training(parser)
    parser.add_argument("--backend", metavar="B", help="loky (default), dask or ray; results do not change")
    parser.add_argument("--scheduler", metavar="URL", help="of a Dask cluster, as tcp://host:8786 (default: start one)")
    parser.add_argument("--address", metavar="A", help="of a Ray cluster, as host:6379 or auto (default: start one)")
    text = "a suite's results (DIR/runs) whose trials need no training"
    add_checked(parser, "--reuse", "DIR", recorded_results, text)
    parser.add_argument("--allow-mixed", action="store_true", help="continue runs of another machine, and mark them")
