"""Traces a figure, a table or one row of it to the ledgers that it was made of, and makes it again."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from analysis.commands.output import FAILURES, table_files, table_names
from analysis.display_names import with_display_names
from analysis.figure_output import SIZES, FigureOutput
from analysis.loading.plan import read_plan
from analysis.loading.recheck import FOLDER as RECHECK
from analysis.loading.results import load
from analysis.provenance.checksums import NAME, Provenance, code, inputs, libraries, read, sha256
from analysis.provenance.row_sources import sources_of_row
from analysis.study import Study
from analysis.tables.failures import NOT_DRAWN
from benchmark.errors import BadInput, nearest_match
from benchmark.storage.suite_json import SUITE_JSON

MOST_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at.

    Attributes:
        passed: None for what explains a failure and is none itself.
    """

    subject: str
    passed: bool | None
    finding: str


def verify(path: Path, folder: Path, row: int | None) -> int:
    """Print what is found of a file, and of one row of a table; returns 1 where it does not follow, else 0.

    Raises:
        BadInput: the file is a provenance, or the one beside it does not know the file.
    """
    if path.name == NAME:
        raise BadInput(f"{path}: not a file that an analysis writes; give a table or a figure beside it")
    provenance = read(path.parent / NAME)
    if path.name not in provenance.files:
        raise BadInput(f"{path}: {NAME} beside it does not know the file{nearest_match(path.name, provenance.files)}")
    study, problem = _study(folder)
    derived = None if study is None else _derive(study, path, provenance.skip)
    if study is not None and derived is None:
        reasons = study.not_drawn.reasons
        kind = "figures" if path.parent.name in SIZES else path.parent.name
        problem = reasons.get(f"{kind}/{path.name}") or reasons.get(f"{kind}/{path.stem}", "")
    again = _derived_again(path, derived, problem)
    ledgers = _same_inputs(folder, provenance, same_bytes=again.passed is True)
    checks = [_unchanged(path, provenance), ledgers, *_same_makers(provenance), again]
    lines = [f"{check.subject}: {check.finding}" for check in checks]
    failed = [check.subject for check in checks if check.passed is False]
    if row is not None:
        finding, same = _row(path, derived, row)
        lines += finding
        failed += [] if same else [f"row {row}"]
        if study is not None and derived is not None:
            lines += sources_of_row(study.results, path.stem, _cells(derived, row), inputs(folder, study.results.plan))
    verdict = f"not verified: {', '.join(failed)}" if failed else "verified: it follows from the ledgers"
    print("\n".join([*lines, verdict]))
    return 1 if failed else 0


def _unchanged(path: Path, provenance: Provenance) -> Check:
    now, then = sha256(path), provenance.files[path.name]
    finding = "unchanged since it was written" if now == then else f"changed: SHA-256 was {then} and is now {now}"
    return Check(subject="file", passed=now == then, finding=finding)


def _same_inputs(folder: Path, provenance: Provenance, *, same_bytes: bool) -> Check:
    """Hold what is in the suite's folder against the record; no path is taken from the record.

    A recheck that was made or went on since is no objection to a file that comes out the same with it.
    """
    try:
        inputs_now = inputs(folder, read_plan(folder))
    except (BadInput, OSError) as error:
        return Check(subject="ledgers", passed=False, finding=f"cannot be found ({error})")
    names = sorted({*inputs_now, *provenance.inputs})
    words = {(False, True): "is gone", (True, False): "is new", (True, True): "has changed"}
    different = [name for name in names if inputs_now.get(name) != provenance.inputs.get(name)]
    if not different:
        return Check(subject="ledgers", passed=True, finding=f"unchanged, {len(inputs_now) - 1} files and {SUITE_JSON}")
    of_recheck = [name for name in inputs_now if name.startswith(f"{RECHECK}/")]
    if same_bytes and {*different} <= {*of_recheck}:
        count = len(inputs_now) - 1 - len(of_recheck)
        finding = (
            f"unchanged, {count} files and {SUITE_JSON}; the recheck is newer, and nothing of this file depends on it"
        )
        return Check(subject="ledgers", passed=True, finding=finding)
    changed = [f"{name!r} {words[name in inputs_now, name in provenance.inputs]}" for name in different]
    more = f", and {len(changed) - MOST_NAMED} more" if len(changed) > MOST_NAMED else ""
    return Check(subject="ledgers", passed=False, finding=", ".join(changed[:MOST_NAMED]) + more)


def _same_makers(provenance: Provenance) -> list[Check]:
    """Whether the same code and libraries are at work: other ones may explain other bytes."""
    installed = libraries()
    pairs = {
        name: (provenance.libraries.get(name), installed.get(name))
        for name in sorted({*provenance.libraries, *installed})
    }
    changes = [f"{name} was {old} and is now {new}" for name, (old, new) in pairs.items() if old != new]
    versions = "; ".join(changes) if changes else "as they were"
    code_now = "as it was" if provenance.code == code() else "another version of analysis"
    return [
        Check(subject="code", passed=None, finding=code_now),
        Check(subject="libraries", passed=None, finding=versions),
    ]


