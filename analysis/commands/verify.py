"""`verify`: which file is to be traced to its ledgers and made again; `verification` does it."""

from __future__ import annotations

import argparse
import stat
from pathlib import Path

from analysis.figure_output import SIZES
from benchmark.errors import BadInput
from benchmark.storage.suite_json import SUITE_JSON

FOLDERS = ("tables", "figures", "report")
LARGEST = 2_000_000_000
"""Bytes of a file that is looked at: a thousand times the largest table of the published results."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", help="RESULTS/SUITE/tables/NAME.csv, .../figures/NAME.png, .svg, .pdf or .txt"
    )
    parser.add_argument("--row", metavar="N", help="of a table: a single row, counted from 1 below the column names")


def execute(options: argparse.Namespace) -> int:
    path = Path(options.file)
    folder = _suite_folder(path)
    row = _row_number(options.row, path)

    from analysis.commands.verification import verify  # pandas: no refusal above should wait for it

    return verify(path, folder, row)


def _suite_folder(path: Path) -> Path:
    """The folder of the suite that a file was made of.

    Raises:
        BadInput: no regular file in the tables, figures or report of a suite.
    """
    need = f"need a file in {', '.join(FOLDERS)} of a suite's folder, as results/SUITE/tables/summary.csv"
    try:
        status = path.stat()
        target = path.resolve(strict=True)
    except (OSError, ValueError, RuntimeError) as error:  # A name with a zero byte, a circle of links.
        reason = getattr(error, "strerror", None) or "no such file"
        raise BadInput(f"{str(path)!r}: {reason}; {need}") from error
    within = path.absolute().parent
    if within.name in SIZES and within.parent.name == "figures":
        within = within.parent
    folder = within.parent
    if not stat.S_ISREG(status.st_mode):
        raise BadInput(f"{path}: not a file that an analysis writes; {need}")
    if within.name not in FOLDERS or not (folder / SUITE_JSON).is_file():
        raise BadInput(f"{path}: not of a suite's results; {need}")
    if not target.is_relative_to(folder.resolve()):
        raise BadInput(f"{path}: a link that leads out of {folder.name}; {need}")
    if status.st_size > LARGEST:
        raise BadInput(f"{path}: of {status.st_size} bytes, at most {LARGEST} are looked at")
    return folder


def _row_number(text: str | None, path: Path) -> int | None:
    if text is None:
        return None
    if path.suffix != ".csv":
        raise BadInput(f"--row {text!r}: {path.name} is no table; give a file .csv")
    if not text.isascii() or not text.isdigit() or len(text) > 12 or int(text) < 1:
        raise BadInput(f"--row {text!r}: need a whole number >= 1")
    return int(text)
