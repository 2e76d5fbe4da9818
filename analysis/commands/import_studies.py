"""`import`: studies that other tools recorded become the results of a suite, which every other verb works on."""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.commands.arguments import add_quiet, add_results
from analysis.importers import READERS
from benchmark.errors import BadInput, shell_command
from benchmark.storage.suite_json import NAME, NAME_RULE

if TYPE_CHECKING:
    from analysis.importers.suite_writing.suite_writer import ImportedSuite

LONGEST_TITLE = 300
EPILOG = """\
A study is one run: an algorithm on an objective in one repetition. --group says which, by named groups of a regular
expression that matches a study's whole name: rep, and where there are several, algorithm and objective. Without it the
studies of an algorithm, as far as the tool names it, are its repetitions in the order of their names. --with adds runs
of a suite that was run here as further algorithms."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument("name", metavar="NAME", help="name of the suite to make")
    parser.add_argument("sources", metavar="SOURCE", nargs="+", help="file or folder that another tool wrote")
    parser.add_argument("--tool", metavar="TOOL", help=f"{', '.join(READERS)} (default: what the source certainly is)")
    parser.add_argument(
        "--group",
        metavar="REGEX",
        action="append",
        default=[],
        help="as 'tpe-(?P<rep>\\d+)'; may be given several times",
    )
    parser.add_argument(
        "--metric",
        metavar="METRIC[=min|max]",
        action="append",
        default=[],
        help="what incumbents are chosen by (default: a study's first), with its goal where the tool records none; "
        "further ones are kept",
    )
    parser.add_argument("--mapping", metavar="FILE.toml", help="what the columns of CSV files are")
    parser.add_argument(
        "--with",
        metavar="RESULTS/SUITE/OBJECTIVE",
        dest="own",
        action="append",
        default=[],
        help="add an objective's runs of a suite that was run here; may be given several times",
    )
    parser.add_argument("--title", metavar="TEXT", help="title of figures and report (default: made of tools and name)")
    add_results(parser)
    add_quiet(parser)


def execute(options: argparse.Namespace) -> int:
    if not NAME.fullmatch(options.name):
        raise BadInput(f"NAME {options.name!r}: need {NAME_RULE}")
    if options.title is not None and not 1 <= len(options.title) <= LONGEST_TITLE:
        raise BadInput(f"--title: need a text of at most {LONGEST_TITLE} characters")
    folder = Path(options.results) / options.name

    from analysis.importers.sources import read_sources
    from analysis.importers.studies.metric_choice import parse_metrics
    from analysis.importers.suite_writing.arrangement import arrange, compile_groups
    from analysis.importers.suite_writing.own_results import read_own
    from analysis.importers.suite_writing.suite_of_studies import make_suite
    from analysis.importers.suite_writing.suite_writer import check_target, write_suite

    check_target(folder)
    patterns = compile_groups(options.group)
    first, metrics = parse_metrics(options.metric)
    own = [read_own(text) for text in options.own]
    studies = read_sources(options.sources, options.tool, options.mapping, metrics)
    objective = own[0].objective["label"] if len(own) == 1 else options.name
    arrangement = arrange(studies, patterns, objective)
    tools = ", ".join(dict.fromkeys(study.tool for study in studies))
    suite = make_suite(options.name, options.title or f"{options.name}, imported from {tools}", arrangement, own, first)
    write_suite(folder, suite)
    if not options.quiet:
        print("\n".join([f"wrote {folder}", *_summary(suite), *_next(options)]))
    return 0


def _summary(suite: ImportedSuite) -> list[str]:
    """What became of the studies, a line an algorithm, and what a reader must know."""
    counts = Counter((run.objective, run.algorithm) for run in suite.runs)
    trials = Counter((run.objective, run.algorithm) for run in suite.runs for _ in run.evaluations)
    clocks = suite.section["clocks"]
    lines = [
        f"{objective}: {algorithm}: {_count(count, 'repetition')}, "
        f"{_count(trials[objective, algorithm], 'evaluation')}, {clocks[algorithm]}"
        for (objective, algorithm), count in counts.items()
    ]
    pairs = "pairs" if suite.section["paired"] else "no pairs: comparisons are unpaired"
    several = [f"; the same repetition of two algorithms: {pairs}"] if len(suite.algorithms) > 1 else []
    notes = [f"note: {note}" for note in suite.section["notes"]]
    return [*lines, f"repetitions: {suite.section['matching']}{''.join(several)}", *notes]


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def _next(options: argparse.Namespace) -> list[str]:
    results = [] if options.results == "results" else ["--results", options.results]
    return [f"next: {shell_command('analysis', verb, options.name, *results)}" for verb in ("plots", "report")]
