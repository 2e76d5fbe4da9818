"""`tables`, `figures` and `plots`: from the ledgers of a suite to its CSV tables and its figures."""

from __future__ import annotations

import argparse
from pathlib import Path

from analysis.commands.arguments import add_mixed, add_quiet, add_suite
from analysis.display_names import with_display_names
from analysis.loading.machines import devices
from analysis.loading.results import Results, load
from analysis.loading.suite_folder import suite_folder
from analysis.provenance.checksums import with_provenance
from analysis.study import Study
from analysis.tables.basic import as_csv, as_text
from analysis.tables.scores import scale_notes
from analysis.tables.timing import as_json, as_line
from benchmark.storage.atomic_write import check_folder, write_files

SUMMARY = "write CSV tables, figures, or both of a suite"
OUTPUTS = {"tables": ("tables",), "figures": ("figures",), "plots": ("tables", "figures")}
"""What each verb writes."""

MOST_NAMED = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    parser.add_argument("--only", metavar="NAME", help="a single figure, by its name without suffix")
    add_mixed(parser)
    add_quiet(parser)


def execute(options: argparse.Namespace) -> int:
    folder = suite_folder(Path(options.results), options.suite)
    outputs = OUTPUTS[options.command]
    for name in outputs:
        check_folder(folder / name)
    study = Study(load(folder, mixed=options.mixed), folder)
    contents = {}
    if "tables" in outputs and options.only is None:
        contents["tables"] = {**as_csv(study.tables), "timing.json": as_json(study.results)}
    if "figures" in outputs:
        from analysis.figures import draw  # seaborn takes longer to import than tables take to write

        contents["figures"] = draw(with_display_names(study), only=options.only)
    contents = with_provenance(folder, study.results, contents)
    written = [path for name, files in contents.items() for path in write_files(folder / name, files)]
    if not options.quiet:
        told = ["", as_text(study.tables["summary"]), "", as_line(study.results)]
        print("\n".join([f"wrote {path}" for path in written] + notes(study.results) + told))
    return 0


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
    told.extend(f"note: {objective}: {text}" for objective, text in scale_notes(results))
    if results.unplanned:
        names = ", ".join(map(str, results.unplanned[:MOST_NAMED]))
        more = ", ..." if len(results.unplanned) > MOST_NAMED else ""
        ledgers = "1 ledger is" if len(results.unplanned) == 1 else f"{len(results.unplanned)} ledgers are"
        told.append(f"note: {ledgers} not in the plan and left out: {names}{more}")
    return told
