"""`compare`: whether a change made results worse; its exit code is the verdict."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.commands.arguments import add_mixed, add_results
from analysis.figure_output import FORMATS
from analysis.loading.suite_folder import suite_folder, suite_names
from analysis.not_drawn import NotDrawn
from analysis.value_format import last_place, number_text
from benchmark.errors import BadInput, nearest_match
from benchmark.storage.atomic_write import write_files
from benchmark.storage.suite_json import ENDPOINTS, SUITE_JSON

if TYPE_CHECKING:
    from analysis.regression.cells import Cell
    from analysis.regression.non_inferiority import Comparison

EPILOG = """exit codes: 0 nothing became worse by the margin, 1 something did or the figure is not drawn, 2 bad input,
3 (with --strict) not decided, or a run of OLD is not compared"""
REGRESSION, UNDECIDED = 1, 3
FORMAT = 1
MOST_NAMED = 5
PICTURES = tuple(f".{name}" for name in FORMATS)
HEAD = ("objective", "algorithm", "verdict", "worse by (95 % interval)", "margin", "pairs", "to the bit")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EPILOG
    parser.add_argument(
        "old", metavar="OLD", help="name of a suite in the results, the path of its .toml file, or its folder"
    )
    parser.add_argument("new", metavar="NEW", help="likewise")
    add_results(parser)
    margin = parser.add_mutually_exclusive_group()
    margin.add_argument("--margin", metavar="X", help="how much worse is not worse yet, in units of the endpoint")
    margin.add_argument("--margin-sd", metavar="X", help="the same in standard deviations of the runs of OLD")
    margin.add_argument(
        "--margin-share", metavar="X", help="the same as a share of chance error - best error (default: 0.01)"
    )
    parser.add_argument("--endpoint", metavar="NAME", help=f"{', '.join(ENDPOINTS)} (default: as the suites declare)")
    parser.add_argument("--strict", action="store_true", help="exit with 3 unless all of OLD is compared and decided")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--markdown", metavar="FILE", help="also write a Markdown file, as for a pull request")
    parser.add_argument("--figure", metavar="FILE", help="also draw the intervals, as .png, .svg or .pdf")
    add_mixed(parser)


def execute(options: argparse.Namespace) -> int:
    margin, endpoint = _margin(options), _endpoint(options.endpoint)
    folders = [_folder(Path(options.results), text) for text in (options.old, options.new)]
    page, picture = _file("--markdown", options.markdown), _file("--figure", options.figure)
    if picture is not None and picture.suffix not in PICTURES:
        raise BadInput(f"--figure {picture}: need a name that ends in {', '.join(PICTURES)}")

    from analysis.commands.output import print_not_drawn  # pandas, SciPy, statsmodels: no refusal above waits for them
    from analysis.regression.cells import Margin
    from analysis.regression.compared_suite import read_compared_suite
    from analysis.regression.non_inferiority import compare

    old, new = (read_compared_suite(folder, endpoint, mixed=options.mixed) for folder in folders)
    comparison = compare(old, new, Margin(**margin))
    if page is not None:
        write_files(page.parent, {page.name: as_markdown(comparison).encode()})
    not_drawn = NotDrawn()
    if picture is not None:
        drawn = not_drawn.attempt(str(picture), partial(_drawn, comparison, picture.suffix))
        picture.unlink(missing_ok=True)  # An earlier one would be taken for this comparison's.
        write_files(picture.parent, {} if drawn is None else {picture.name: drawn})
    print(as_json(comparison) if options.json else as_text(comparison))
    return exit_code(comparison, strict=options.strict) or print_not_drawn(not_drawn)


def exit_code(comparison: Comparison, *, strict: bool) -> int:
    """0, 1 or 3: see `EPILOG`."""
    if comparison.verdict == "regression":
        return REGRESSION
    lost = any(run.reason != "not planned in OLD" for run in comparison.unpaired)
    return UNDECIDED if strict and (comparison.verdict == "inconclusive" or lost) else 0


def as_json(comparison: Comparison) -> str:
    """Everything, undefined and infinite numbers as null."""
    content = {"format": FORMAT, "verdict": comparison.verdict} | asdict(comparison)
    return json.dumps(_plain(content), indent=1)


def as_text(comparison: Comparison) -> str:
    """What the command prints: a table, what was not compared, what else changed, the verdict last."""
    rows = [HEAD, *map(_row, comparison.cells)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(HEAD))]
    table = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    notes = [f"note: {line}" for line in _notes(comparison)]
    return "\n".join([_title(comparison), "", *table, "", *notes, f"verdict: {comparison.verdict}"])


def as_markdown(comparison: Comparison) -> str:
    """The same for a page that renders Markdown."""
    rows = [HEAD, ("---",) * len(HEAD), *map(_row, comparison.cells)]
    table = ["| " + " | ".join(row) + " |" for row in rows]
    notes = [f"- {line}" for line in _notes(comparison)]
    parts = [f"### {comparison.verdict.capitalize()}", "", _title(comparison), "", *table, "", *notes]
    return "\n".join(parts).rstrip() + "\n"


def _title(comparison: Comparison) -> str:
    kind, value = comparison.margin.kind, comparison.margin.value
    units = {
        "absolute": f"{value:g}",
        "sd": f"{value:g} sd of OLD's runs",
        "share": f"{value:g} of chance - best error" if not comparison.outcomes else f"{value:g} of chance to best",
    }
    return (
        f"{comparison.new} (NEW) against {comparison.old} (OLD), {comparison.endpoint}, paired by repetition; "
        f"margin: {units[kind]}"
    )


def _row(cell: Cell) -> tuple[str, ...]:
    return (
        cell.objective,
        cell.algorithm,
        cell.verdict,
        _difference(cell),
        "" if math.isnan(cell.margin) else f"{cell.margin:.4g}",
        f"{cell.n} of {cell.n_planned}",
        f"{cell.n_identical} of {cell.n}",
    )


def _difference(cell: Cell) -> str:
    if not cell.n:
        return ""
    if cell.n_new_failed:
        return f"{cell.n_new_failed} of {cell.n} failed in NEW alone"
    if math.isnan(cell.lo):
        return f"{_signed(cell.mean)} (too few pairs for an interval)"
    place = last_place([cell.hi / 2 - cell.lo / 2])
    return f"{_signed(cell.mean, place)} [{_signed(cell.lo, place)}, {_signed(cell.hi, place)}]"


def _signed(difference: float, place: int | None = None) -> str:
    """A difference with its sign, which zero has none of."""
    text = number_text(difference, place)
    return text if text.startswith("-") or not text.strip("0.") else f"+{text}"


def _notes(comparison: Comparison) -> Iterator[str]:
    for objective, words in comparison.outcomes.items():
        yield f"{objective}: compared on the {words}"
    for cell in comparison.cells:
        where = f"{cell.objective}/{cell.algorithm}"
        if cell.verdict == "inconclusive" and not math.isnan(cell.needed):
            more = f"some {cell.needed:.0f}" if math.isfinite(cell.needed) else "more than 10000"
            yield f"{where}:{_nearly(cell)} {more} repetitions would decide it, if mean and spread stay as they are"
        if cell.n_old_failed:
            yield f"{where}: {cell.n_old_failed} of {cell.n} pairs left out of the mean, failed in OLD alone"
    yield from _unpaired(comparison)
    for name, (before, after) in comparison.changed.items():
        yield f"environment: {name} is {before} in OLD and {after} in NEW"


def _nearly(cell: Cell) -> str:
    """What an inconclusive interval does show."""
    if cell.lo > cell.margin:
        return f" beyond the margin by itself, but not corrected for all cells (p = {cell.p_holm:.2g});"
    return " worse, though perhaps by less than the margin;" if cell.lo > 0 else ""


def _unpaired(comparison: Comparison) -> Iterator[str]:
    """Runs without a partner, by cell and reason."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for run in comparison.unpaired:
        groups.setdefault((run.objective, run.algorithm, run.reason), []).append(f"{run.repetition:03d}")
    total = len(comparison.unpaired) + sum(cell.n for cell in comparison.cells)
    if groups:
        yield f"{len(comparison.unpaired)} of {total} runs not compared:"
    for (objective, algorithm, reason), names in groups.items():
        more = ", ..." if len(names) > MOST_NAMED else ""
        yield f"{objective}/{algorithm}: {len(names)} ({', '.join(names[:MOST_NAMED])}{more}): {reason}"


