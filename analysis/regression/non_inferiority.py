"""Whether a change made results worse: the runs of two suites, held against each other pair by pair.

Differences are NEW - OLD with the sign turned for the score and for metrics that are maximised, so that positive is
always worse. The verdict of a
cell is that of a non-inferiority test with a margin M (Piaggio et al., "Reporting of Noninferiority and
Equivalence Randomized Trials: Extension of the CONSORT 2010 Statement", JAMA 308(24), 2012): the 95 % interval
of the mean paired difference lies below M (no regression), above M (regression), or contains it (inconclusive).
A regression must also be shown after Holm's correction for the number of cells (one-sided t-tests of mean > M at
2.5 %), for a gate that fails by chance is not believed: of 12 cells of noise alone one interval lies above a small
margin in a quarter of all cases. So a suite in which nothing is worse by the margin is said to have a regression in
2.5 % of cases at most, and a cell that is worse by the margin passes as none in 2.5 %. That no cell regressed needs
no correction (it is an intersection-union test: Berger, "Multiparameter hypothesis testing and acceptance sampling",
Technometrics 24(4), 1982).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from analysis.loading.metric import Metric
from analysis.regression.cells import VERDICTS, Cell, Margin, compare_cell, with_holm_correction
from analysis.regression.compared_suite import ComparedSuite, RunKey
from analysis.regression.pairing import Unpaired, changed_environment, pair_runs, planned_runs
from benchmark.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two suites, compared.

    Attributes:
        changed: fields of the environment that differ within pairs, and their values in OLD and NEW.
        outcomes: in words what is compared on an objective, where that is no error or not the endpoint.
    """

    old: str
    new: str
    endpoint: str
    margin: Margin
    cells: tuple[Cell, ...]
    unpaired: tuple[Unpaired, ...]
    changed: Mapping[str, tuple[str, str]]
    outcomes: Mapping[str, str] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """The worst one of all cells that have pairs."""
        found = {cell.verdict for cell in self.cells if cell.n}
        return next((verdict for verdict in reversed(VERDICTS) if verdict in found), "unpaired")


def compare(old: ComparedSuite, new: ComparedSuite, margin: Margin) -> Comparison:
    """Compare what two suites share.

    Raises:
        BadInput: different endpoints, or not a single pair.
    """
    if old.endpoint != new.endpoint:
        declared = f"{old.folder} declares {old.endpoint!r} and {new.folder} {new.endpoint!r}"
        raise BadInput(f"endpoint: {declared}; choose with --endpoint")
    pairs, unpaired = pair_runs(old, new)
    return Comparison(
        old=str(old.folder),
        new=str(new.folder),
        endpoint=old.endpoint,
        margin=margin,
        cells=with_holm_correction(list(_cells(old, new, pairs, margin))),
        unpaired=unpaired,
        changed=changed_environment(old, new, pairs),
        outcomes={
            label: _outcome(metric, old.endpoints[label])
            for label, metric in old.metrics.items()
            if metric.declared or old.endpoints[label] != old.endpoint
        },
    )


def _cells(old: ComparedSuite, new: ComparedSuite, pairs: Sequence[RunKey], margin: Margin) -> Iterator[Cell]:
    """A cell of each objective and algorithm that one of the suites has."""
    planned = Counter(place[:2] for place in planned_runs(old, new))
    by_label: dict[tuple[str, str], list[RunKey]] = {label: [] for label in planned}
    for place in pairs:
        by_label[place[:2]].append(place)
    for label, own in by_label.items():
        yield compare_cell(old, new, label, own, planned[label], margin)


def _outcome(metric: Metric, endpoint: str) -> str:
    """What is compared in words: `validation accuracy (higher is better) [%]`."""
    return "score" if endpoint == "score" else metric.label(endpoint.removesuffix("_error"))
