"""Makes a suite of studies: its objectives, algorithms and runs, and what is known of where they come from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from analysis.importers.studies.foreign_study import ForeignMetric, ForeignStudy, ForeignTrial, Report
from analysis.importers.studies.spaces import joined_space
from analysis.importers.suite_writing.arrangement import Arrangement, Place
from analysis.importers.suite_writing.evaluations import evaluation_records
from analysis.importers.suite_writing.own_results import OwnObjective, own_header
from analysis.importers.suite_writing.study_notes import about_study, clocks_by_algorithm, import_notes
from analysis.importers.suite_writing.suite_writer import ImportedRun, ImportedSuite, study_header
from benchmark.errors import BadInput, nearest_match
from benchmark.storage.suite_json import LONGEST_NAME

NOT_SAID = "unknown"
"""What stands as the scheduler where a tool does not name its method."""


def make_suite(
    name: str, title: str, arrangement: Arrangement, own: Sequence[OwnObjective], metric: str | None
) -> ImportedSuite:
    """Make the suite.

    Args:
        name: of the suite.
        title: of its figures.
        arrangement: the studies and their places.
        own: objectives that were run here, whose runs become further algorithms.
        metric: what incumbents are chosen by, of studies with several metrics; None: the first one.

    Raises:
        BadInput: studies of an objective that cannot be compared, a study without an ended trial, no completed trial
            at all, or times that go backwards.
    """
    places = [replace(place, study=_with_first(place.study, metric)) for place in arrangement.places]
    _check_completed([place.study for place in places])
    labels = list(dict.fromkeys(place.objective for place in places))
    owner = {place.algorithm.lower(): "" for place in places}
    owns = [_OwnPart(part, labels, owner) for part in own]
    objectives, runs = [], list[ImportedRun]()
    for label in labels:
        mine = [place for place in places if place.objective == label]
        metrics, mine = _common_metrics(label, mine, [part.own for part in owns if part.objective == label])
        theirs = [part.own.objective for part in owns if part.objective == label]
        objectives.append(_objective(label, arrangement.names, metrics, mine, theirs))
        runs += [_run(place) for place in mine]
    runs += [run for part in owns for run in part.runs()]
    _check_distinct(runs)
    entries = {entry["label"]: entry for part in owns for entry in part.entries()}
    return ImportedSuite(
        name=name,
        title=title,
        objectives=objectives,
        algorithms=[*_algorithms(places, arrangement.names), *entries.values()],
        section={
            "matching": arrangement.matching,
            "paired": arrangement.paired and not own,
            "clocks": clocks_by_algorithm(places)
            | {label: part.own.clock for part in owns for label in part.labels.values()},
            "studies": [about_study(place) for place in places],
            "notes": list(dict.fromkeys(import_notes(arrangement, places, own))),
        },
        runs=runs,
    )


class _OwnPart:
    """An own objective among imported studies: its algorithms' labels, where needed with the suite's name.

    Args:
        own: the objective.
        objectives: labels of the imported ones.
        owner: the suite that each algorithm's label is of, in lower case, empty of imported ones; own ones are added.
    """

    def __init__(self, own: OwnObjective, objectives: Sequence[str], owner: dict[str, str]) -> None:
        label = own.objective["label"]
        if len(objectives) > 1 and label not in objectives:
            raise BadInput(
                f"--with: no imported study is of the objective {label!r}{nearest_match(label, objectives)}; there are "
                f"{', '.join(objectives)}"
            )
        self.own, self.objective = own, label if label in objectives else objectives[0]
        self.labels = {
            entry: entry
            if owner.setdefault(entry.lower(), own.suite) == own.suite
            else f"{own.suite}-{entry}"[:LONGEST_NAME]
            for entry in dict.fromkeys(algorithm for algorithm, *_ in own.runs)
        }

    def entries(self) -> Iterator[dict[str, Any]]:
        for label, shown in self.labels.items():
            entry = {**self.own.algorithms[label], "label": shown}
            yield entry if shown == label else {key: entry[key] for key in entry if key != "display_name"}

    def runs(self) -> Iterator[ImportedRun]:
        for algorithm, repetition, header, evaluations in self.own.runs:
            section = {
                "tool": "incumbent",
                "study": f"{self.own.suite}/{algorithm}/{repetition}",
                "clock": self.own.clock,
            }
            label = self.labels[algorithm]
            yield ImportedRun(
                objective=self.objective,
                algorithm=label,
                repetition=repetition,
                header=own_header(header, self.objective, label, section),
                evaluations=evaluations,
            )


def _check_distinct(runs: Sequence[ImportedRun]) -> None:
    """Refuse two runs of one place."""
    seen: set[tuple[str, str, int]] = set()
    for run in runs:
        place = (run.objective, run.algorithm, run.repetition)
        if place in seen:
            raise BadInput(
                f"--with: two runs of {run.algorithm} on {run.objective}, repetition {run.repetition}; give every "
                "objective once, and tell objectives apart by the group objective in --group"
            )
        seen.add(place)


def _with_first(study: ForeignStudy, metric: str | None) -> ForeignStudy:
    """The study with a metric before its others."""
    if not study.metrics:
        raise BadInput(f"study {study.name!r}: it has no metric")
    names = [entry.name for entry in study.metrics]
    if metric is None:
        return study
    if metric not in names:
        raise BadInput(
            f"--metric {metric}: study {study.name!r} has {', '.join(names)}{nearest_match(metric, names)}; where it "
            f"is reported, and no goal of it recorded, say that: --metric {metric}=min"
        )
    return replace(study, metrics=tuple(sorted(study.metrics, key=lambda entry: entry.name != metric)))


def _check_completed(studies: Sequence[ForeignStudy]) -> None:
    for study in studies:
        if all(trial.state == "running" for trial in study.trials):
            what = "no trial of it has ended" if study.trials else "it has no trials"
            raise BadInput(f"study {study.name!r}: {what}; leave it out by a --group that does not match it")
    if not any(trial.state in ("completed", "unknown") for study in studies for trial in study.trials):
        raise BadInput(f"no trial of {len(studies)} studies is completed: there is nothing to compare")


def _common_metrics(
    label: str, places: Sequence[Place], own: Sequence[OwnObjective]
) -> tuple[list[ForeignMetric], list[Place]]:
    """The metrics of an objective, the first one by the same name in all of its studies.

    Raises:
        BadInput: a metric is minimised in one study and maximised in another.
    """
    goals: dict[str, tuple[str, str]] = {}
    firsts = list(dict.fromkeys(place.study.metrics[0].name for place in places))
    name = next((first for first in firsts if not first.startswith("value")), firsts[0])
    for part in own:
        first = (part.objective.get("metrics") or [{"name": "error", "goal": "min"}])[0]
        name = first["name"]
        goals[name] = (first["goal"], f"the suite {part.suite}")
    renamed = []
    for place in places:
        study = _renamed(place.study, name)
        renamed.append(replace(place, study=study))
        for metric in study.metrics:
            goal, other = goals.setdefault(metric.name, (metric.goal, f"study {study.name!r}"))
            if goal != metric.goal:
                raise BadInput(
                    f"objective {label}: the metric {metric.name!r} has goal {metric.goal!r} in study {study.name!r} "
                    f"and {goal!r} in {other}: need one goal"
                )
    metrics = [metric for place in renamed for metric in place.study.metrics]
    return [*dict.fromkeys(sorted(metrics, key=lambda metric: metric.name != name))], renamed


def _renamed(study: ForeignStudy, name: str) -> ForeignStudy:
    """The study with another name for its first metric."""
    first = study.metrics[0].name
    if first == name:
        return study
    if any(metric.name == name for metric in study.metrics):
        raise BadInput(
            f"study {study.name!r}: its first metric is {first!r}, that of others {name!r}; give --metric {name}"
        )
    return replace(
        study,
        metrics=(replace(study.metrics[0], name=name), *study.metrics[1:]),
        trials=tuple(replace(trial, reports=_renamed_reports(trial, first, name)) for trial in study.trials),
    )


def _renamed_reports(trial: ForeignTrial, first: str, name: str) -> tuple[Report, ...]:
    return tuple(
        replace(report, values={name if key == first else key: value for key, value in report.values.items()})
        for report in trial.reports
    )


def _objective(
    label: str,
    names: Mapping[str, str],
    metrics: Sequence[ForeignMetric],
    places: Sequence[Place],
    own: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The entry of an objective; of one that was run here too it says what that says of the metric."""
    spaces = [place.study.space for place in places] + [entry["space"] for entry in own]
    known = [space for space in spaces if space is not None]
    declared = own[0] if own else {}
    best_and_chance = {key: declared[key] for key in ("best_error", "chance_error") if key in declared}
    described = None if own and declared.get("metrics") is None else [_metric(metric) for metric in metrics]
    if declared.get("metrics"):
        others = {metric["name"] for metric in declared["metrics"]}
        described = [*declared["metrics"], *(_metric(metric) for metric in metrics if metric.name not in others)]
    return {
        "label": label,
        "name": "imported",
        "options": {},
        "space": joined_space(known) if len(known) == len(spaces) else None,
        "max_epochs": None,
        "default": None,
        **best_and_chance,
        **({} if described is None else {"metrics": described}),
        **({"display_name": names[label]} if label in names else {}),
    }


def _metric(metric: ForeignMetric) -> dict[str, Any]:
    return {"name": metric.name, "goal": metric.goal, "unit": "", "best": None, "chance": None, "reference": None}


def _algorithms(places: Sequence[Place], names: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    first: dict[str, ForeignStudy] = {}
    for place in places:
        first.setdefault(place.algorithm, place.study)
    for label, study in first.items():
        yield {
            "label": label,
            "scheduler": {"name": study.algorithm or NOT_SAID, "options": {}},
            "searcher": None,
            "n_workers": None,
            **({"display_name": names[label]} if label in names else {}),
        }


def _run(place: Place) -> ImportedRun:
    return ImportedRun(
        objective=place.objective,
        algorithm=place.algorithm,
        repetition=place.repetition,
        header=study_header(place.objective, place.algorithm, place.repetition, about_study(place)),
        evaluations=evaluation_records(place.study),
    )
