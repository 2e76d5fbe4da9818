"""What an audit found, as a report for programs and in a few lines for readers; no time or place is in it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict

from benchmark.errors import short_repr
from benchmark.reproducibility.seeding import config_digest
from benchmark.storage.ledger_format import Record
from benchmark.verification.recorded_runs import CurrentMachine, RecordedRun
from benchmark.verification.retraining import Place
from benchmark.verification.sampling import RecordedTrial
from benchmark.verification.trial_comparison import (
    CLOSE,
    DIFFERENT,
    ENDED,
    IDENTICAL,
    Divergence,
    RetrainedTrial,
    TrialComparison,
    compare_trial,
    total_of,
)

FORMAT = 1
ROUTE, REFERENCE = "retrained", "reference"
"""Keys of a trial's verdicts, and the folders of its trainings: as the suite trains, and by the reference loop."""

MOST_NAMED = 10

RetrainedTrials = Mapping[tuple[Place, str], RetrainedTrial]


def compare_trials(
    drawn: Sequence[RecordedTrial],
    records: Mapping[RecordedTrial, list[Record]],
    routes: Mapping[str, RetrainedTrials],
    tolerance: float,
) -> list[Record]:
    """The verdicts on every trial of the sample, by each route that trained it."""
    totals = {label: _totals(records, label) for label in sorted({one.objective for one in drawn})}
    found = []
    for one in drawn:
        own = records[one]
        name = (one.objective, one.repetition), config_digest(own[0]["config"])
        verdicts = {
            route: _verdict(compare_trial(own, routes[route][name], tolerance, totals[one.objective]))
            if name in routes.get(route, {})
            else None
            for route in (ROUTE, REFERENCE)
        }
        epochs = max(record["epochs"] for record in own)
        found.append({**asdict(one), "config": own[0]["config"], "epochs": epochs, **verdicts})
    return found


def build_report(
    asked: Record,
    examined: Sequence[RecordedRun],
    here: CurrentMachine,
    planned: int,
    trials: Sequence[Record],
    *,
    lenient: bool,
) -> Record:
    """The report.

    Args:
        asked: sample, seed and tolerance.
        examined: the recorded runs.
        here: this machine.
        planned: runs of the suite.
        trials: from `judged`.
        lenient: whether what is close passes.
    """
    exact = {_cell(one): one.cards[0].get("arithmetic", REFERENCE) == REFERENCE for one in examined}
    verdicts = [IDENTICAL if one.divergence is None else DIFFERENT for one in examined]
    for trial in trials:
        verdicts.append(trial[ROUTE]["verdict"])
        # Another arithmetic than the reference's gives other bits by intent: that is told, and no finding.
        if trial[REFERENCE] is not None and exact[trial["objective"], trial["algorithm"], trial["repetition"]]:
            verdicts.append(trial[REFERENCE]["verdict"])
    worst = max(verdicts, key=(IDENTICAL, CLOSE, DIFFERENT).index)
    return {
        "format": FORMAT,
        **asked,
        "verdict": worst,
        "passed": worst == IDENTICAL or (worst == CLOSE and lenient),
        "planned": planned,
        "recorded_trials": sum(len(one.kinds) for one in examined),
        "machine": {**here.card, "precision": here.machine.precision},
        "differences": _differences(examined, here),
        "runs": [
            {"run": one.path, "state": one.state, "evaluations": one.evaluations, **_replayed(one.divergence)}
            for one in examined
        ],
        "trials": list(trials),
    }


def describe_report(report: Record) -> list[str]:
    """The report in a few lines, the verdict first."""
    runs, trials = report["runs"], report["trials"]
    repeated = sum(run["verdict"] == IDENTICAL for run in runs)
    lines = [
        f"{report['suite']}: {report['verdict']}",
        f"algorithms: {repeated} of {len(runs)} recorded runs propose and charge again what they recorded "
        f"({report['planned']} are planned)",
        f"trials: {len(trials)} of {report['recorded_trials']} trained again (sample {report['sample']}, "
        f"seed {report['seed']}): {_counted([trial[ROUTE] for trial in trials])}",
    ]
    by_reference = [trial[REFERENCE] for trial in trials if trial[REFERENCE] is not None]
    if by_reference:
        lines.append(f"by the reference loop: {_counted(by_reference)}")
    return lines + _told_machine(report["differences"]) + _told_problems(report)


