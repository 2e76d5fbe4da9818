"""Read the runs and final errors of one of two suites that are compared."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.loading.ledgers import locate
from analysis.loading.metric import Metric
from analysis.loading.plan import Plan
from analysis.loading.results import Results, Run, load
from analysis.tables.endpoints import finals

RunKey = tuple[str, str, int]
"""Objective, algorithm, repetition."""

SAME = ("objective", "suite_seed", "repetition", "budget", "clock", "calibration", "n_workers", "resume")
"""What a ledger's header says of a run, and must say of both of a pair; the algorithm's options may differ."""
EXACT = ("index", "trial", "start_epoch", "epochs", "state", "valid_error", "test_error")
EXACT_MODELLED = (*EXACT, "start", "end")
"""What is the same in two runs that are identical; measured seconds never are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSuite:
    """What is compared of one suite: small, so that no two suites are in memory at once.

    Attributes:
        endpoints: what is compared on each objective: `endpoint`, or what takes its place (`Results.endpoint_of`).
        metrics: the first metric by objective, of which everything here is the error, less being better.
        identities: of every run with a ledger, what must be equal in a pair.
        environments: where these runs ran, as their headers say.
        contents: digest of what each complete or failed run recorded.
        finals: endpoint of every planned run, NaN where it is not finished.
    """

    folder: Path
    endpoint: str
    endpoints: Mapping[str, str]
    metrics: Mapping[str, Metric]
    states: Mapping[RunKey, str]
    identities: Mapping[RunKey, Mapping[str, Any]]
    environments: Mapping[RunKey, Mapping[str, Any]]
    contents: Mapping[RunKey, str]
    finals: Mapping[RunKey, float]


def read_compared_suite(folder: Path, endpoint: str | None, *, mixed: bool = False) -> ComparedSuite:
    """Read of a suite what is compared.

    Args:
        folder: `results/<suite>`.
        endpoint: one of `suite_json.ENDPOINTS`; the suite's own by default.
        mixed: take runs of several devices together.
    """
    results = load(folder, mixed=mixed)
    plan, used = results.plan, endpoint or results.plan.endpoint
    endpoints = {entry.label: results.endpoint_of(entry.label, used) for entry in plan.objectives}
    headers = {_place(run): _header(folder, plan, run) for run in results.runs if run.state != "missing"}
    return ComparedSuite(
        folder=folder,
        endpoint=used,
        endpoints=endpoints,
        metrics={entry.label: entry.metric for entry in plan.objectives},
        states={_place(run): run.state for run in results.runs},
        identities={
            place: _identity(header) | _outcome(plan.objective(place[0]).metric, endpoints[place[0]])
            for place, header in headers.items()
        },
        environments={place: header.get("environment") or {} for place, header in headers.items()},
        contents={_place(run): _content(results, run) for run in results.runs if run.aggregated},
        finals=_finals(results, endpoints),
    )


def _place(run: Run) -> RunKey:
    return run.objective, run.algorithm, run.repetition


def _header(folder: Path, plan: Plan, run: Run) -> dict[str, Any]:
    """The first record of a run's ledger; `load` has checked it."""
    _, data, _ = locate(folder, run.objective, run.algorithm, run.repetition, plan.budget)
    try:
        header: dict[str, Any] = json.loads(data.partition(b"\n")[0] or b"{}")
    except json.JSONDecodeError:  # Still being written: what is not there is not compared.
        return {}
    return header


def _identity(header: Mapping[str, Any]) -> dict[str, Any]:
    """What must be equal; where time is measured and limited, that is also the device."""
    run = header.get("run") or {}
    identity = {name: run.get(name) for name in SAME} | {"data": header.get("data")}
    if run.get("clock") == "measured" and (run.get("budget") or {}).get("runtime") is not None:
        environment = header.get("environment") or {}
        identity["device"] = [environment.get("device"), environment.get("cpu")]
    return identity


def _outcome(metric: Metric, endpoint: str) -> dict[str, Any]:
    """What must be equal in what is compared; the scale of a metric may have been corrected."""
    return {"endpoint": endpoint} | ({"metric": [metric.name, metric.goal, metric.unit]} if metric.declared else {})


def _content(results: Results, run: Run) -> str:
    rows = results.evaluations.iloc[run.rows]
    names = EXACT_MODELLED if results.plan.clock != "measured" else EXACT
    columns = [rows[name].tolist() for name in names]
    return digest([run.state, results.configs(rows), columns])


def _finals(results: Results, endpoints: Mapping[str, str]) -> dict[RunKey, float]:
    found: dict[RunKey, float] = {}
    for objective in results.plan.objectives:
        table = finals(results, objective.label, endpoints[objective.label])
        for algorithm in table.columns:
            found |= {
                (objective.label, str(algorithm), repetition): float(value)
                for repetition, value in enumerate(table[algorithm])
            }
    return found


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(as_text(value).encode()).hexdigest()


def as_text(value: Any) -> str:
    """Canonical JSON: the same for equal values."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
