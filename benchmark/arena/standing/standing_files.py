"""Writes the standing of an entered method into its folder: tables, and a page with figures."""

from __future__ import annotations

import html
from base64 import b64encode
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from analysis.figures.mean_ranks import mean_ranks as draw_mean_ranks
from analysis.figures.rank_over_budget import rank_over_budget as draw_rank_over_budget
from analysis.figures.rendering import render
from analysis.figures.task_map import task_map as draw_task_map
from analysis.figures.theme import theme
from analysis.figures.win_rates import win_rates as draw_win_rates
from analysis.many_tasks.mean_ranks import rank_over_budget
from analysis.many_tasks.task_map import task_map
from analysis.many_tasks.win_rates import win_rates
from benchmark.arena.standing.standing import Standing
from benchmark.storage.atomic_write import write_files

FOLDER = "standing"
PAGE = "index.html"

STYLE = """
body { font-family: sans-serif; max-width: 76em; margin: 2em auto; padding: 0 1em; color: #262626; }
pre { overflow-x: auto; } img { max-width: 100%; }
"""


def write_tables(standing: Standing, folder: Path) -> Path:
    """Write the tables of a standing as CSV files; returns their folder."""
    tables = {"ranks": standing.ranks, "methods": standing.methods, "tasks": standing.tasks}
    write_files(folder / FOLDER, {f"{name}.csv": _csv(table) for name, table in tables.items()})
    return folder / FOLDER


def write_page(standing: Standing, lines: Sequence[str], folder: Path) -> Path:
    """Write a page that needs no other file: the text of the standing and its figures; returns its path.

    Args:
        standing: of an entered method.
        lines: its text.
        folder: of the method's results.
    """
    title = html.escape(f"{standing.name}: rank {standing.place} of {len(standing.ranks)}")
    images = "".join(
        f'<h2>{html.escape(name)}</h2><img alt="{html.escape(name)}" src="data:image/png;base64,{data}">'
        for name, data in _images(standing)
    )
    text = html.escape("\n".join(lines))
    page = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style></head>"
        f"<body><h1>{title}</h1><pre>{text}</pre>{images}</body></html>\n"
    )
    write_files(folder / FOLDER, {PAGE: page.encode()})
    return folder / FOLDER / PAGE


def _images(standing: Standing) -> Iterator[tuple[str, str]]:
    """The figures with the entered method among the field, PNG files in base 64."""
    tasks, name = standing.of_plan, standing.name
    order = list(standing.ranks["algorithm"])
    algorithms = tasks[0].algorithms
    with theme():
        figures = {
            "Mean ranks": draw_mean_ranks(standing.ranks, title=name, algorithms=algorithms),
            "Mean ranks over the budget": draw_rank_over_budget(
                rank_over_budget(tasks), title=name, algorithms=algorithms
            ),
            f"Regrets by task; marks say who is better or worse than {name}": draw_task_map(
                task_map(tasks, name), title=name, control=name, order=order
            ),
            "Win rates": draw_win_rates(win_rates(tasks), title=name, order=order),
        }
        for title, figure in figures.items():
            yield title, b64encode(render(figure, ["png"])["png"]).decode()


def _csv(table: pd.DataFrame) -> bytes:
    return table.to_csv(index=False).encode()
