"""Writes what an analysis has made of a suite, and says what it could not make."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

import pandas as pd

from analysis.figure_output import CAPTION, FORMATS
from analysis.not_drawn import NotDrawn
from analysis.provenance.checksums import with_provenance
from analysis.study import Study
from analysis.tables.basic import as_csv
from analysis.tables.failures import add_not_drawn
from analysis.tables.timing import as_json
from benchmark.errors import BadInput, nearest_match
from benchmark.storage.atomic_write import write_files

FAILURES, TIMING = "failures", "timing"


def table_names(study: Study) -> list[str]:
    """Every file of the folder of tables, without suffix."""
    return [*study.tables, TIMING]


def check_skipped(study: Study, skip: Collection[str]) -> None:
    """Refuse a name that nothing has.

    Raises:
        BadInput: no table, figure, kind of figure or section of the page of that name.
    """
    unknown = [name for name in skip if name not in table_names(study)]
    if unknown:
        from analysis.figures import kind_and_objective, makers  # seaborn takes longer to import than tables take
        from analysis.report.page import sections_of

        figures = [name for name, _ in makers(study)]
        kinds = dict.fromkeys(kind_and_objective(study, name)[0] for name in figures)
        known = list(dict.fromkeys([*table_names(study), *kinds, *sections_of(study), *figures]))
        for name in unknown:
            if name not in known:
                raise BadInput(f"--skip {name!r}: need one of {', '.join(known)}{nearest_match(name, known)}")


def table_files(study: Study, names: Collection[str]) -> Callable[[], dict[str, bytes]]:
    """Make tables now, and write them down when the function that is returned is called.

    All are made before the first is written down, for the texts take as much memory again; and the failures are
    written last, when it is known what else could not be made.
    """
    frames = study.made_tables(name for name in names if name != TIMING)
    return partial(_files, study, names, frames)


def _files(study: Study, names: Collection[str], frames: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    makers: dict[str, Callable[[], bytes]] = {
        f"{name}.csv": partial(_as_csv, name, frame) for name, frame in frames.items() if name != FAILURES
    }
    if TIMING in names:
        makers[f"{TIMING}.json"] = partial(as_json, study.results)
    made = {file: study.not_drawn.attempt(f"tables/{file}", make) for file, make in makers.items()}
    if FAILURES in names and (FAILURES in frames or study.not_drawn.reasons):
        made[f"{FAILURES}.csv"] = _as_csv(FAILURES, failures(study))
    return {file: data for file, data in made.items() if data is not None}


def failures(study: Study) -> pd.DataFrame:
    """The table of failures, with what could not be made so far."""
    frame = study.made_tables([FAILURES]).get(FAILURES)
    rows = [(_objective(study, name), f"{name}: {reason}") for name, reason in study.not_drawn.reasons.items()]
    return frame if frame is not None and not rows else add_not_drawn(frame, rows)


def _as_csv(name: str, frame: pd.DataFrame) -> bytes:
    return as_csv({name: frame})[f"{name}.csv"]


def _objective(study: Study, name: str) -> str:
    if not name.startswith("figures/"):
        return ""
    from analysis.figures import kind_and_objective

    return kind_and_objective(study, name.removeprefix("figures/"))[1]


def write(study: Study, contents: Mapping[str, Mapping[str, bytes]], skip: Collection[str] = ()) -> list[Path]:
    """Write files by folder and name, with their provenance, and remove those that can no longer be made.

    Args:
        study: what they were made of.
        contents: files by the name of their folder and their own.
        skip: what was left out on demand.
    """
    lost = [(folder, file) for folder in contents for file in _lost(study, folder) if file not in contents[folder]]
    with_theirs = with_provenance(study.folder, study.results, contents, lost=[file for _, file in lost], skip=skip)
    written = [path for name, files in with_theirs.items() for path in write_files(study.folder / name, files)]
    for folder, file in lost:
        (study.folder / folder / file).unlink(missing_ok=True)
    return written


def _lost(study: Study, folder: str) -> Iterator[str]:
    """Names of the files of a folder that could not be made."""
    kind = folder.partition("/")[0]
    suffixes = [f".{name}" for name in (*FORMATS, CAPTION)] if kind == "figures" else [""]
    for name in study.not_drawn.reasons:
        if name.startswith(f"{kind}/"):
            yield from (f"{name.removeprefix(f'{kind}/')}{suffix}" for suffix in suffixes)


def print_not_drawn(not_drawn: NotDrawn) -> int:
    """Say on stderr what could not be made; return the exit code, 1 if there is something, else 0."""
    for line in not_drawn.lines():
        print(line, file=sys.stderr)
    return 1 if not_drawn.reasons else 0
