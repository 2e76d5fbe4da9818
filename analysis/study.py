"""A suite's results and every table that follows from them, each computed once, when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

import pandas as pd

from analysis.frame import Results
from analysis.methods import methods_table
from analysis.tables import basic


class Tables(Mapping[str, pd.DataFrame]):
    """Tables by the name of their CSV file, in the order in which they are written."""

    def __init__(self, makers: Mapping[str, Callable[[], pd.DataFrame]]) -> None:
        self._makers = makers
        self._made: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self._made:
            self._made[name] = self._makers[name]()
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
        tables: every table by its name.
    """

    def __init__(self, results: Results, folder: Path) -> None:
        self.results, self.folder = results, folder
        self.tables: Mapping[str, pd.DataFrame] = Tables(self._makers())

    @cached_property
    def _runs(self) -> pd.DataFrame:
        return basic.all_of_runs(self.results)

    def _makers(self) -> Mapping[str, Callable[[], pd.DataFrame]]:
        results = self.results
        return {
            "trials": lambda: basic.trials_table(results),
            "runs": lambda: basic.runs_table(results, self._runs),
            "trajectory": lambda: basic.trajectory_table(results),
            "summary": lambda: basic.summary_table(results, self._runs),
            "algorithms": lambda: methods_table(results.methods),
        }