def _margin(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of a `Margin` that the command line gives."""
    kinds = {"margin": "absolute", "margin_sd": "sd", "margin_share": "share"}
    texts = [(name, getattr(options, name)) for name in kinds if getattr(options, name) is not None]
    if not texts:
        return {}
    [(name, text)] = texts
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise BadInput(f"--{name.replace('_', '-')} {text!r}: need a number > 0")
    return {"kind": kinds[name], "value": value}


def _endpoint(name: str | None) -> str | None:
    if name is not None and name not in ENDPOINTS:
        raise BadInput(f"--endpoint {name!r}: need one of {', '.join(ENDPOINTS)}{nearest_match(name, ENDPOINTS)}")
    return name


def _folder(results: Path, text: str) -> Path:
    """A suite's folder by its name in the results; else by its path."""
    path = Path(text)
    if (path / SUITE_JSON).is_file() and not (results.is_dir() and text in suite_names(results)):
        return path
    return suite_folder(results, text)


def _file(option: str, text: str | None) -> Path | None:
    if text is None:
        return None
    path = Path(text)
    if path.is_dir():
        raise BadInput(f"{option} {path}: a folder is where a file must be")
    if not path.parent.is_dir():
        raise BadInput(f"{option} {path}: there is no folder {path.parent}")
    return path


def _drawn(comparison: Comparison, suffix: str) -> bytes:
    from analysis.figures.rendering import render  # matplotlib is needed for nothing else here
    from analysis.figures.theme import theme
    from analysis.figures.verdicts import verdicts

    with theme():
        kind = suffix.removeprefix(".")
        return render(verdicts(comparison), [kind])[kind]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
