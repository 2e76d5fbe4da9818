"""`tables`, `figures` and `plots`: from the ledgers of a suite to its CSV tables and its figures."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from analysis.commands.arguments import add_figure_output, add_mixed, add_quiet, add_skip, add_suite
from analysis.figure_output import FigureOutput, parse_jobs, parse_output
from analysis.loading.suite_folder import suite_folder
from benchmark.errors import BadInput, nearest_match
from benchmark.storage.atomic_write import check_folder

OUTPUTS = {"tables": ("tables",), "figures": ("figures",), "plots": ("tables", "figures")}
"""What each verb writes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    parser.add_argument(
        "--only", metavar="NAME", help="a single table or figure, by the name of its file without suffix"
    )
    add_skip(parser)
    add_figure_output(parser)
    add_mixed(parser)
    add_quiet(parser)


def execute(options: argparse.Namespace) -> int:
    folder, only = suite_folder(Path(options.results), options.suite), options.only
    outputs, output, jobs = OUTPUTS[options.command], _figure_output(options), parse_jobs(options.jobs)
    for name in (*outputs, output.folder) if "figures" in outputs else outputs:
        check_folder(folder / name)

    from analysis.commands.closing_notes import closing_lines, notes  # pandas: no refusal above should wait for it
    from analysis.commands.output import check_skipped, print_not_drawn, table_files, table_names, write
    from analysis.display_names import with_display_names
    from analysis.loading.results import load
    from analysis.study import Study

    study = Study(load(folder, mixed=options.mixed), folder)
    check_skipped(study, options.skip)
    tables = [name for name in table_names(study) if only in (None, name)] if "tables" in outputs else []
    if only is not None and not tables and "figures" not in outputs:
        known = table_names(study)
        raise BadInput(f"--only {only!r}: no such table, there are {', '.join(known)}{nearest_match(only, known)}")
    contents: dict[str, Mapping[str, bytes]] = {}
    as_files = table_files(study, [name for name in tables if name not in options.skip])
    if "figures" in outputs and (only is None or not tables):
        from analysis.figures import draw  # seaborn takes longer to import than tables take to write

        contents[output.folder] = draw(
            with_display_names(study), only=only, skip=options.skip, output=output, jobs=jobs
        )
    if tables:
        contents = {"tables": as_files(), **contents}
    written = write(study, contents, options.skip)
    if not options.quiet:
        print("\n".join([f"wrote {path}" for path in written] + notes(study.results) + closing_lines(study)))
    return print_not_drawn(study.not_drawn)


def _figure_output(options: argparse.Namespace) -> FigureOutput:
    """Formats and size of the figures.

    Raises:
        BadInput: there is no such one, or the command draws none.
    """
    output = parse_output(options.formats, options.size)
    for name in ("formats", "size"):
        if getattr(options, name) is not None and "figures" not in OUTPUTS[options.command]:
            raise BadInput(f"--{name}: {options.command} draws no figures; use figures or plots")
    return output
