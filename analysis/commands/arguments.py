"""Arguments that several verbs take."""

from __future__ import annotations

import argparse

from analysis.figure_output import FORMATS, SIZES


def add_suite(parser: argparse.ArgumentParser) -> None:
    """SUITE and --results: see `analysis.loading.suite_folder.suite_folder`."""
    parser.add_argument("suite", metavar="SUITE", help="name of a suite, or the path of its .toml file")
    add_results(parser)


def add_results(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--results", metavar="DIR", default="results", help="folder of all results (default: results)")


def add_mixed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--mixed", action="store_true", help="take runs of several devices together, and say so, instead of refusing"
    )


def add_figure_output(parser: argparse.ArgumentParser) -> None:
    """--formats and --size: see `analysis.figure_output.parse_output`."""
    parser.add_argument(
        "--formats", metavar="LIST", help=f"of the figures, some of {','.join(FORMATS)} (default: png,svg)"
    )
    parser.add_argument(
        "--size", metavar="NAME", help=f"figures for a paper or a slide, below figures/NAME: {', '.join(SIZES)}"
    )
    parser.add_argument("--jobs", metavar="N", help="processes that draw many figures (default: one a core)")


def add_quiet(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")


def add_skip(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--skip",
        metavar="NAME",
        action="append",
        default=[],
        help="leave out tables and figures of this name and their part of the page, as importance; may be repeated",
    )
