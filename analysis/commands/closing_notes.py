"""What a command says at its end: the summary, what was charged and paid, and what a reader of them must know."""

from __future__ import annotations

from analysis.imported import imported_notes
from analysis.loading.machines import devices
from analysis.loading.results import Results
from analysis.study import Study
from analysis.tables.basic import as_text, end_notes
from analysis.tables.endpoints import test_notes
from analysis.tables.feasibility import feasibility_notes
from analysis.tables.front import multi_objective
from analysis.tables.hypervolume import reference_notes
from analysis.tables.scores import scale_notes
from analysis.tables.seed_optimism import seed_notes
from analysis.tables.timing import as_line

MOST_NAMED = 5


def closing_lines(study: Study) -> list[str]:
    """The summary to read, and what was charged and paid."""
    parts = {"summary": lambda: as_text(study.tables["summary"], study.results.plan)}
    if multi_objective(study.results):
        parts["hypervolume"] = lambda: as_text(study.tables["hypervolume_summary"], study.hypervolume.results.plan)
    parts["timing"] = lambda: as_line(study.results)
    texts = [study.not_drawn.attempt(f"terminal/{name}", make) for name, make in parts.items()]
    return [line for text in texts if text is not None for line in ("", text)]


def notes(results: Results) -> list[str]:
    """What a reader of the summary must know: runs that are not in it, ledgers that were not read."""
    lines = []
    for state, meaning in (("failed", "algorithm crashed"), ("partial", "not finished"), ("missing", "not begun")):
        count = sum(run.state == state for run in results.runs)
        if count and results.plan.imported is None:
            lines.append(f"note: {count} of {len(results.runs)} runs {state} ({meaning})")
    machines = devices(results.environments, results.plan.clock)
    if len(machines) > 1:
        lines.append(f"note: runs of {len(machines)} machines are taken together: {'; '.join(machines)}")
    lines.extend(f"note: {text}" for text in imported_notes(results.plan.imported))
    for sentences in (end_notes, test_notes, scale_notes, reference_notes, feasibility_notes):
        lines.extend(f"note: {objective}: {text}" for objective, text in sentences(results))
    lines.extend(f"note: {text}" for text in seed_notes(results.plan))
    if results.unplanned:
        names = ", ".join(map(str, results.unplanned[:MOST_NAMED]))
        more = ", ..." if len(results.unplanned) > MOST_NAMED else ""
        ledgers = "1 ledger is" if len(results.unplanned) == 1 else f"{len(results.unplanned)} ledgers are"
        lines.append(f"note: {ledgers} not in the plan and left out: {names}{more}")
    return lines
