"""`power`: how many repetitions a wanted effect needs, from a pilot suite."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from analysis.commands.arguments import add_mixed, add_results
from analysis.loading.suite_folder import suite_folder
from benchmark.errors import BadInput, nearest_match

if TYPE_CHECKING:
    from analysis.loading.results import Results
    from analysis.statistics.power.repetition_plans import PairPlan

ALPHA, POWER = 0.05, 0.80
"""Those of `analysis.statistics.power.signed_rank`, whose libraries would make every `--help` wait."""

HEADS = ("objective", "a", "b", "pilot", "sd", "effect/sd", "repetitions", "cautious", "pilot detects")


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

    results = load(folder, mixed=options.mixed)
    asked = _asked_pair(results, options)
    plans = [
        (objective, *pair, plan)
        for objective in _objectives(results, options)
        for pair, plan in _plans(results, objective, options).items()
        if asked <= set(pair)
    ]
    if all(plan.least < 2 for *_, plan in plans):
        most = max((plan.least for *_, plan in plans), default=0)
        both = "that both algorithms of a pair have finished" if results.plan.paired else "of each algorithm of a pair"
        raise BadInput(
            f"suite {options.suite!r}: need 2 repetitions {both}, "
            f"but {_what(options)} at most {most}; run more of the pilot first"
        )
    print(_aligned([HEADS, *((objective, a, b, *plan.cells()) for objective, a, b, plan in plans)]))
    failed = sum(plan.failed for *_, plan in plans)
    print("\n" + "\n".join(_notes(results, options, len(plans), failed)))
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


def _plans(results: Results, objective: str, options: argparse.Namespace) -> dict[tuple[str, str], PairPlan]:
    """What every pair of an objective asks for."""
    from analysis.statistics.power.repetition_plans import plan_pairs, plan_samples
    from analysis.tables.pairwise import independent_samples, paired_differences

    wanted = (options.effect, options.alpha, options.power)
    if results.plan.paired:
        pairs = paired_differences(results, objective).items()
        return {pair: plan_pairs(differences, *wanted) for pair, differences in pairs}
    samples = independent_samples(results, objective)
    return {(a, b): plan_samples(samples[a], samples[b], *wanted) for a, b in combinations(samples, 2)}


def _notes(results: Results, options: argparse.Namespace, pairs: int, failed: int) -> Iterator[str]:
    """What the columns mean, and what they leave out."""
    plan = results.plan
    endpoint = plan.endpoint_text if plan.declares_metrics else plan.endpoint
    if plan.paired:
        yield f"sd: of the differences within the pilot's common repetitions, in units of {endpoint}"
    else:
        yield "note: nothing says which repetitions are pairs, so this plans for independent runs of each algorithm"
        yield f"sd: of the difference of two runs that are drawn independently, in units of {endpoint}"
    test, each = ("Wilcoxon signed-rank", "") if plan.paired else ("Mann-Whitney", " of each algorithm")
    yield (
        f"repetitions{each}: find a difference of {options.effect:g} with {options.power:.0%} power "
        f"(two-sided {test} test, alpha = {options.alpha:g})"
    )
    yield "cautious: the same, should the true sd be at the upper limit that the pilot leaves with 80 % assurance"
    yield "pilot detects: the smallest difference that the pilot's own repetitions find with that power"
    family = math.comb(len(results.plan.algorithms), 2)
    if family > 1:
        hardest = f"--alpha {options.alpha / family:.2g}"
        yield f"note: to hold against Holm over the {family} pairs of an objective, plan with {hardest}"
    if failed:
        yield f"note: {failed} of {pairs} pairs have a failed run, which leaves their sd undefined"


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
