"""Where files come from: checksums of what went in and of what came out, in `provenance.json` beside them.

The same results and libraries give the same bytes: no date, path, host or variable of the environment is in it.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from analysis.fronts.known import FOLDER as FRONTS
from analysis.loading.ledgers import SUFFIXES
from analysis.loading.plan import Plan
from analysis.loading.recheck import FILE, FOLDER
from analysis.loading.results import Results
from benchmark.errors import BadInput, shell_command
from benchmark.storage.run_files import find_run_file
from benchmark.storage.suite_json import SUITE_JSON

NAME = "provenance.json"
FORMAT = 1
FIELDS = ("suite", "code", "libraries", "inputs", "files")
LIBRARIES = (
    *("numpy", "pandas", "scipy", "statsmodels", "scikit-learn", "moocore"),
    *("matplotlib", "seaborn", "pillow", "plotly"),
)
"""Those that decide bytes of tables, figures or reports."""

LARGEST = 100_000_000
"""Bytes of a provenance that is read: that of some 800 000 ledgers."""

SOURCES = ("*.py", "report/static/*", "report/templates/*")
CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a folder's files were made of.

    Attributes:
        suite: name of the plan.
        code: SHA-256 of the analysis' sources.
        libraries: versions by name; None of one that was not installed.
        inputs: SHA-256 of the plan, of every ledger that counts and of a recheck's files, by their paths in the
            suite's folder.
        files: SHA-256 of every file written, by name.
        skip: what was left out of them on demand.
    """

    suite: str
    code: str
    libraries: Mapping[str, str | None]
    inputs: Mapping[str, str]
    files: Mapping[str, str]
    skip: tuple[str, ...] = ()

    def to_json(self) -> bytes:
        content = {
            "format": FORMAT,
            "suite": self.suite,
            "code": self.code,
            "libraries": dict(self.libraries),
            "inputs": dict(self.inputs),
            "files": dict(sorted(self.files.items())),
        }
        content |= {"skip": list(self.skip)} if self.skip else {}
        return (json.dumps(content, indent=1) + "\n").encode()

    def same_origin(self, other: Provenance) -> bool:
        """Whether both tell of files made of the same results by the same code."""
        mine, others = ((one.suite, one.code, one.libraries, one.inputs) for one in (self, other))
        return mine == others


def provenance(
    folder: Path,
    results: Results,
    written: Mapping[str, bytes],
    before: bytes | None = None,
    *,
    lost: Collection[str] = (),
    skip: Collection[str] = (),
) -> bytes:
    """The provenance of files that are about to be written.

    Args:
        folder: the suite's.
        results: what they were made of.
        written: files by name.
        before: the provenance that lies there; what it says of other files stays where it is still true.
        lost: files that could not be made this time, of which nothing stays.
        skip: what was left out on demand.
    """
    made = Provenance(
        suite=results.plan.name,
        code=code(),
        libraries=libraries(),
        inputs=inputs(folder, results.plan),
        files={name: hashlib.sha256(data).hexdigest() for name, data in written.items()},
        skip=tuple(skip),
    )
    try:
        earlier = None if before is None else parse(Path(NAME), before)
    except BadInput:  # It is written anew.
        earlier = None
    if earlier is None or not made.same_origin(earlier):
        return made.to_json()
    files = {name: digest for name, digest in earlier.files.items() if name not in lost} | dict(made.files)
    return replace(made, files=files).to_json()


def with_provenance(
    folder: Path,
    results: Results,
    contents: Mapping[str, Mapping[str, bytes]],
    *,
    lost: Collection[str] = (),
    skip: Collection[str] = (),
) -> dict[str, dict[str, bytes]]:
    """Files by folder and name, with the provenance of each folder.

    Args:
        folder: the suite's.
        results: what the files were made of.
        contents: files by the name of their folder and their own.
        lost: names of files that could not be made this time.
        skip: what was left out on demand.
    """
    return {
        name: {
            **files,
            NAME: provenance(folder, results, files, _bytes_of(folder / name / NAME), lost=lost, skip=skip),
        }
        for name, files in contents.items()
    }


def inputs(folder: Path, plan: Plan) -> dict[str, str]:
    """SHA-256 of everything in a suite's folder that its files are made of, by path; the plan first."""
    return {path.relative_to(folder).as_posix(): sha256(path) for path in _inputs(folder, plan)}


def read(path: Path) -> Provenance:
    """Read a provenance.

    Raises:
        BadInput: there is none, or it is not one.
    """
    remedy = f"write the files anew, as by {shell_command('analysis', 'plots', 'SUITE')}"
    try:
        if path.stat().st_size > LARGEST:
            raise BadInput(f"{path}: of {path.stat().st_size} bytes, at most {LARGEST} are read; {remedy}")
        data = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path}: there is none, so nothing says what the file was made of; {remedy}") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    return parse(path, data)


def parse(path: Path, data: bytes) -> Provenance:
    """A provenance from its bytes.

    Raises:
        BadInput: no JSON, another format, or a value that is not allowed.
    """
    remedy = "restore the file, or write the files beside it anew"
    try:
        told = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not valid JSON ({error}); {remedy}") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise BadInput(f"{path}: need a JSON object of format {FORMAT}, which this version reads; {remedy}")
    versions, tables = told.get("libraries"), (told.get("inputs"), told.get("files"))
    skip = told.get("skip", [])
    sound = (
        all(isinstance(told.get(name), str) for name in ("suite", "code"))
        and isinstance(versions, dict)
        and all(isinstance(version, str | None) for version in versions.values())
        and all(isinstance(table, dict) and all(map(_is_digest, table.values())) for table in tables)
        and isinstance(skip, list)
        and all(isinstance(name, str) for name in skip)
    )
    if not sound:
        raise BadInput(f"{path}: need suite, code, libraries, and SHA-256 checksums of inputs and files; {remedy}")
    return Provenance(**{name: told[name] for name in FIELDS}, skip=tuple(skip))


def sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hashed.update(chunk)
    return hashed.hexdigest()


def code() -> str:
    """SHA-256 of this package's sources: a version that needs no repository, and is the same in every copy."""
    root = Path(__file__).resolve().parents[1]
    hashed = hashlib.sha256()
    for path in sorted({path for pattern in SOURCES for path in root.rglob(pattern) if path.is_file()}):
        hashed.update(f"{path.relative_to(root).as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return hashed.hexdigest()


def libraries() -> dict[str, str | None]:
    """Versions of what decides bytes, and of Python and the processor's kind."""
    return {
        "python": platform.python_version(),
        "arch": platform.machine(),
        **{name: _version(name) for name in LIBRARIES},
    }


def _inputs(folder: Path, plan: Plan) -> Iterator[Path]:
    """The plan, known fronts, the ledger of every planned run that is there, and what a recheck has recorded."""
    yield folder / SUITE_JSON
    fronts = (folder / FRONTS / f"{objective.key}.csv" for objective in plan.objectives)
    yield from (path for path in fronts if path.is_file())
    for objective, algorithm in plan.cells():
        for repetition in range(plan.repetitions):
            path = folder / "runs" / objective.label / algorithm / f"{repetition:03d}.jsonl"
            file = find_run_file(path, plan.budget)
            yield from [] if file is None else [file.path]
    again = folder / FOLDER
    yield from (path for path in (again / FILE,) if path.exists())
    yield from sorted(path for path in again.glob("runs/*/*/*.jsonl*") if f".{path.name.partition('.')[2]}" in SUFFIXES)


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= LARGEST else None
    except OSError:
        return None


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _version(name: str) -> str | None:
    try:
        return distribution(name).version
    except PackageNotFoundError:
        return None
