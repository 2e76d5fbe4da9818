r"""Tables for LaTeX, of the primary endpoint.

`results.tex` is a table of algorithms by objectives, `OBJECTIVE.tex` one with intervals, medians and interquartile
means. Where several metrics are optimised there are the same tables of hypervolumes, `hypervolume-results.tex` and
`hypervolume-OBJECTIVE.tex`, and the trade-offs that were found, `front-OBJECTIVE.tex`. Suites of many tasks have the
map of tasks and algorithms, `task-map.tex`, and mean ranks with ratings, `mean-ranks.tex`. They need
`\usepackage{booktabs}` and are read with `\input`.
"""

from __future__ import annotations

import math
from pathlib import Path

from analysis.exports.many_tasks import sheets
from analysis.exports.paper import BEST, TIED, Entry, caption, entries, fronts, incomplete
from analysis.study import Study
from analysis.tables.front import multi_objective
from analysis.value_format import number_text

OPEN = r"use it: \usepackage{{booktabs}} and \input{{{folder}/results.tex}}"
ESCAPES = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "±": r"$\pm$",
    "▲": "$^{+}$", "▼": "$^{-}$", "∞": r"$\infty$",  # Neither letter is in LaTeX's fonts.
    "[": "{[}", "*": "{*}",  # At the beginning of a row they would belong to the end of the one before.
}  # fmt: skip
NONE = "--"


def write(study: Study, folder: Path) -> list[str]:
    """Write the tables; returns what a reader must know."""
    told = _write_results(study, folder)
    if multi_objective(study.results):
        told += _write_results(study.hypervolume, folder, "hypervolume-")
    for front in fronts(study):
        rows = [[*map(_cell, row)] for row in front.rows]
        name = f"front-{front.objective.key}"
        _write(
            folder / f"{name}.tex",
            [*map(escaped, front.head)],
            rows,
            front.caption,
            f"{study.results.plan.name}-{name}",
        )
    for sheet in sheets(study):
        rows = [[*map(escaped, row)] for row in sheet.rows]
        label = f"{study.results.plan.name}-{sheet.name}"
        _write(folder / f"{sheet.name}.tex", [*map(escaped, sheet.head)], rows, sheet.caption, label)
    return told


def _write_results(study: Study, folder: Path, prefix: str = "") -> list[str]:
    """Write the tables of a study's endpoint, of whose names `prefix` is the beginning."""
    shown, plan = entries(study), study.results.plan
    named = caption(study)
    by_place = {(entry.objective, entry.algorithm): entry for entry in shown}
    objectives = [objective.label for objective in plan.objectives]
    head = ["Algorithm", *map(escaped, objectives)]
    rows = [
        [escaped(algorithm), *(spread(by_place[objective, algorithm]) for objective in objectives)]
        for algorithm in plan.algorithms
    ]
    _write(folder / f"{prefix}results.tex", head, rows, named, f"{plan.name}{'-hypervolume' if prefix else ''}")
    for declared in plan.objectives:
        objective = declared.label
        details = [_details(by_place[objective, algorithm]) for algorithm in plan.algorithms]
        head = ["Algorithm", r"Mean $\pm$ std", "Interval", "Median", "IQM", "Runs"]
        label = f"{plan.name}-{prefix}{declared.key}"
        _write(folder / f"{prefix}{declared.key}.tex", head, details, f"{objective}: {named}", label)
    return incomplete(shown)


def escaped(text: str) -> str:
    """Text as LaTeX sets it."""
    return "".join(ESCAPES.get(letter, letter) for letter in text)


def number(text: str) -> str:
    r"""A number as LaTeX sets it: `0.0312`, `$-0.0312$`, `$1.2 \times 10^{-18}$`."""
    digits, _, exponent = text.partition("e")
    if exponent:
        return rf"${digits} \times 10^{{{int(exponent)}}}$"
    return f"${text}$" if text.startswith("-") else text


def _cell(value: float | str) -> str:
    if isinstance(value, str):
        return escaped(value)
    return NONE if math.isnan(value) else number(number_text(value))


def spread(entry: Entry) -> str:
    """Mean and std, the mean bold or with an asterisk."""
    if not entry.mean:
        return f"median {number(entry.median)}" if entry.median else NONE
    mean = number(entry.mean)
    if entry.mark == BEST:
        mean = rf"$\boldsymbol{{{mean.strip('$')}}}$" if mean.startswith("$") else rf"\textbf{{{mean}}}"
    star = "$^{*}$" if entry.mark == TIED else ""
    return f"{mean}{star}" + (rf" $\pm$ {number(entry.std)}" if entry.std else "")


def _details(entry: Entry) -> list[str]:
    interval = f"[{number(entry.lo)}, {number(entry.hi)}]" if entry.lo else NONE
    numbers = [number(entry.median) or NONE, number(entry.iqm) or NONE, escaped(entry.runs)]
    return [escaped(entry.algorithm), spread(entry) if entry.mean else NONE, interval, *numbers]


def _write(path: Path, head: list[str], rows: list[list[str]], named: str, label: str) -> None:
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{escaped(named)}}}",
        rf"\label{{tab:{label}}}",
        rf"\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        r"\toprule",
        " & ".join(head) + r" \\",
        r"\midrule",
        *(" & ".join(row) + r" \\" for row in rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
