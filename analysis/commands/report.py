"""`report`: the page of a suite that opens from disk, the tables it links to, and the index of all suites."""

from __future__ import annotations

import argparse
from pathlib import Path

from analysis.commands.arguments import add_mixed, add_quiet, add_skip, add_suite
from analysis.loading.suite_folder import suite_folder
from benchmark.storage.atomic_write import check_folder, write_files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    add_skip(parser)
    add_mixed(parser)
    add_quiet(parser)


def execute(options: argparse.Namespace) -> int:
    results = Path(options.results)
    folder = suite_folder(results, options.suite)
    for name in ("report", "tables"):
        check_folder(folder / name)

    from analysis.commands.closing_notes import (
        notes,  # pandas, Jinja and seaborn: no refusal above should wait for them
    )
    from analysis.commands.output import check_skipped, print_not_drawn, table_files, table_names, write
    from analysis.display_names import with_display_names
    from analysis.loading.results import load
    from analysis.report.index import index
    from analysis.report.page import page
    from analysis.study import Study

    study = Study(load(folder, mixed=options.mixed), folder)
    check_skipped(study, options.skip)
    as_files = table_files(study, [name for name in table_names(study) if name not in options.skip])
    files = page(with_display_names(study), options.skip)
    written = write(study, {"tables": as_files(), "report": files}, options.skip)
    written += write_files(results, index(results))  # After the page, whose card it reads.
    if not options.quiet:
        print("\n".join([f"wrote {path}" for path in written] + notes(study.results)))
    return print_not_drawn(study.not_drawn)
