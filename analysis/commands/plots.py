"""`tables`, `figures` and `plots`: from the ledgers of a suite to its CSV tables and its figures."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

from analysis.commands.arguments import add_mixed, add_quiet, add_skip, add_suite
from analysis.commands.output import check_skipped, print_not_drawn, table_files, table_names, write
from analysis.display_names import with_display_names
from analysis.loading.machines import devices
from analysis.loading.results import Results, load
from analysis.loading.suite_folder import suite_folder
from analysis.study import Study
from analysis.tables.basic import as_text, end_notes
from analysis.tables.endpoints import test_notes
from analysis.tables.feasibility import feasibility_notes
from analysis.tables.front import multi_objective
from analysis.tables.hypervolume import reference_notes
from analysis.tables.scores import scale_notes
from analysis.tables.seed_optimism import seed_notes
from analysis.tables.timing import as_line
from benchmark.errors import BadInput, nearest_match
from benchmark.storage.atomic_write import check_folder

OUTPUTS = {"tables": ("tables",), "figures": ("figures",), "plots": ("tables", "figures")}
"""What each verb writes."""

MOST_NAMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    parser.add_argument(
        "--only", metavar="NAME", help="a single table or figure, by the name of its file without suffix"
    )
    add_skip(parser)
    add_mixed(parser)
    add_quiet(parser)


def execute(options: argparse.Namespace) -> int:
    folder, only = suite_folder(Path(options.results), options.suite), options.only
    outputs = OUTPUTS[options.command]
    for name in outputs:
        check_folder(folder / name)
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

        contents["figures"] = draw(with_display_names(study), only=only, skip=options.skip)
    if tables:
        contents = {"tables": as_files(), **contents}
    written = write(study, contents, options.skip)
    if not options.quiet:
        print("\n".join([f"wrote {path}" for path in written] + notes(study.results) + _closing(study)))
    return print_not_drawn(study.not_drawn)


def _closing(study: Study) -> list[str]:
    """The summary to read, and what was charged and paid."""
    parts = {"summary": lambda: as_text(study.tables["summary"], study.results.plan)}
    if multi_objective(study.results):
        parts["hypervolume"] = lambda: as_text(study.tables["hypervolume_summary"], study.hypervolume.results.plan)
    parts["timing"] = lambda: as_line(study.results)
    made = [study.not_drawn.attempt(f"terminal/{name}", make) for name, make in parts.items()]
    return [line for text in made if text is not None for line in ("", text)]


def notes(results: Results) -> list[str]:
    """What a reader of the summary must know: runs that are not in it, ledgers that were not read."""
    told = []
    for state, meaning in (("failed", "algorithm crashed"), ("partial", "not finished"), ("missing", "not begun")):
        count = sum(run.state == state for run in results.runs)
        if count:
            told.append(f"note: {count} of {len(results.runs)} runs {state} ({meaning})")
    machines = devices(results.environments, results.plan.clock)
    if len(machines) > 1:
        told.append(f"note: runs of {len(machines)} machines are taken together: {'; '.join(machines)}")
    for sentences in (end_notes, test_notes, scale_notes, reference_notes, feasibility_notes):
        told.extend(f"note: {objective}: {text}" for objective, text in sentences(results))
    told.extend(f"note: {text}" for text in seed_notes(results.plan))
    if results.unplanned:
        names = ", ".join(map(str, results.unplanned[:MOST_NAMED]))
        more = ", ..." if len(results.unplanned) > MOST_NAMED else ""
        ledgers = "1 ledger is" if len(results.unplanned) == 1 else f"{len(results.unplanned)} ledgers are"
        told.append(f"note: {ledgers} not in the plan and left out: {names}{more}")
    return told
