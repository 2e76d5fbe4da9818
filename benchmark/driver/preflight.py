"""Checks a suite against its machine, its tables and the runs its folder holds, before anything is written."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.batching.route_request import require_route
from benchmark.batching.run_group import shares_trials, trains_side_by_side
from benchmark.construction.preparation import prepare_objective
from benchmark.driver.code_changes import describe_code
from benchmark.errors import BadInput
from benchmark.reproducibility.environment import describe_environment, describe_without_training
from benchmark.storage.ledger_format import failed_path, partial_path, read_header, read_ledger
from benchmark.storage.resume_check import check_header
from benchmark.suite.model import Run, Suite
from benchmark.tabular.replay import harvest_of, load_table_of, require_same_machine
from benchmark.tuning.factory import library_versions
from benchmark.tuning.run_report import is_done
from benchmark.tuning.run_settings import RunSettings
from benchmark.tuning.trial_cache import find_ledgers
from objectives.objective import Machine, Objective


def describe_machine(
    suite: Suite, machine: Machine, jobs: int, *, train: bool, tables: Path | None, reuse: Path | None
) -> dict[str, Any]:
    """Describe this machine, or the one that recorded the results which are only looked up or priced anew.

    Raises:
        BadInput: no run of the suite is recorded in `reuse`.
    """
    if train and all(entry.table is not None for entry in suite.objectives):
        return describe_without_training(jobs) | describe_code(suite)
    if train:
        return describe_environment(machine.device, jobs) | describe_code(suite)
    if tables is not None:
        return dict(harvest_of(load_table_of(next(suite.runs()), tables))["environment"])
    assert reuse is not None
    recorded = next((path for run in suite.runs() for path in find_ledgers(reuse, run)), None)
    if recorded is None:
        raise BadInput(f"{reuse}: no run of the suite {suite.name} is recorded there")
    return dict(read_ledger(recorded).records[0]["environment"])


def lacking_objectives(suite: Suite, reuse: Path) -> list[str]:
    """List the objectives of a suite of which results to reuse hold no ledger."""
    labels = [entry.label for entry in suite.objectives]
    return [label for label in labels if not any((reuse / "runs" / label).glob("*/*.jsonl*"))]


class Preflight:
    """Everything that is refused before a suite's folder is touched.

    Args:
        suite: the comparison.
        objectives: its objectives by label.
        settings: under which its runs will be executed.
    """

    def __init__(self, suite: Suite, objectives: Mapping[str, Objective], settings: RunSettings) -> None:
        self.suite, self.objectives, self.settings = suite, objectives, settings
        self._arithmetic: dict[str, str] = {}

    def check(self, runs: Iterable[Run], *, unfinished: bool, sharded: bool) -> None:
        """Prepare the data, then compare tables and recorded runs with it.

        Args:
            runs: those to be executed.
            unfinished: whether any of them is still to be done. A complete suite may be looked at from any machine;
                going on with one must not mix bits.
            sharded: whether others may work in the same folder on the suite's other runs.

        Raises:
            BadInput, DataError: something cannot be prepared, found or shared, or the route asked for not be taken.
            RunRefused: the folder holds results of another suite or environment.
            LedgerError: a ledger there is damaged.
        """
        self._check_tabulated()
        data = self._prepare_data()
        if self.settings.train:
            require_route(self.suite, self.objectives, self.settings.machine)
        if self.settings.train and self.settings.reuse is not None:
            self._check_reuse(self.settings.reuse)
        if self.settings.tables is not None:
            data |= self._check_tables(self.settings.tables)
        own = {run.path for run in runs}
        for run in self.suite.runs():
            if run.objective.label not in data:
                continue
            if run.path in own:
                self._check_run(run, data[run.objective.label], any_machine=not unfinished)
            elif sharded:
                self._check_run_of_others(run, data[run.objective.label])

    def _check_tabulated(self) -> None:
        """Refuse a tabulated clock for objectives of ours that have no seconds but those which are measured."""
        if self.suite.clock != "tabulated" or self.settings.tables is not None:
            return
        for entry in self.suite.objectives:
            objective = self.objectives[entry.label]
            ours = not entry.is_third_party and not objective.tabulated
            if ours and objective.times_itself and objective.nominal_seconds is None:
                why = "its seconds are measured, and it reports no others"
                raise BadInput(f'objectives.{entry.label}: {why}, which clock = "tabulated" charges; say "measured"')

    def _prepare_data(self) -> dict[str, dict[str, str]]:
        """Load the objectives' data; returns its checksums by objective."""
        if not self.settings.train:
            return {}
        machine = self.settings.machine
        return {label: prepare_objective(label, objective, machine) for label, objective in self.objectives.items()}

    def _check_reuse(self, reuse: Path) -> None:
        """Refuse a suite each of whose trials has its own time: it would silently take no result from elsewhere."""
        run = next(self.suite.runs())
        if not shares_trials(run):
            why = f"clock is {run.clock}" if run.timeout is None else f"timeout is {run.timeout:g}"
            raise BadInput(
                f"--reuse {reuse}: {why}, so every trial is timed by itself; only modelled seconds are shared"
            )
        if len(lacking_objectives(self.suite, reuse)) == len(self.suite.objectives):
            labels = ", ".join(entry.label for entry in self.suite.objectives)
            raise BadInput(f"--reuse {reuse}: nothing is recorded there of {labels}; need results with one of them")

    def _check_tables(self, folder: Path) -> dict[str, dict[str, str]]:
        """Refuse tables of other trials or of another machine; returns the checksums of their data by objective."""
        data = {}
        for run in [run for run in self.suite.runs() if run.repetition == 0]:
            table, label = load_table_of(run, folder), run.objective.label
            data[label] = harvest_of(table)["data"]
            self._arithmetic[label] = str(harvest_of(table)["environment"].get("arithmetic"))
            if self.settings.train and not self.settings.allow_mixed:
                arithmetic = self.objectives[label].arithmetic(self.settings.machine, stacked=False)
                require_same_machine(table, {**self.settings.environment, "arithmetic": arithmetic}, folder)
        return data

    def _check_run(self, run: Run, data: dict[str, str], *, any_machine: bool) -> None:
        """Read what is recorded of a run whole, and refuse what is damaged or another suite's."""
        complete, *others = _possible_ledgers(self.settings.folder / run.path)
        for path in [complete] if is_done(run, self.settings.folder) else [complete, *others]:
            header = next(iter(read_ledger(path).records), None) if os.path.lexists(path) else None
            if header is not None:
                self._check_header(header, run, data, path, any_machine=any_machine)

    def _check_run_of_others(self, run: Run, data: dict[str, str]) -> None:
        """Refuse another suite's or machine's run by its first line; another shard may be writing the rest."""
        for path in _possible_ledgers(self.settings.folder / run.path):
            header = read_header(path)
            if header is not None:
                self._check_header(header, run, data, path, any_machine=False)

    def _check_header(
        self, header: dict[str, Any], run: Run, data: dict[str, str], path: Path, *, any_machine: bool
    ) -> None:
        environment = {**self.settings.environment, "arithmetic": self._arithmetic_of(run)}
        recorded = header["environment"].get("libraries") or {}  # Other processes' are asked for by the run.
        environment |= {"libraries": {**recorded, **library_versions(run.algorithm)} or None}
        data = {**data, **self.objectives[run.objective.label].repetition_data(run.repetition)}
        expected = {"run": run.identity(), "data": data, "environment": environment}
        check_header(header, expected, path, allow_mixed=self.settings.allow_mixed or any_machine)

    def _arithmetic_of(self, run: Run) -> str:
        """Describe what decides the bits of the run's trials; asked once an objective, since it builds networks."""
        label = run.objective.label
        if label not in self._arithmetic:
            objective = self.objectives[label]
            stacked = trains_side_by_side(run, objective)
            self._arithmetic[label] = objective.arithmetic(self.settings.machine, stacked=stacked)
        return self._arithmetic[label]


def _possible_ledgers(path: Path) -> tuple[Path, Path, Path]:
    """The names under which a run may be recorded: complete, unfinished, failed."""
    return path, partial_path(path), failed_path(path)
