"""One page that leads to the reports of all suites in a folder of results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.loading.suite_folder import suite_names
from analysis.report.findings import Finding
from analysis.report.templating import style, template

CARD = "card.json"
"""What a report leaves for the index: name, title, facts and findings."""


def card(name: str, title: str, facts: str, findings: Sequence[Finding]) -> bytes:
    """The card of a report."""
    content = {"name": name, "title": title, "facts": facts, "findings": [finding.whole for finding in findings]}
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()


def index(results: Path) -> dict[str, bytes]:
    """The index of the reports that are there, by the names of their suites; its looks are those of the reports.

    Args:
        results: the folder of all results.
    """
    cards = [_card(results / name / "report" / CARD) for name in suite_names(results)]
    html = template("index.html").render(cards=[found for found in cards if found], style=style())
    return {"index.html": html.encode()}


def _card(path: Path) -> dict[str, Any] | None:
    """A report's card with the name of its folder; None where there is none that this version can read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        texts = [str(text) for text in found["findings"]]
        return {"title": str(found["title"]), "facts": str(found["facts"]), "findings": texts, "folder": path.parts[-3]}
    except (OSError, ValueError, KeyError, TypeError):
        return None
