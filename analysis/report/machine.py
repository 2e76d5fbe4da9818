"""Where the numbers come from: machine, versions, clock, the suite's plan."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from analysis.imported import UNKNOWN, Imported
from analysis.report.html_table import HtmlTable, html_table, text_column
from analysis.report.section import Section
from analysis.study import Study
from analysis.tables.timing import as_line
from benchmark.storage.suite_json import SUITE_JSON

FIRST = ("device", "gpu", "cpu", "cores", "threads", "jobs", "system", "arch", "python", "torch")
"""What a reader looks for first; the rest follows in the order of the alphabet."""

STUDY = {
    **{"study": "study", "objective": "objective", "algorithm": "algorithm", "repetition": "repetition"},
    **{"tool": "tool", "version": "version", "seed": "seed", "machine": "machine", "clock": "clock"},
}
"""What is shown of an imported study, and the title of its column."""


def machine_section(study: Study) -> Section:
    """Devices and versions that the ledgers name, and whose seconds the clock tells."""
    environments = list(getattr(study.results, "environments", ()))
    frame = pd.DataFrame(_rows(environments), columns=["name", "value"])
    sheets = [
        html_table(
            "What the runs were made with",
            frame,
            [text_column("name", "what"), text_column("value", "value")],
            about=(),
        )
    ]
    imported = study.results.plan.imported
    return Section(
        name="machine",
        title="Machine and versions",
        lead=clock(study),
        sheets=(*(sheets if environments else ()), *([_studies(imported)] if imported else ())),
        notes=(as_line(study.results),) if len(study.results.evaluations) else (),
        absent="" if environments or imported else "The ledgers name no environment.",
    )


def _studies(imported: Imported) -> HtmlTable:
    """Where every imported study comes from."""
    rows = [
        {name: UNKNOWN if entry.get(name) is None else entry[name] for name in STUDY}
        | {"files": ", ".join(map(str, entry.get("files") or ())) or UNKNOWN}
        for entry in imported.studies
    ]
    columns = [text_column(name, title) for name, title in STUDY.items()]
    return html_table(
        "Imported studies", pd.DataFrame(rows, columns=[*STUDY, "files"]), [*columns, text_column("files", "files")]
    )


def suite_section(study: Study) -> Section:
    """The suite's plan, as it lies beside the ledgers."""
    return Section(
        name="suite",
        title="The suite",
        lead=f"{SUITE_JSON}, which python -m analysis import made."
        if study.results.plan.imported
        else f"{SUITE_JSON}, from which python -m benchmark made the runs.",
        tables=("algorithms", "runs"),
        data=json.dumps(
            json.loads((study.folder / SUITE_JSON).read_text(encoding="utf-8")), indent=2, ensure_ascii=False
        ),
    )


def clock(study: Study) -> str:
    """What the runtime axis means."""
    plan = study.results.plan
    if plan.imported is not None:
        return f"Runtime is recorded: {plan.imported.clock(plan.display_names)}."
    if plan.clock == "measured":
        return "Runtime is measured: seconds of training and deciding on the machine below."
    if plan.clock == "tabulated":
        return "Runtime is tabulated: seconds that the objectives report with their results, whatever they really took."
    if plan.calibration is None:
        return "Runtime is modelled: seconds that the objectives themselves state, the same on every machine."
    return (
        f"Runtime is modelled: seconds that a {plan.calibration.device} would take for each training "
        f"(calibration {plan.calibration.name}), the same on every machine."
    )


def _rows(environments: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Each name with its values; several where runs differ."""
    names = {name for environment in environments for name in environment}
    ordered = [name for name in FIRST if name in names] + sorted(names - set(FIRST))
    return [{"name": name, "value": _merged(environments, name)} for name in ordered]


def _merged(environments: list[dict[str, Any]], name: str) -> str:
    found = [environment[name] for environment in environments if name in environment]
    texts = dict.fromkeys(value if isinstance(value, str) else json.dumps(value, sort_keys=True) for value in found)
    return "; ".join(texts)
