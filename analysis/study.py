"""A suite's results and every table that follows from them, each computed once, when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cached_property, partial
from pathlib import Path

import pandas as pd

from analysis.loading.algorithms import algorithms_table
from analysis.loading.results import Results
from analysis.not_drawn import NeedNotDrawn, NotDrawn
from analysis.tables import basic, differences, failures, recheck, targets
from analysis.tables.attainment import attainment_table
from analysis.tables.bands import bands_table
from analysis.tables.curves import curves_table
from analysis.tables.feasibility import constrained, feasibility_runs, feasibility_summary, feasibility_table
from analysis.tables.front import Front, final_fronts, front_table, multi_objective
from analysis.tables.hypervolume import HYPERVOLUME, hypervolume_results
from analysis.tables.importance import importance_table
from analysis.tables.indicators import indicators_table
from analysis.tables.many_tasks import ManyTasks, has_many_tasks
from analysis.tables.metrics import metrics_table
from analysis.tables.own_units import in_own_units
from analysis.tables.pairwise import pairwise_table
from analysis.tables.ranks import ranks_table
from analysis.tables.recheck_fronts import recheck_feasibility, recheck_front
from analysis.tables.scores import scores_table
from analysis.tables.seed_optimism import leave_one_seed_out, seed_optimism_table
from analysis.tables.statistics import statistics_table
from analysis.tables.timeline import timeline_table


class Tables(Mapping[str, pd.DataFrame]):
    """Tables by the name of their CSV file, in the order in which they are written.

    Raises:
        NeedNotDrawn: for a table that could not be made, each time that it is asked for.
    """

    def __init__(self, makers: Mapping[str, Callable[[], pd.DataFrame]], not_drawn: NotDrawn) -> None:
        self._makers, self._not_drawn = makers, not_drawn
        self._made: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._made:
            maker, file = self._makers[name], f"tables/{name}.csv"
            made = None if file in self._not_drawn.reasons else self._not_drawn.attempt(file, maker)
            if made is None:
                raise NeedNotDrawn(self._not_drawn.reasons[file])
            self._made[name] = made
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class Study:
    """Results with their tables.

    Args:
        results: plan and evaluations.
        folder: the suite's folder, for what lies there besides its ledgers.

    Attributes:
        tables: every table by its name, with values in each objective's own direction and unit.
        not_drawn: tables, figures and parts of the page that could not be made so far.
        make_hypervolume: makes what `hypervolume` is.
    """

    def __init__(self, results: Results, folder: Path) -> None:
        self.results, self.folder = results, folder
        self.not_drawn = NotDrawn()
        self.make_hypervolume: Callable[[], Study] = lambda: Study(hypervolume_results(results), folder)
        makers = {name: partial(self._in_own_units, name, maker) for name, maker in self._makers().items()}
        self.tables: Mapping[str, pd.DataFrame] = Tables(makers, self.not_drawn)

    def made_tables(self, names: Iterable[str] | None = None) -> dict[str, pd.DataFrame]:
        """Those tables that can be made, of some names or of all."""
        made = {}
        for name in self.tables if names is None else names:
            with suppress(NeedNotDrawn):
                made[name] = self.tables[name]
        return made

    @cached_property
    def noise(self) -> dict[str, float]:
        """The noise floor of the primary endpoint by objective; none without a recheck, of scores and hypervolumes."""
        if self.results.so_far:
            return {}
        found = {}
        for row in self.tables["noise"].to_dict("records"):
            deviation = {"test_error": "test_sd", "valid_error": "valid_sd"}.get(
                self.results.endpoint_of(row["objective"])
            )
            if deviation is not None and not math.isnan(row[deviation]):
                found[row["objective"]] = row[deviation]
        return found

    @cached_property
    def hypervolume(self) -> Study:
        """The study of the hypervolumes of the objectives of which several metrics are optimised."""
        return self.make_hypervolume()

    @cached_property
    def fronts(self) -> list[Front]:
        """The final fronts of all runs on these objectives."""
        return final_fronts(self.results)

    def _in_own_units(self, name: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        return in_own_units(name, make(), self.results.plan)

    @cached_property
    def _runs(self) -> pd.DataFrame:
        return basic.all_of_runs(self.results)

    @cached_property
    def _recheck(self) -> pd.DataFrame:
        return recheck.recheck_table(self.results, self.folder)

    @cached_property
    def _compared(self) -> list[differences.Pair]:
        return differences.compared(self.results)

    def _makers(self) -> Mapping[str, Callable[[], pd.DataFrame]]:
        results, folder = self.results, self.folder
        declared = {"metrics": lambda: metrics_table(results, folder)} if results.plan.declares_metrics else {}
        return {
            "trials": lambda: basic.trials_table(results),
            "runs": lambda: basic.runs_table(results, self._runs),
            "trajectory": lambda: basic.trajectory_table(results),
            "summary": lambda: basic.summary_table(results, self._runs),
            "algorithms": lambda: algorithms_table(results.algorithm_by_label),
            "statistics": lambda: statistics_table(results),
            "pairwise": lambda: pairwise_table(results, self.noise),
            "ranks": lambda: ranks_table(results),
            "scores": lambda: scores_table(results),
            "bands": lambda: bands_table(results),
            "differences": lambda: differences.differences_table(self._compared),
            "claims": lambda: differences.claims_table(self._compared),
            "targets": lambda: targets.targets_table(results),
            "speedups": lambda: targets.speedups_table(results),
            "recheck": lambda: self._recheck,
            "noise": lambda: recheck.noise_table(results, folder),
            "optimism": lambda: recheck.optimism_table(results, self._recheck),
            "importance": lambda: importance_table(results),
            "curves": lambda: curves_table(results, folder),
            "timeline": lambda: timeline_table(results),
            "failures": lambda: failures.failures_table(results, folder),
            "totals": lambda: failures.totals_table(results),
            **declared,
            **(self._makers_of_fronts() if multi_objective(results) else {}),
            **(self._makers_of_constraints() if constrained(results) else {}),
            **({"seed_optimism": lambda: seed_optimism_table(results)} if leave_one_seed_out(results.plan) else {}),
            **(ManyTasks(results, folder).makers() if has_many_tasks(results) else {}),
        }

    def _makers_of_fronts(self) -> Mapping[str, Callable[[], pd.DataFrame]]:
        results, folder = self.results, self.folder
        of_hypervolume = {f"hypervolume_{name}": partial(self._of_hypervolume, name) for name in HYPERVOLUME}
        return {
            "front": lambda: front_table(results, self.fronts),
            "indicators": lambda: indicators_table(results, self.fronts, folder),
            "attainment": lambda: attainment_table(self.fronts),
            "recheck_front": lambda: recheck_front(results, self.fronts, folder),
            **of_hypervolume,
        }

    def _of_hypervolume(self, name: str) -> pd.DataFrame:
        return self.hypervolume.tables[name]

    def _makers_of_constraints(self) -> Mapping[str, Callable[[], pd.DataFrame]]:
        results = self.results
        return {
            "feasibility": lambda: feasibility_table(results),
            "feasibility_runs": lambda: feasibility_runs(results, self.fronts),
            "feasibility_summary": lambda: feasibility_summary(results, feasibility_runs(results, self.fronts)),
            "recheck_feasibility": lambda: recheck_feasibility(results, self.fronts, self.folder),
        }
