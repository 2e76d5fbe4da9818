"""A table as the page shows it: cells with what is read and what it is sorted by."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.report.encoding import error_text
from analysis.value_format import last_place

Row = Mapping[Any, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a sheet.

    Attributes:
        text: what a row of the data frame shows here.
        key: what it is sorted by; by default the text.
        hint: a sentence on what the column means.
    """

    title: str
    text: Callable[[Row], str]
    key: Callable[[Row], Any] | None = None
    hint: str = ""

    @property
    def numeric(self) -> bool:
        return self.key is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    text: str
    key: str
    numeric: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row, with what it is about, so that the page can hide it.

    Attributes:
        objective: None for a row of all of them.
        algorithms: it is hidden when one of them is.
        choice: the axis and the error with which alone it is shown.
    """

    objective: str | None
    algorithms: tuple[str, ...]
    choice: tuple[str, str] | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HtmlTable:
    caption: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]


def html_table(
    caption: str,
    frame: pd.DataFrame,
    columns: Sequence[Column],
    *,
    about: Iterable[str] = ("algorithm",),
    chosen: bool = False,
) -> HtmlTable:
    """A data frame as a sheet.

    Args:
        caption: its accessible name.
        frame: one row a line; the column `objective` may be missing.
        columns: what to show.
        about: the columns that name algorithms.
        chosen: show of its rows those alone whose columns axis and error are what the reader chose.
    """
    names = tuple(about)
    lines = [
        Line(
            objective=row.get("objective"),
            algorithms=tuple(row[name] for name in names),
            choice=(row["axis"], row["error"]) if chosen else None,
            cells=tuple(
                Cell(text=column.text(row), key=_key(column, row), numeric=column.numeric) for column in columns
            ),
        )
        for row in frame.to_dict("records")
    ]
    return HtmlTable(caption=caption, columns=tuple(columns), lines=tuple(lines))


def text_column(name: str, title: str, hint: str = "") -> Column:
    """A column of texts."""
    return Column(title=title, text=lambda row: str(row[name]), hint=hint)


def number_column(name: str, title: str, form: Callable[[float], str], hint: str = "") -> Column:
    """A column of numbers."""
    return Column(title=title, text=lambda row: form(row[name]), key=lambda row: row[name], hint=hint)


def error_column(name: str, title: str, place: Callable[[Row], int | None], hint: str = "") -> Column:
    """A column of errors or scores, each written to the decimal place that its row gives."""
    return Column(title=title, text=lambda row: error_text(row[name], place(row)), key=lambda row: row[name], hint=hint)


def spread_place(row: Row) -> int | None:
    """Where numbers of a row with a standard deviation end."""
    return last_place([row["std"]])


def interval_place(name: str) -> Callable[[Row], int | None]:
    """Where a number of a row ends that has a confidence interval."""
    return lambda row: last_place([row[f"{name}_hi"] / 2 - row[f"{name}_lo"] / 2])


def integer_column(name: str, title: str, hint: str = "") -> Column:
    """A column of counts."""
    return Column(title=title, text=lambda row: f"{row[name]:.0f}", key=lambda row: row[name], hint=hint)


def _key(column: Column, row: Row) -> str:
    if column.key is None:
        return column.text(row)
    value = float(column.key(row))
    return "" if math.isnan(value) else repr(value).replace("inf", "Infinity")