def _study(folder: Path) -> tuple[Study | None, str]:
    """The suite's results, or why they cannot be read."""
    try:
        return Study(load(folder, mixed=True), folder), ""  # Refusing a mixture changes no byte.
    except (BadInput, OSError) as error:
        return None, str(error)


def _derive(study: Study, path: Path, skip: Collection[str]) -> bytes | None:
    """The bytes of a file, made of the ledgers; None where they give no such file."""
    kind, name = path.parent.name, path.name
    output = FigureOutput(formats=(path.suffix.removeprefix("."),), size=kind if kind in SIZES else None)
    if kind == "tables":
        if path.stem == FAILURES:
            _try_again(study, path, skip)
        return table_files(study, [path.stem] if path.stem in table_names(study) else [])().get(name)
    if kind == "report":
        from analysis.report.page import page

        return page(with_display_names(study), skip).get(name)
    from analysis.figures import draw

    try:
        return draw(with_display_names(study), only=path.stem, output=output).get(name)
    except BadInput:
        return None


def _try_again(study: Study, path: Path, skip: Collection[str]) -> None:
    """Make everything again of whose kind a table of failures says that something could not be made."""
    finding = [row[-1] for row in _parsed(path.read_bytes()) or [] if NOT_DRAWN in row]
    if finding:
        study.made_tables(name for name in study.tables if name not in skip)
    if any(reason.startswith("figures/") for reason in finding):
        from analysis.figures import draw

        draw(with_display_names(study), skip=skip)
    if any(reason.startswith("report/") for reason in finding):
        from analysis.report.page import page

        page(with_display_names(study), skip)


def _derived_again(path: Path, derived: bytes | None, problem: str) -> Check:
    subject = "made again"
    if problem:
        return Check(subject=subject, passed=False, finding=f"cannot be: {problem}")
    if derived is None:
        return Check(subject=subject, passed=False, finding="this version of analysis makes no such file")
    if path.stat().st_size == len(derived) and path.read_bytes() == derived:
        return Check(subject=subject, passed=True, finding="the same bytes")
    return Check(subject=subject, passed=False, finding=_difference(path, derived))


def _difference(path: Path, derived: bytes) -> str:
    """Where a file first differs from what the ledgers give."""
    with path.open("rb") as file:
        data = file.read(2 * len(derived) + 1)
    if path.suffix == ".csv":
        in_file, given = _parsed(data), _parsed(derived)
        for number, (old, new) in enumerate(zip_longest(in_file or [], given or [])):
            if old != new:
                return _row_difference(number, old, new, (given or [[]])[0])
    first = next((byte for byte, (a, b) in enumerate(zip(data, derived, strict=False)) if a != b), None)
    first = min(len(data), len(derived)) if first is None else first
    return f"differs from byte {first} on"


def _row_difference(number: int, old: list[str] | None, new: list[str] | None, names: Sequence[str]) -> str:
    where = "the column names" if number == 0 else f"row {number}"
    if old is None or new is None:
        return f"{where} is {'missing' if old is None else 'one more than the ledgers give'}"
    for name, was, now in zip_longest(names, old, new):
        if was != now:
            return f"{where}, {name}: the file has {_short(was)}, the ledgers give {_short(now)}"
    return f"{where} differs"


def _row(path: Path, derived: bytes | None, number: int) -> tuple[list[str], bool]:
    """What a row of the file says, and whether the ledgers give it."""
    rows = _parsed(path.read_bytes())
    if rows is None or number >= len(rows):
        count = "no table" if rows is None else f"{len(rows) - 1} rows"
        return [f"row {number}: not in the file, which has {count}"], False
    again = _parsed(derived) if derived is not None else None
    same = again is not None and number < len(again) and again[0] == rows[0] and again[number] == rows[number]
    cells = ", ".join(f"{name} = {_short(value)}" for name, value in zip_longest(rows[0], rows[number]) if value)
    return [f"row {number}: {'the ledgers give it' if same else 'the ledgers do not give it'}: {cells}"], same


def _cells(derived: bytes, number: int) -> Mapping[str, str]:
    """A row that the ledgers give, by column; empty where there is none."""
    rows = _parsed(derived) or []
    return dict(zip(rows[0], rows[number], strict=True)) if number < len(rows) else {}


def _parsed(data: bytes) -> list[list[str]] | None:
    """The rows of a table; None of what is none."""
    try:
        return list(csv.reader(io.StringIO(data.decode(), newline="")))
    except (UnicodeDecodeError, csv.Error):
        return None


def _short(value: str | None) -> str:
    return repr(value) if value is None or len(value) <= 80 else repr(value[:80]) + "..."
