"""The budget in a ledger's header: whether another one may follow it, and a ledger's lines under another one.

A budget only says when a run stops, so what is recorded under one is the beginning of what would be recorded
under a larger one. A limit that is not set is infinite.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from benchmark.reproducibility import canonical_json
from benchmark.storage.ledger_format import Record, whole_records
from benchmark.storage.record_checksum import add_checksum, remove_checksum


def budget_of(header: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the budget that a header names; {} where it names none."""
    run = header.get("run")
    budget = run.get("budget") if isinstance(run, dict) else None
    return budget if isinstance(budget, dict) else {}


def lower_limit(budget: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """Return the name of the first limit that a budget has lower than another one; None where it has none lower."""
    return next((name for name in {**other, **budget} if _limit(budget, name) < _limit(other, name)), None)


def lines_under_budget(data: bytes, budget: Mapping[str, Any]) -> bytes:
    """Return the lines of a whole ledger with another budget in its header, without the end that the budget had set.

    The end of a run whose algorithm had nothing left to propose stays: more budget changes nothing there.

    Args:
        data: the lines; at least a header.
        budget: the limits by name, as a header holds them.
    """
    lines, crc, new_crc = [], 0, 0
    for line, record in zip(data.split(b"\n")[:-1], whole_records(data).records, strict=True):
        checked = remove_checksum(line, crc)
        assert checked is not None, "whole_records has compared it"
        body, crc = checked
        if record["kind"] == "header":
            body = canonical_json.encode(_with_budget(record, budget))
        if record["kind"] == "end" and record.get("reason") == "budget":
            break
        new_line, new_crc = add_checksum(body, new_crc)
        lines.append(new_line)
    return b"".join(lines)


def _with_budget(header: Record, budget: Mapping[str, Any]) -> Record:
    return {**header, "run": {**header["run"], "budget": dict(budget)}}


def _limit(budget: Mapping[str, Any], name: str) -> float:
    limit = budget.get(name)
    return limit if isinstance(limit, int | float) and not isinstance(limit, bool) else math.inf
