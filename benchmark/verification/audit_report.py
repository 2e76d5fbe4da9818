"""Builds an audit's report, for programs and in a few lines for readers; it holds no time and no path."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict

from benchmark.errors import short_repr
from benchmark.reproducibility.seeding import config_digest
from benchmark.storage.ledger_format import Record
from benchmark.verification.recorded_runs import CurrentMachine, RecordedRun
from benchmark.verification.retraining import RetrainedTrials
from benchmark.verification.sampling import RecordedTrial
from benchmark.verification.trial_comparison import CLOSE, DIFFERENT, IDENTICAL, Divergence, compare_trial

FORMAT = 1
RETRAINED, REFERENCE = "retrained", "reference"
"""Keys of a trial's comparisons, and the folders of its trainings: as the suite trains, and by the reference loop."""

MOST_NAMED = 10

RowCounts = Mapping[str, tuple[int, int] | None]
"""Rows that an objective's validation and test errors count, by its label."""


def compare_trials(
    records: Mapping[RecordedTrial, list[Record]],
    retrained: Mapping[str, RetrainedTrials],
    tolerance: float,
    rows: RowCounts,
    measured: Mapping[str, Collection[str]],
) -> list[Record]:
    """Compare every trial of the sample with each of its retrainings.

    Args:
        records: of the sampled trials.
        retrained: what they came to, by route.
        tolerance: largest difference of an error that is still close.
        rows: by objective.
        measured: metrics by objective that are times or the like, and are not compared.
    """
    compared = []
    for trial, own in records.items():
        label = trial.objective
        name = (trial.objective, trial.repetition), config_digest(own[0]["config"])
        comparisons = {
            route: asdict(compare_trial(own, retrained[route][name], tolerance, rows[label], measured[label]))
            if name in retrained.get(route, {})
            else None
            for route in (RETRAINED, REFERENCE)
        }
        epochs = max(record["epochs"] for record in own)
        compared.append({**asdict(trial), "config": own[0]["config"], "epochs": epochs, **comparisons})
    return compared


def build_report(
    request: Record,
    runs: Sequence[RecordedRun],
    current: CurrentMachine,
    planned: int,
    trials: Sequence[Record],
    *,
    lenient: bool,
) -> Record:
    """Build the report.

    Args:
        request: suite, sample, seed and tolerance.
        runs: the recorded ones.
        current: this machine.
        planned: runs of the suite.
        trials: from `compare_trials`.
        lenient: whether what is close passes.
    """
    # Another arithmetic than the reference's gives other bits by intent: that is reported, and fails nothing.
    exact = {run.cell for run in runs if run.cards[0].get("arithmetic", REFERENCE) == REFERENCE}
    verdicts = [IDENTICAL if run.divergence is None else DIFFERENT for run in runs]
    verdicts += [trial[RETRAINED]["verdict"] for trial in trials]
    verdicts += [
        trial[REFERENCE]["verdict"]
        for trial in trials
        if trial[REFERENCE] and (trial["objective"], trial["algorithm"], trial["repetition"]) in exact
    ]
    worst = max(verdicts, key=(IDENTICAL, CLOSE, DIFFERENT).index)
    return {
        "format": FORMAT,
        **request,
        "verdict": worst,
        "passed": worst == IDENTICAL or (worst == CLOSE and lenient),
        "planned": planned,
        "recorded_trials": sum(len(run.kinds) for run in runs),
        "machine": {**current.card, "precision": current.machine.precision},
        "differences": _machine_differences(runs, current),
        "runs": [_run_entry(run) for run in runs],
        "trials": list(trials),
    }


def describe_report(report: Record) -> list[str]:
    """Describe the report in a few lines, the verdict first."""
    runs, trials = report["runs"], report["trials"]
    repeated = sum(run["verdict"] == IDENTICAL for run in runs)
    by_reference = [trial[REFERENCE] for trial in trials if trial[REFERENCE] is not None]
    return [
        f"{report['suite']}: {report['verdict']}",
        f"algorithms: {repeated} of {len(runs)} recorded runs propose and charge again what they recorded "
        f"({report['planned']} are planned)",
        f"trials: {len(trials)} of {report['recorded_trials']} trained again (sample {report['sample']}, "
        f"seed {report['seed']}): {_count_verdicts([trial[RETRAINED] for trial in trials])}",
        *([f"by the reference loop: {_count_verdicts(by_reference)}"] if by_reference else []),
        *_describe_machine(report["differences"]),
        *_describe_divergences(report),
    ]


def _run_entry(run: RecordedRun) -> Record:
    return {
        "run": run.path,
        "state": run.state,
        "evaluations": run.evaluations,
        "verdict": IDENTICAL if run.divergence is None else DIFFERENT,
        "divergence": None if run.divergence is None else asdict(run.divergence),
    }


def _machine_differences(runs: Sequence[RecordedRun], current: CurrentMachine) -> list[Record]:
    """List the recorded machines' differences from this one, each with the number of runs that have it."""
    entries: dict[str, Record] = {}
    for run in runs:
        differences = (current.differences(run, card) for card in run.cards)
        for text in sorted({json.dumps(fields, sort_keys=True) for fields in differences if fields}):
            entry = entries.setdefault(text, {"runs": 0, "first": run.path, "fields": json.loads(text)})
            entry["runs"] += 1
    return list(entries.values())


def _count_verdicts(comparisons: Sequence[Record]) -> str:
    counts = Counter(comparison["verdict"] for comparison in comparisons)
    text = ", ".join(f"{counts[name]} {name}" for name in (IDENTICAL, CLOSE, DIFFERENT))
    largest = max((comparison["largest"] for comparison in comparisons), default=0.0)
    if not largest:
        return text
    wrong = [comparison["wrong"] for comparison in comparisons]
    rows = "" if None in wrong else f", {max(wrong)} rows"
    return f"{text}; errors differ by up to {largest:.3g}{rows}"


def _describe_machine(differences: Sequence[Record]) -> list[str]:
    fields = [(entry["runs"], name, pair) for entry in differences for name, pair in entry["fields"].items()]
    lines = [
        f"machine: {name} was {short_repr(pair['recorded'])} and is now {short_repr(pair['now'])} ({runs} runs)"
        for runs, name, pair in fields
        if pair["decides_bits"]
    ]
    others = sorted({name for _, name, pair in fields if not pair["decides_bits"]})
    lines = lines or ["machine: nothing that decides bits differs from what is recorded"]
    return [*lines, *([f"machine: {', '.join(others)} differ too, which decide none"] if others else [])]


def _describe_divergences(report: Record) -> list[str]:
    """Describe the first divergences, worst first."""
    ranked = [(0, f"{run['run']}: {_describe(run['divergence'])}") for run in report["runs"] if run["divergence"]]
    for trial in report["trials"]:
        where = f"{trial['objective']}/{trial['algorithm']}, repetition {trial['repetition']}, trial {trial['trial']}"
        for route, by in ((RETRAINED, ""), (REFERENCE, " by the reference loop")):
            comparison = trial[route]
            if comparison and comparison["divergence"]:
                verdict = comparison["verdict"]
                text = f"{where}: {verdict}{by}: {_describe(comparison['divergence'])}"
                ranked.append((1 if verdict == DIFFERENT else 2, text))
    lines = [line for _, line in sorted(ranked, key=lambda pair: pair[0])]
    more = len(lines) - MOST_NAMED
    return lines[:MOST_NAMED] + ([f"... and {more} more, see the report"] if more > 0 else [])


def _describe(divergence: Record) -> str:
    return " ".join(Divergence(**divergence).describe().split())