def _cell(one: RecordedRun) -> tuple[str, str, int]:
    return one.run.objective.label, one.run.algorithm.label, one.run.repetition


def _totals(records: Mapping[RecordedTrial, list[Record]], label: str) -> tuple[int | None, int | None]:
    """Rows of an objective's validation and test sets; chance errors tell nothing of them."""
    own = [record for one, found in records.items() if one.objective == label for record in found]
    curves = [(record["valid_curve"], record["test_curve"]) for record in own if record["state"] in ENDED]
    valid, test = ([error for pair in curves for error in pair[place]] for place in (0, 1))
    return total_of(valid), total_of(test)


def _verdict(verdict: TrialComparison) -> Record:
    return {**asdict(verdict), "divergence": _divergence(verdict.divergence)}


def _divergence(divergence: Divergence | None) -> Record | None:
    return None if divergence is None else asdict(divergence)


def _replayed(divergence: Divergence | None) -> Record:
    return {"verdict": IDENTICAL if divergence is None else DIFFERENT, "divergence": _divergence(divergence)}


def _differences(examined: Iterable[RecordedRun], here: CurrentMachine) -> list[Record]:
    """What recorded machines say otherwise than this one, with the number of runs that say so."""
    found: dict[str, Record] = {}
    for one in examined:
        for text in sorted({_told(here.differences(one, card)) for card in one.cards}):
            entry = found.setdefault(text, {"runs": 0, "first": one.path, "fields": json.loads(text)})
            entry["runs"] += 1
    return [entry for entry in found.values() if entry["fields"]]


def _told(value: Record) -> str:
    return json.dumps(value, sort_keys=True)


def _counted(verdicts: Sequence[Record]) -> str:
    counts = Counter(verdict["verdict"] for verdict in verdicts)
    text = ", ".join(f"{counts[name]} {name}" for name in (IDENTICAL, CLOSE, DIFFERENT))
    largest = max((verdict["largest"] for verdict in verdicts), default=0.0)
    if not largest:
        return text
    wrong = [verdict["wrong"] for verdict in verdicts]
    rows = "" if None in wrong else f", {max(wrong)} rows"
    return f"{text}; errors differ by up to {largest:.3g}{rows}"


def _told_machine(differences: Sequence[Record]) -> list[str]:
    decisive = [
        f"machine: {name} was {short_repr(pair['recorded'])} and is now {short_repr(pair['now'])}"
        f" ({entry['runs']} runs)"
        for entry in differences
        for name, pair in entry["fields"].items()
        if pair["decides_bits"]
    ]
    others = sorted(
        {name for entry in differences for name in entry["fields"]} - {line.split()[1] for line in decisive}
    )
    told = decisive or ["machine: nothing that decides bits differs from what is recorded"]
    return told + ([f"machine: {', '.join(others)} differ too, which decide none"] if others else [])


def _told_problems(report: Record) -> list[str]:
    """The first divergences, worst first."""
    found: list[tuple[int, str]] = [
        (0, f"{run['run']}: {_said(run['divergence'])}") for run in report["runs"] if run["divergence"] is not None
    ]
    for trial in report["trials"]:
        where = f"{trial['objective']}/{trial['algorithm']}, repetition {trial['repetition']}, trial {trial['trial']}"
        for route in (ROUTE, REFERENCE):
            verdict = trial[route]
            if verdict is not None and verdict["divergence"] is not None:
                by = "" if route == ROUTE else " by the reference loop"
                rank = 1 if verdict["verdict"] == DIFFERENT else 2
                found.append((rank, f"{where}: {verdict['verdict']}{by}: {_said(verdict['divergence'])}"))
    lines = [line for _, line in sorted(found, key=lambda pair: pair[0])]
    more = len(lines) - MOST_NAMED
    return lines[:MOST_NAMED] + ([f"... and {more} more, see the report"] if more > 0 else [])


def _said(divergence: Record) -> str:
    return " ".join(Divergence(**divergence).told().split())
