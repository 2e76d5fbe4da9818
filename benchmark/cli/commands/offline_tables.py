"""The command `offline-tables`: list the tables that are there, make the published ones, import one's own."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmark.cli import options
from benchmark.errors import BadInput, require_choice, shell_command, short_repr

ACTIONS = ("list", "make", "import")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "asked",
        metavar="ACTION",
        nargs="*",
        help="list (the default); make [FAMILY ...]: fcnet, hpobench, nasbench201, hpob, lcbench, taskset "
        "(default: the first three, and taskset where its files lie); import MAPPING.toml: a CSV or parquet file",
    )
    text = "make: folder with TaskSet's JSON files (default: taskset in $INCUMBENT_DATA, else in data/)"
    parser.add_argument("--taskset", metavar="DIR", help=text)
    parser.add_argument(
        "--out",
        metavar="FILE",
        help="import: the table's file (default: by its name, else beside the mapping)",
    )


def execute(parsed: argparse.Namespace) -> int:
    action, *words = parsed.asked or ["list"]
    require_choice("action", action, ACTIONS)
    if action == "make":
        return _make(parsed, words)
    if action == "import":
        return _import(parsed, words)
    if words:
        raise BadInput(f"offline-tables list {short_repr(words[0])}: it takes no further word")
    return _list()


def _list() -> int:
    from benchmark.tables.names import find_table, table_names, tables_folder
    from benchmark.tables.table_summary import summarise_table

    names = table_names()
    if not names:
        remedy = f"`{shell_command('benchmark', 'offline-tables', 'make')}` makes the published ones"
        print(f"no tables in {tables_folder()}; {remedy}")
    for name in names:
        try:
            print(_describe(name, summarise_table(find_table(name))))
        except BadInput as error:
            print(f"{name}: {error}")
    return 0


def _describe(name: str, summary: object) -> str:
    """A table's lines: its size and origin, then every metric with its ends."""
    from benchmark.tables.table_summary import TableSummary

    assert isinstance(summary, TableSummary)
    header = summary.header
    typical = header["typical_seconds"]
    counts = {"configuration": summary.configs, "seed": summary.seeds, "epoch": summary.epochs}
    size = ", ".join(_count(number, noun) for noun, number in counts.items())
    seconds = "no full training" if typical is None else f"typical training {typical:.4g} s"
    lines = [f"{name}: {size}, {seconds}; {header['source']} {header['version']}, {header['license']}"]
    for metric in header["metrics"]:
        there = [end for end in ("best", "typical", "reference", "chance") if metric.get(end) is not None]
        ends = [f"{end} {metric[end]:.6g}" for end in there]
        tested = ", with test values" if metric["name"] in header["test_metrics"] else ""
        unit = f" ({metric['unit']})" if metric["unit"] else ""
        lines.append(f"    {metric['name']}{unit}, {metric['goal']}: {', '.join(ends) or 'no ends'}{tested}")
    return "\n".join(lines)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def _make(parsed: argparse.Namespace, families: list[str]) -> int:
    from benchmark.importers.published_tables import FAMILIES, find_sources, make_tables
    from benchmark.tables.names import tables_folder

    for family in families:
        require_choice("family", family, FAMILIES)
    data = Path(os.environ.get("INCUMBENT_DATA") or "data")
    folder = options.check_folder("INCUMBENT_TABLES", str(tables_folder()), writing=True)
    taskset = None if parsed.taskset is None else options.check_folder("--taskset", parsed.taskset, writing=False)
    count, size, start = 0, 0, time.perf_counter()
    for made in make_tables(find_sources(families, data, taskset), folder):
        bytes_of_file = made.path.stat().st_size
        count, size = count + 1, size + bytes_of_file
        if made.seconds is not None:
            print(f"{made.name}: {bytes_of_file / 1e6:.1f} MB, {made.seconds:.1f} s", flush=True)
    print(f"{folder}: {_count(count, 'table')}, {size / 1e6:.0f} MB, {time.perf_counter() - start:.1f} s")
    return 0


def _import(parsed: argparse.Namespace, words: list[str]) -> int:
    if len(words) != 1:
        raise BadInput(
            "offline-tables import: need one mapping, the path of a TOML file; docs/offline-tables.md has examples"
        )
    from benchmark.importers.rows.mapping import load_mapping

    mapping = load_mapping(words[0])
    from benchmark.importers.rows.conversion import convert
    from benchmark.tables.table_file import write_table
    from benchmark.tables.table_summary import summarise_table

    out = _place(mapping.name, words[0]) if parsed.out is None else Path(parsed.out)
    if out.suffix != ".npz":
        raise BadInput(f"--out {short_repr(str(out))}: need a name that ends in .npz")
    options.check_folder("--out", str(out.parent), writing=True)
    converted = convert(mapping)
    try:
        write_table(out, converted.table)
    except OSError as error:
        raise BadInput(f"--out {short_repr(str(out))}: cannot be written ({error.strerror})") from error
    print(_describe(str(out), summarise_table(out)))
    print(*(f"    {line}" for line in _axes(converted.table.space.describe())), sep="\n")
    print(*(f"    {note}" for note in converted.notes), sep="\n", end="\n" if converted.notes else "")
    return 0


def _place(name: str | None, mapping: str) -> Path:
    """Where an imported table lies: among all tables if its mapping has a name for it, else beside the mapping."""
    from benchmark.tables.names import SUFFIX, check_table_name, tables_folder

    if name is None:
        return Path(mapping).with_suffix(SUFFIX)
    if check_table_name("name", name).endswith(SUFFIX):
        raise BadInput(f'name = {name!r}: need "family:name"; --out names a file')
    family, _, table = name.partition(":")
    return tables_folder() / family / f"{table}{SUFFIX}"


def _axes(described: dict[str, dict[str, Any]]) -> Iterator[str]:
    """A line for each hyperparameter, so that a user sees what was made of the columns."""
    for name, axis in described.items():
        values = axis.get("choices")
        scale = ", log" if axis.get("log") else ""
        span = (
            f"{_count(len(values), 'level')} {short_repr(values)}"
            if values
            else f"{axis['low']} to {axis['high']}{scale}"
        )
        yield f"{name}, {axis['kind']}: {span}"
