"""Which study is which objective, algorithm and repetition of a suite, and whether its repetitions are pairs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.importers.studies.foreign_study import ForeignStudy
from benchmark.errors import BadInput, nearest_match
from benchmark.storage.suite_json import LONGEST_NAME, MOST_REPETITIONS

GROUPS = ("algorithm", "objective", "rep")
MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a study is in a suite, by the labels of its objective and algorithm."""

    study: ForeignStudy
    objective: str
    algorithm: str
    repetition: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrangement:
    """Studies as the runs of a suite.

    Attributes:
        places: of every study that takes part.
        names: what an algorithm or objective is called, by its label, where that is something else.
        matching: in words, how studies became repetitions.
        paired: whether the same repetition of two algorithms is a pair.
        left_out: names of studies that no pattern matches.
    """

    places: tuple[Place, ...]
    names: Mapping[str, str]
    matching: str
    paired: bool
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A study with the names that it goes by; its key tells repetitions apart."""

    study: ForeignStudy
    objective: str
    algorithm: str
    key: str


def compile_groups(patterns: Sequence[str]) -> list[re.Pattern[str]]:
    """The patterns of `--group`.

    Raises:
        BadInput: no regular expression, one without the group `rep`, or with a group of another name.
    """
    compiled = []
    for pattern in patterns:
        field = f"--group {pattern!r}"
        try:
            compiled.append(re.compile(pattern))
        except re.error as error:
            raise BadInput(f"{field}: no regular expression ({error})") from error
        names = compiled[-1].groupindex
        unknown = next((name for name in names if name not in GROUPS), None)
        if unknown is not None:
            match = nearest_match(unknown, GROUPS)
            raise BadInput(f"{field}: the group {unknown!r} is none of {', '.join(GROUPS)}{match}")
        if "rep" not in names:
            raise BadInput(f"{field}: need a group that tells repetitions apart, as (?P<rep>\\d+)")
    return compiled


def arrange(studies: Sequence[ForeignStudy], patterns: Sequence[re.Pattern[str]], objective: str) -> Arrangement:
    """Give every study its place.

    With patterns a study is what the first one says that matches its whole name, or that of its file without suffix;
    those that none matches are left out. An algorithm that no group names is what the pattern leaves of the name
    without the repetition.
    Without patterns the studies of an algorithm, as the tool names it, are its repetitions, by the numbers that the
    recording has for them where it has any.

    Args:
        studies: in any order.
        patterns: from `compile_groups`.
        objective: label of the objective where no group names it.

    Raises:
        BadInput: nothing is left, two studies are the same repetition, or there are too many.
    """
    named = [_named(study, patterns, objective) for study in studies]
    found = [entry for entry in named if entry is not None]
    if not found:
        names = ", ".join(repr(study.name) for study in studies[:MOST_NAMED])
        raise BadInput(f"--group: no pattern matches the whole name of a study; there are {names or 'none'}")
    labels = _labels(dict.fromkeys([*(e.algorithm for e in found), *(e.objective for e in found)]))
    numbers, matching, paired = _numbers(found, by_name=bool(patterns))
    if max(numbers) >= MOST_REPETITIONS:
        raise BadInput(f"{max(numbers) + 1} repetitions: at most {MOST_REPETITIONS} are allowed; give --group")
    return Arrangement(
        places=tuple(
            Place(
                study=entry.study,
                objective=labels[entry.objective],
                algorithm=labels[entry.algorithm],
                repetition=number,
            )
            for entry, number in zip(found, numbers, strict=True)
        ),
        names={label: _displayed(name) for name, label in labels.items() if _displayed(name) not in ("", label)},
        matching=matching,
        paired=paired,
        left_out=tuple(study.name for study, entry in zip(studies, named, strict=True) if entry is None),
    )


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """What sorts texts with their numbers as numbers: study-2 before study-10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"([0-9]+)", text)]


