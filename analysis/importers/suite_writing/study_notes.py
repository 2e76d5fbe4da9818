"""What an imported suite says of its studies: where each comes from, and what a reader must know."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from analysis.importers.suite_writing.arrangement import Arrangement, Place
from analysis.importers.suite_writing.own_results import OwnObjective

MOST_NAMED = 5


def about_study(place: Place) -> dict[str, Any]:
    """What is known of a study; null for what is not."""
    study = place.study
    return {
        "tool": study.tool,
        "version": study.version,
        "study": study.name,
        "objective": place.objective,
        "algorithm": place.algorithm,
        "repetition": place.repetition,
        "seed": study.seed,
        "machine": None,
        "clock": study.clock,
        "files": _digests(study.files),
        "trials": dict(sorted(Counter(trial.state for trial in study.trials).items())),
    }


def _digests(files: Sequence[Path]) -> dict[str, str]:
    """The SHA-256 of files by name; of several of one name that of their digests in the order of their paths."""
    named: dict[str, list[Path]] = {}
    for path in sorted(files):
        named.setdefault(path.name, []).append(path)
    return {
        name if len(paths) == 1 else f"{name} ({len(paths)} files)": _digest(paths[0])
        if len(paths) == 1
        else hashlib.sha256("".join(map(_digest, paths)).encode()).hexdigest()
        for name, paths in named.items()
    }


@cache
def _digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def clocks_by_algorithm(places: Sequence[Place]) -> dict[str, str]:
    """What the runtime of every algorithm is, in words."""
    words: dict[str, dict[str, None]] = {}
    for place in places:
        words.setdefault(place.algorithm, {})[place.study.clock] = None
    return {label: " or ".join(texts) for label, texts in words.items()}


def import_notes(arrangement: Arrangement, places: Sequence[Place], own: Sequence[OwnObjective]) -> Iterator[str]:
    """Sentences on what was left out, and on what a comparison cannot know."""
    states = Counter[str](trial.state for place in places for trial in place.study.trials)
    total = sum(states.values())
    told = {
        "running": "had not ended, and are there with what they had reported",
        "failed": "failed, and count as trials without a result",
        "pruned": "were pruned: what they reported is kept, and they are no incumbents",
        "unknown": "ended in a way that their tool does not record, and count by what they reported",
    }
    for state, words in told.items():
        if states[state]:
            yield f"{states[state]} of {total} imported trials {words}."
    if arrangement.left_out:
        names = ", ".join(arrangement.left_out[:MOST_NAMED])
        more = ", ..." if len(arrangement.left_out) > MOST_NAMED else ""
        yield f"{len(arrangement.left_out)} studies that no --group matches are left out: {names}{more}."
    firsts = list(dict.fromkeys(place.study.metrics[0].name for place in arrangement.places if place.study.metrics))
    if len(firsts) > 1:
        yield f"{' and '.join(firsts)} are taken to be the same metric."
    for part in own:
        missing = f", and {part.missing} runs that are not complete" if part.missing else ""
        yield f"Of the suite {part.suite} test errors are left out, since imported studies have none{missing}."
    if any(place.study.space is None for place in places):
        yield "The space is not recorded: figures of hyperparameters are left out."
    yield "Seeds, machines and seconds of deciding are unknown where the tools do not record them."
    yield from dict.fromkeys(note for place in places for note in place.study.notes)
