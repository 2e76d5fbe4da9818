"""`export`: a suite's results in the formats of other tools."""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.commands.arguments import add_mixed, add_quiet, add_suite
from analysis.loading.suite_folder import suite_folder
from benchmark.errors import BadInput, install_command, nearest_match
from benchmark.storage.atomic_write import check_folder

if TYPE_CHECKING:
    from analysis.study import Study

FORMATS = {
    "optuna": ("optuna",),
    "ioh": (),
    "parquet": ("pyarrow",),
    "latex": (),
    "markdown": (),
}
"""Every format, a module of `analysis.exports`, and the libraries it needs."""
FOR_READERS = ("latex", "markdown")
"""Formats with the names that are displayed; the others are data and keep the labels."""
ABOUT = "export.txt"
"""What marks a folder as an export, so that the next one may take its place."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    parser.add_argument("--to", metavar="FORMAT", required=True, help=", ".join(FORMATS))
    parser.add_argument("--out", metavar="DIR", help="folder to write (default: exports/FORMAT in the suite's folder)")
    add_mixed(parser)
    add_quiet(parser)


def execute(options: argparse.Namespace) -> int:
    name = options.to
    if name not in FORMATS:
        raise BadInput(f"--to {name!r}: need one of {', '.join(FORMATS)}{nearest_match(name, FORMATS)}")
    folder = suite_folder(Path(options.results), options.suite)
    target = Path(options.out) if options.out is not None else folder / "exports" / name
    _check_target(target, folder)
    for library in FORMATS[name]:
        _check_library(library)

    from analysis.commands.output import print_not_drawn  # pandas: no refusal above should wait for it
    from analysis.loading.results import load
    from analysis.study import Study

    module: Any = importlib.import_module(f"analysis.exports.{name}")
    study = Study(load(folder, mixed=options.mixed), folder)
    notes = _replace(target, module, study, name)
    if not options.quiet and notes is not None:
        print("\n".join([f"wrote {target}", *(f"note: {note}" for note in notes), module.OPEN.format(folder=target)]))
    return print_not_drawn(study.not_drawn)


def _replace(target: Path, module: Any, study: Study, name: str) -> list[str] | None:
    """Write beside the target, then let it take the target's place: there is never half an export.

    Returns:
        What a reader must know; None if it could not be made, and an earlier export stays.
    """
    from analysis.display_names import with_display_names

    draft, old = (target.with_name(f".{target.name}.{os.getpid()}.{suffix}") for suffix in ("tmp", "old"))
    draft.mkdir(parents=True)
    try:
        shown = with_display_names(study) if name in FOR_READERS else study
        notes: list[str] | None = study.not_drawn.attempt(
            f"exports/{name}", partial(module.write, shown, draft), (BadInput, OSError)
        )
        if notes is None:
            return None
        head = f'{name} export of the suite "{study.results.plan.name}"'
        text = [head, "", module.__doc__ or "", *(f"Note: {note}" for note in notes), module.OPEN.format(folder=".")]
        (draft / ABOUT).write_text("\n".join(text) + "\n", encoding="utf-8")
        if target.exists():
            target.replace(old)
        draft.replace(target)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
    return notes


def _check_target(target: Path, folder: Path) -> None:
    """Refuse to replace anything but an export."""
    check_folder(target)
    if target.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise BadInput(f"--out {target}: the suite itself is there; give a folder of its own")
    if target.is_dir() and any(target.iterdir()) and not (target / ABOUT).is_file():
        raise BadInput(
            f"{target}: holds files that are no export (there is no {ABOUT}); give another --out, or empty it"
        )


def _check_library(name: str) -> None:
    try:
        importlib.import_module(name)
    except ImportError as error:
        raise BadInput(f"{name} is not installed: {install_command('report')}") from error
