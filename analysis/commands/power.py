"""`power`: how many repetitions a wanted effect needs, from a pilot suite."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.commands.arguments import add_mixed, add_results
from analysis.loading.suite_folder import suite_folder
from benchmark.errors import BadInput, nearest_match

if TYPE_CHECKING:
    from analysis.loading.results import Results
    from analysis.statistics.anytime import Array

ALPHA, POWER = 0.05, 0.80
"""Those of `analysis.statistics.power`, whose libraries would make every `--help` wait."""

HEADS = ("objective", "a", "b", "pilot", "sd", "effect/sd", "repetitions", "cautious", "pilot detects")
UNDEFINED = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("suite", metavar="PILOT", help="name of the pilot suite, or the path of its .toml file")
    parser.add_argument(
        "--effect", metavar="D", type=float, required=True, help="difference to be found, in units of the endpoint"
    )
    parser.add_argument("--objective", metavar="LABEL", help="only this objective")
    parser.add_argument("--a", metavar="LABEL", help="only pairs with this algorithm")
    parser.add_argument("--b", metavar="LABEL", help="and this one")
    parser.add_argument("--power", metavar="P", type=float, default=POWER, help=f"wanted power (default: {POWER})")
    parser.add_argument("--alpha", metavar="P", type=float, default=ALPHA, help=f"level of the test (default: {ALPHA})")
    add_mixed(parser)
    add_results(parser)


def execute(options: argparse.Namespace) -> int:
    _check_numbers(options)
    folder = suite_folder(Path(options.results), options.suite)

    from analysis.loading.results import load  # pandas: no refusal above should wait for it
    from analysis.tables.pairwise import paired_differences

    results = load(folder, mixed=options.mixed)
    if not results.plan.paired:
        raise BadInput(f"suite {options.suite!r}: its repetitions are no pairs, and power is that of a paired test")
    asked = _asked_pair(results, options)
    pairs = {
        (objective, *pair): differences
        for objective in _objectives(results, options)
        for pair, differences in paired_differences(results, objective).items()
        if asked <= set(pair)
    }
    if not any(len(differences) > 1 for differences in pairs.values()):
        most = max(map(len, pairs.values()), default=0)
        raise BadInput(
            f"suite {options.suite!r}: need 2 repetitions that both algorithms of a pair have finished, "
            f"but {_what(options)} at most {most}; run more of the pilot first"
        )
    rows = [(*pair, *_planned(differences, options)) for pair, differences in pairs.items()]
    print(_aligned([HEADS, *rows]))
    print("\n" + "\n".join(_notes(results, options, list(pairs.values()))))
    return 0


def _check_numbers(options: argparse.Namespace) -> None:
    if not 0 < options.effect < math.inf:
        raise BadInput(f"--effect {options.effect:g}: need a finite number > 0, in units of the suite's endpoint")
    if not 0 < options.alpha < 1:
        raise BadInput(f"--alpha {options.alpha:g}: need a number between 0 and 1")
    if not options.alpha < options.power < 1:
        raise BadInput(f"--power {options.power:g}: need a number between --alpha {options.alpha:g} and 1")


def _objectives(results: Results, options: argparse.Namespace) -> list[str]:
    labels = [objective.label for objective in results.plan.objectives]
    if options.objective is None:
        return labels
    return [_known("--objective", options.objective, labels)]


def _asked_pair(results: Results, options: argparse.Namespace) -> set[str]:
    """The algorithms that a pair has to have."""
    labels = results.plan.algorithms
    if len(labels) < 2:
        raise BadInput(f"suite {options.suite!r}: need 2 algorithms to compare, it has {labels[0]} alone")
    asked = [(name, label) for name, label in (("--a", options.a), ("--b", options.b)) if label is not None]
    found = {_known(name, label, labels) for name, label in asked}
    if len(found) < len(asked):
        raise BadInput(f"--b {options.b}: the same as --a; need two different algorithms of {', '.join(labels)}")
    return found


def _known(option: str, label: str, labels: Sequence[str]) -> str:
    if label not in labels:
        raise BadInput(f"{option} {label!r}: not one of {', '.join(labels)}{nearest_match(label, labels)}")
    return label


def _what(options: argparse.Namespace) -> str:
    asked = " and ".join(label for label in (options.a, options.b) if label is not None)
    return f"pairs with {asked} have" if asked else "there are"


def _planned(differences: Array, options: argparse.Namespace) -> tuple[str, ...]:
    """The cells of one pair after its labels; dashes where there is no sd, for too few repetitions or a failure."""
    from analysis.statistics.power import detectable, largest_sd
    from analysis.statistics.summaries import moments

    n = len(differences)
    sd = float(moments(differences[None, :])[1][0]) if n > 1 else math.nan
    if math.isnan(sd):
        return str(n), *[UNDEFINED] * 5
    in_sd = options.effect / sd if sd > 0 else math.inf
    needed = [_repetitions(options, spread) for spread in (sd, largest_sd(sd, n))]
    finds = detectable(n, options.alpha, options.power) * sd if sd > 0 else 0.0
    return str(n), f"{sd:.4g}", f"{in_sd:.3g}", *needed, f"{finds:.4g}" if finds < math.inf else "nothing"


def _repetitions(options: argparse.Namespace, sd: float) -> str:
    from analysis.statistics.power import MOST, fewest, repetitions

    if sd == 0:
        return str(fewest(options.alpha))
    try:
        return str(repetitions(options.effect / sd, options.alpha, options.power))
    except OverflowError:
        return f"> {MOST:.0e}"


def _notes(results: Results, options: argparse.Namespace, pairs: Sequence[Array]) -> Iterator[str]:
    """What the columns mean, and what they leave out."""
    plan = results.plan
    endpoint = plan.endpoint_text if plan.declares_metrics else plan.endpoint
    yield f"sd: of the differences within the pilot's common repetitions, in units of {endpoint}"
    yield (
        f"repetitions: find a difference of {options.effect:g} with {options.power:.0%} power "
        f"(two-sided Wilcoxon signed-rank test, alpha = {options.alpha:g})"
    )
    yield "cautious: the same, should the true sd be at the upper limit that the pilot leaves with 80 % assurance"
    yield "pilot detects: the smallest difference that the pilot's own repetitions find with that power"
    family = math.comb(len(results.plan.algorithms), 2)
    if family > 1:
        hardest = f"--alpha {options.alpha / family:.2g}"
        yield f"note: to hold against Holm over the {family} pairs of an objective, plan with {hardest}"
    failed = sum(any(abs(value) == math.inf for value in differences) for differences in pairs)
    if failed:
        yield f"note: {failed} of {len(pairs)} pairs have a failed run, which leaves their sd undefined"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns of text: labels to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < 3 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )
