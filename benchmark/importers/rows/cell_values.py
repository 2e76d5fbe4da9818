"""What cells of files mean: numbers, truth values, durations, and cells that hold nothing."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from benchmark.importers.rows.cells import Cells

NOTHING = frozenset({"", "nan", "na", "n/a", "null", "none", "-", "?"})
"""Texts, in small letters, that say that there is no value."""
INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
WHOLE = re.compile(r"[+-]?\d+")
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
NUMBER_LIKE = re.compile(r"[+-]?\d[\d.,'\u00a0 ]*([eE][+-]?\d+)?\s?%?")
GROUPED = re.compile(r"\d[,.'\u00a0 ]\d{3}(?!\d)")
DURATION = re.compile(r"(?:(\d+) days? )?(\d+):(\d\d):(\d\d(?:\.\d+)?)")
"""As pandas, Optuna and spreadsheets write durations: `0 days 00:01:30.5`, `1:30:00`."""
SECONDS_OF = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class CellReader:
    """Reads the cells of a file.

    Attributes:
        cells: the file's rows.
        decimal: what stands before the decimals, "." or ",".
    """

    cells: Cells
    decimal: str = "."

    def number(self, cell: Any) -> int | float | None:
        """A number as the cell spells it; None for one that is not finite, and for any other cell."""
        if isinstance(cell, Decimal):  # Of a parquet file.
            cell = float(cell)
        if isinstance(cell, int | float) and not isinstance(cell, bool):
            return cell if math.isfinite(cell) else None
        if not isinstance(cell, str):
            return None
        if self.decimal == "," and "." in cell:  # What 1.234 means where decimals follow commas, only its writer knows.
            return None
        text = cell.replace(",", ".") if self.decimal == "," else cell
        if WHOLE.fullmatch(text) and len(text) < 300:
            return int(text)
        value = float(text) if NUMBER.fullmatch(text) else math.nan
        return value if math.isfinite(value) else None

    def numbers(self, column: str, cells: Sequence[Any], unit: str = "", *, missing: str = "") -> list[float]:
        """Numbers of a column, NaN for cells that hold nothing or an infinity.

        Args:
            column: its name, for messages.
            cells: of the column.
            unit: that may stand after numbers, as in `93.5 %`.
            missing: what to do about cells that hold nothing, for a message; "" where they are allowed.

        Raises:
            BadInput: naming the first cell that holds something else, or nothing where that is not allowed.
        """
        values = []
        for position, cell in enumerate(cells):
            bare = cell.removesuffix(unit).rstrip() if unit and isinstance(cell, str) else cell
            value = self.number(bare)
            if value is None and (missing or not _is_missing(cell)):
                raise self.cells.refuse(
                    position, column, cell, missing if _is_missing(cell) else _remedy(cell, self.decimal)
                )
            values.append(math.nan if value is None else float(value))
        return values

    def whole_numbers(self, column: str, cells: Sequence[Any], need: str) -> list[int]:
        """Whole numbers of a column.

        Raises:
            BadInput: naming the first cell that is none.
        """
        values = []
        for position, cell in enumerate(cells):
            value = self.number(cell)
            if value is None or value != int(value) or abs(value) > 10**9:
                raise self.cells.refuse(position, column, cell, need)
            values.append(int(value))
        return values

    def seconds(self, column: str, cells: Sequence[Any], unit: str) -> list[float]:
        """Seconds of a column of numbers in a unit, or of durations such as 0:01:30.

        Raises:
            BadInput: naming the first cell that is neither, or negative.
        """
        values = []
        for position, cell in enumerate(cells):
            match = DURATION.fullmatch(cell) if isinstance(cell, str) else None
            number = self.number(cell.removesuffix(unit).rstrip() if isinstance(cell, str) else cell)
            if match:
                days, hours, minutes, rest = (float(part or 0) for part in match.groups())
                value = ((days * 24 + hours) * 60 + minutes) * 60 + rest
            elif number is not None and number >= 0:
                value = number * SECONDS_OF[unit]
            elif hasattr(cell, "total_seconds"):  # A duration of a parquet file.
                value = cell.total_seconds()
            else:
                raise self.cells.refuse(position, column, cell, f"a number >= 0 ({unit}), or a duration as 0:01:30")
            values.append(value)
        return values


def is_empty(cell: Any) -> bool:
    """Whether a cell holds no value at all."""
    return cell is None or (isinstance(cell, float) and math.isnan(cell)) or cell == ""


def is_not_a_number(cell: Any) -> bool:
    """Whether a cell of a column of numbers says that it holds none, as programs write it."""
    return is_empty(cell) or (isinstance(cell, str) and cell.lower() in ("nan", "na", "n/a"))


def truth_value(cell: Any) -> bool | None:
    """The truth value that a cell is, or None."""
    if isinstance(cell, bool):
        return cell
    return {"true": True, "false": False}.get(cell.lower()) if isinstance(cell, str) else None


def _is_missing(cell: Any) -> bool:
    """Whether a cell says that there is no value, or that it is beyond all numbers."""
    if isinstance(cell, str):
        return cell.lower() in NOTHING or INFINITE.fullmatch(cell) is not None
    return cell is None or (isinstance(cell, float) and not math.isfinite(cell))


def _remedy(cell: Any, decimal: str) -> str:
    """What is needed of a cell that is no number."""
    if isinstance(cell, str) and decimal == "." and DECIMAL_COMMA.fullmatch(cell):
        return 'a number with a decimal point; numbers with commas need decimal = ","'
    if isinstance(cell, str) and cell.endswith("%"):
        return 'a number; those with a percent sign need unit = "%"'
    spelled = 'with a decimal comma, as decimal = "," says' if decimal == "," else "with a decimal point"
    grouped = isinstance(cell, str) and GROUPED.search(cell)
    return f"a number {spelled}, without separators of thousands" if grouped or decimal == "," else "a number"


def require_no_other_notation(reader: CellReader, column: str, cells: Sequence[Any]) -> None:
    """Refuse a column of numbers in another notation, which would be taken for texts.

    Raises:
        BadInput: with the remedy.
    """
    position = next((place for place, cell in enumerate(cells) if not is_empty(cell)), 0)
    filled = [cell for cell in cells if not is_empty(cell)]
    if all(isinstance(cell, str) and NUMBER_LIKE.fullmatch(cell) for cell in filled):
        unread = [place for place, cell in enumerate(cells) if not is_empty(cell) and reader.number(cell) is None]
        if len(unread) == len(filled):
            need = f'{_remedy(cells[position], reader.decimal)}; kind = "categorical" takes it as a text'
            raise reader.cells.refuse(position, column, cells[position], need)
