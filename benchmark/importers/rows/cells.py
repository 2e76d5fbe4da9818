"""Reads files of rows: CSV, TSV (also compressed by gzip) and parquet, as columns of cells.

Cells of a text file stay texts, so that a message can show what stands in the file. Rows are numbered as a spreadsheet
numbers them: 1 is the line with the columns' names.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, nearest_match, one_line, short_repr
from benchmark.storage.untrusted_files import read_limited

LARGEST_FILE = 2_000_000_000
SEPARATORS = {";": ";", "\t": "\\t", "|": "|", " ": " "}
"""What separates cells in files that do not use commas, and how TOML spells it."""
ENDINGS = {".csv": ",", ".csv.gz": ",", ".tsv": "\t", ".tsv.gz": "\t", ".txt": ",", ".parquet": ""}
"""What a file of each ending is separated by unless its mapping says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The rows of a file.

    Attributes:
        name: of the file, for messages.
        columns: cells by the column's name, in the file's order.
        rows: the number of each row in the file.
        digest: SHA-256 of the file.
    """

    name: str
    columns: Mapping[str, Sequence[Any]]
    rows: Sequence[int]
    digest: str

    def column(self, name: str, field: str) -> Sequence[Any]:
        """A column.

        Raises:
            BadInput: there is none of the name; the message has the key of the mapping that asks for it.
        """
        if name not in self.columns:
            there = ", ".join(map(short_repr, self.columns))
            same = [column for column in self.columns if column.casefold() == name.casefold()]
            hint = nearest_match(same[0], same) if same else nearest_match(name, self.columns)
            raise BadInput(f"{field} = {short_repr(name)}: {self.name} has no such column, but {there}{hint}")
        return self.columns[name]

    def select(self, keep: Iterable[int]) -> Cells:
        """The rows at some positions."""
        keep = list(keep)
        columns = {name: [cells[index] for index in keep] for name, cells in self.columns.items()}
        return Cells(name=self.name, columns=columns, rows=[self.rows[index] for index in keep], digest=self.digest)

    def refuse(self, position: int, column: str, cell: Any, need: str) -> BadInput:
        """The refusal of a cell, with the place where it stands."""
        row = f"row {self.rows[position]}, column {short_repr(column)}"
        return BadInput(f"{self.name}: {row}: {short_repr(cell)}: need {need}")


def read_cells(path: Path, *, separator: str | None, encoding: str | None, comment: str | None) -> Cells:
    """Read a file.

    Args:
        path: of the file; its ending says what it is.
        separator: between cells; None: that which is usual for the ending.
        encoding: of a text file; None: UTF-8, with or without a byte order mark.
        comment: what lines that are no rows begin with, or None.

    Raises:
        BadInput: no such file, another kind of file, or rows of different lengths; the message has the remedy.
    """
    ending = next((end for end in sorted(ENDINGS, key=len, reverse=True) if path.name.lower().endswith(end)), None)
    if ending is None:
        raise BadInput(f"file {short_repr(path.name)}: need one of {', '.join(ENDINGS)}; save a spreadsheet as CSV")
    data = read_limited(path, LARGEST_FILE)
    digest = hashlib.sha256(data).hexdigest()
    if ending == ".parquet":
        columns, count = _read_parquet(data, path.name)
        return Cells(name=path.name, columns=columns, rows=range(2, count + 2), digest=digest)
    text = _decode(_unpack(data, path.name) if ending.endswith(".gz") else data, encoding, path.name)
    columns, rows = _read_text(text, separator or ENDINGS[ending], comment, path.name)
    return Cells(name=path.name, columns=columns, rows=rows, digest=digest)


def _unpack(data: bytes, name: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"{name}: not a gzip file ({one_line(error)})") from error
    if len(unpacked) > LARGEST_FILE:
        raise BadInput(f"{name}: unpacks to more than {LARGEST_FILE} bytes")
    return unpacked


def _decode(data: bytes, encoding: str | None, name: str) -> str:
    remedy = 'say how it is encoded, as encoding = "latin-1" or "utf-16"'
    try:
        text = data.decode(encoding or "utf-8-sig")
    except (UnicodeError, LookupError) as error:
        raise BadInput(f"{name}: not text in {encoding or 'UTF-8'} ({one_line(error)}); {remedy}") from error
    if "\0" in text:
        raise BadInput(f"{name}: it holds NUL characters; {remedy}")
    return text


def _read_text(text: str, separator: str, comment: str | None, name: str) -> tuple[dict[str, list[str]], list[int]]:
    lines = _rows(text, separator, name)
    header: list[str] | None = None
    rows: list[list[str]] = []
    numbers: list[int] = []
    for number, cells in lines:
        if not any(cells) or (comment and cells[0].startswith(comment)):
            continue
        if header is None:
            header = cells
            _check_header(header, separator, name)
        elif len(cells) != len(header):
            raise BadInput(
                f"{name}: row {number} has {len(cells)} cells, the first row has {len(header)}; numbers with decimal "
                'commas need another separator (separator = ";", decimal = ","), texts with commas need quotes'
            )
        else:
            rows.append(cells)
            numbers.append(number)
    if header is None or not rows:
        raise BadInput(f"{name}: no rows below a line of column names")
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)), numbers


def _rows(text: str, separator: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of every row without blanks around them, and its number."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True)
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            yield number, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise BadInput(f"{name}: row {number + 1}: {error}") from error


def _check_header(header: list[str], separator: str, name: str) -> None:
    """Refuse names that occur twice, and a header that another separator would split; unnamed columns are not used."""
    other = next((mark for mark in SEPARATORS if mark != separator and mark in header[0]), None)
    if len(header) == 1 and other is not None:
        raise BadInput(f'{name}: one column, {short_repr(header[0])}; say separator = "{SEPARATORS[other]}"')
    named = [word for word in header if word]
    twice = next((word for word in named if named.count(word) > 1), None)
    if twice is not None:
        raise BadInput(f"{name}: the column {short_repr(twice)} is there twice; rename one of them")


def _read_parquet(data: bytes, name: str) -> tuple[dict[str, list[Any]], int]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise BadInput(
            f"{name}: parquet needs the package pyarrow, which is not installed; or save it as CSV"
        ) from error
    try:
        # Threads of its own would be torn down with the interpreter where a later refusal ends the process at once.
        table = parquet.read_table(pyarrow.BufferReader(data), use_threads=False, pre_buffer=False)
        return {str(column): table[column].to_pylist() for column in table.column_names}, table.num_rows
    except (pyarrow.ArrowException, ValueError, OSError, KeyError) as error:
        raise BadInput(f"{name}: not a parquet file that can be read ({one_line(error)})") from error