def _named(study: ForeignStudy, patterns: Sequence[re.Pattern[str]], objective: str) -> _Named | None:
    if not patterns:
        return _Named(
            study=study,
            objective=study.objective or objective,
            algorithm=study.algorithm or study.tool,
            key=study.name if study.repetition is None else study.repetition,
        )
    for match in filter(None, (pattern.fullmatch(name) for pattern in patterns for name in _names(study))):
        if match["rep"]:
            groups = {name: text for name, text in match.groupdict().items() if text}
            algorithm = groups.get("algorithm") or _rest(match) or study.algorithm or study.tool
            return _Named(
                study=study,
                objective=groups.get("objective", study.objective or objective),
                algorithm=algorithm,
                key=match["rep"],
            )
    return None


def _names(study: ForeignStudy) -> Iterator[str]:
    """What a pattern may match: the study's name, or that of its file without suffix."""
    yield study.name
    yield from (path.stem for path in study.files[:1])


def _rest(match: re.Match[str]) -> str:
    """A name without what its groups say, and without the separators that are left at its ends."""
    name = match.string
    kept = [True] * len(name)
    for group in match.re.groupindex:
        first, last = match.span(group)
        kept[max(first, 0) : max(last, 0)] = [False] * (max(last, 0) - max(first, 0))
    return "".join(letter for letter, keep in zip(name, kept, strict=True) if keep).strip(" -_./:=#()[]")


def _numbers(found: Sequence[_Named], *, by_name: bool) -> tuple[list[int], str, bool]:
    """The repetition of each study, how it was found in words, and whether repetitions are pairs."""
    several = len({entry.algorithm for entry in found}) > 1
    told = all(entry.study.repetition is not None for entry in found)
    if by_name or told:
        numbers = _by_key(found, [tuple(natural_key(entry.key)) for entry in found], lambda entry: f"rep {entry.key!r}")
        how = "by the group rep in the names of the studies" if by_name else "as the recording numbers them"
        return numbers, how, several
    seeds = [entry.study.seed for entry in found]
    if several and None not in seeds and _pairs_exist(found, seeds):
        numbers = _by_key(found, seeds, lambda entry: f"seed {entry.study.seed}")
        return numbers, "by the seeds of the studies", True
    order: dict[tuple[str, str], int] = {}
    numbers = [0] * len(found)
    for place in sorted(range(len(found)), key=lambda place: natural_key(found[place].key)):
        cell = (found[place].objective, found[place].algorithm)
        numbers[place] = order[cell] = order.get(cell, -1) + 1
    return numbers, "one study, one repetition, in the order of their names", False


def _pairs_exist(found: Sequence[_Named], seeds: Sequence[int | None]) -> bool:
    """Whether the seeds of a cell differ, and all cells of an objective have the same ones."""
    cells: dict[str, dict[str, list[int | None]]] = {}
    for entry, seed in zip(found, seeds, strict=True):
        cells.setdefault(entry.objective, {}).setdefault(entry.algorithm, []).append(seed)
    return all(
        len(set(own)) == len(own) and set(own) == set(next(iter(cell.values())))
        for cell in cells.values()
        for own in cell.values()
    )


def _by_key(found: Sequence[_Named], keys: Sequence[Any], words: Callable[[_Named], str]) -> list[int]:
    """Repetitions by the order of keys, the same ones for all algorithms."""
    order = {key: number for number, key in enumerate(sorted(set(keys)))}
    taken: dict[tuple[str, str, int], _Named] = {}
    for entry, key in zip(found, keys, strict=True):
        other = taken.setdefault((entry.objective, entry.algorithm, order[key]), entry)
        if other is not entry:
            raise BadInput(
                f"--group: the studies {other.study.name!r} and {entry.study.name!r} are both {words(entry)} of "
                f"{entry.algorithm!r} on {entry.objective!r}: need one study for each repetition"
            )
    return [order[key] for key in keys]


def _labels(names: Iterable[str]) -> dict[str, str]:
    """A label, which becomes a folder, for every name; names that are alike but for what folders lack get numbers."""
    labels: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-_")[: LONGEST_NAME - 4] or "unnamed"
        label, number = plain, 2
        while label.lower() in taken:
            label, number = f"{plain}-{number}", number + 1
        taken.add(label.lower())
        labels[name] = label
    return labels


def _displayed(name: str) -> str:
    """A name as it may be shown; empty where it may not."""
    shown = "".join(letter for letter in name if letter.isprintable()).strip(" =+-@")
    return shown[:LONGEST_NAME].strip()
