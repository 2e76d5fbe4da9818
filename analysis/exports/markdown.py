"""Tables in Markdown, of the primary endpoint.

`results.md` holds a table of algorithms by objectives, and for each objective one with intervals, medians and
interquartile means. Where several metrics are optimised the same tables of hypervolumes follow, and the trade-offs that
were found; of suites of many tasks the map of tasks and algorithms, and mean ranks with ratings.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from analysis.exports.many_tasks import sheets
from analysis.exports.paper import BEST, TIED, Entry, caption, entries, fronts, incomplete
from analysis.study import Study
from analysis.tables.front import multi_objective
from analysis.value_format import number_text

OPEN = "use it: {folder}/results.md"
SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~$])")
NONE = "-"


def write(study: Study, folder: Path) -> list[str]:
    """Write the tables; returns what a reader must know."""
    parts, told = _results(study)
    if multi_objective(study.results):
        of_hypervolume, also = _results(study.hypervolume)
        parts, told = ["## Results", *parts, "## Hypervolume", *of_hypervolume], told + also
    for front in fronts(study):
        rows = [[*map(_cell, row)] for row in front.rows]
        heading = f"## Trade-offs on {escaped(front.objective.label)}"
        parts += [heading, table([*map(escaped, front.head)], rows), escaped(front.caption)]
    for sheet in sheets(study):
        rows = [[*map(escaped, row)] for row in sheet.rows]
        heading = f"## {sheet.name.replace('-', ' ').capitalize()}"
        parts += [heading, table([*map(escaped, sheet.head)], rows), escaped(sheet.caption)]
    (folder / "results.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    return told


def _results(study: Study) -> tuple[list[str], list[str]]:
    """The tables of a study's endpoint, and what a reader must know."""
    shown, plan = entries(study), study.results.plan
    by_place = {(entry.objective, entry.algorithm): entry for entry in shown}
    objectives = [objective.label for objective in plan.objectives]
    rows = [
        [escaped(algorithm), *(spread(by_place[objective, algorithm]) for objective in objectives)]
        for algorithm in plan.algorithms
    ]
    parts = [table(["algorithm", *map(escaped, objectives)], rows), escaped(caption(study))]
    for objective in objectives:
        details = [_details(by_place[objective, algorithm]) for algorithm in plan.algorithms]
        head = ["algorithm", "mean ± std", "interval", "median", "IQM", "runs"]
        parts += [f"### {escaped(objective)}", table(head, details)]
    return parts, incomplete(shown)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table, all columns but the first to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def escaped(text: str) -> str:
    """Text as Markdown shows it."""
    return SPECIAL.sub(r"\\\1", text)


def _cell(value: float | str) -> str:
    return escaped(value) if isinstance(value, str) else NONE if math.isnan(value) else number_text(value)


def spread(entry: Entry) -> str:
    """`0.0312 ± 0.0040`, the mean bold or with an asterisk."""
    if not entry.mean:
        return f"median {entry.median}" if entry.median else NONE
    mean = f"**{entry.mean}**" if entry.mark == BEST else entry.mean + (r"\*" if entry.mark == TIED else "")
    return f"{mean} ± {entry.std}" if entry.std else mean


def _details(entry: Entry) -> list[str]:
    interval = f"[{entry.lo}, {entry.hi}]" if entry.lo else NONE
    return [
        escaped(entry.algorithm),
        spread(entry) if entry.mean else NONE,
        interval,
        entry.median or NONE,
        entry.iqm or NONE,
        entry.runs,
    ]
