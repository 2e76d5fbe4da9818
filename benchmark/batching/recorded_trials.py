"""Loads the trials that ledgers have recorded into the trial cache, after checking that they are the same trials."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.storage.ledger_format import LedgerError, Record, read_ledger
from benchmark.storage.resume_check import RunRefused, check_header
from benchmark.suite.model import Run
from benchmark.tuning.run_settings import RunSettings
from benchmark.tuning.trial_cache import TrialCache, find_ledgers


@dataclass(slots=True, kw_only=True, eq=False)
class RecordedTrials:
    """Loads what is recorded of a repetition, once, in the results folder and in the results to reuse.

    Attributes:
        settings: name the folders.
        data: checksums of the objective's data.
        arithmetic: what the bits of its trainings depend on besides the machine (see `Stack.arithmetic`).
        cache: where the trials go.
        loaded: repetitions whose ledgers have been read.
    """

    settings: RunSettings
    data: dict[str, str]
    arithmetic: str
    cache: TrialCache
    loaded: set[int] = field(default_factory=set)

    def load(self, run: Run) -> None:
        """Load what is recorded of this run's objective and repetition, by any algorithm.

        Raises:
            LedgerError, RunRefused: a ledger is damaged, or belongs to other trials.
        """
        if run.repetition in self.loaded:
            return
        for path in find_ledgers(self.settings.folder, run):
            with suppress(RunRefused):  # Left by an algorithm that this suite has no more; its trials may be others.
                self._load_ledger_if_there(run, path)
        if self.settings.reuse is not None:
            for path in find_ledgers(self.settings.reuse, run):
                self._load_ledger(run, path)
        self.loaded.add(run.repetition)  # Not before: what is refused one run is refused the others too.

    def _load_ledger_if_there(self, run: Run, path: Path) -> None:
        """Load a ledger that another shard may rename while it is read, because it completes it."""
        try:
            self._load_ledger(run, path)
        except LedgerError:
            if path.exists():
                raise

    def _load_ledger(self, run: Run, path: Path) -> None:
        records = read_ledger(path).records
        if records:
            allow_mixed = self.settings.allow_mixed or not self.settings.train
            check_header(records[0], self._expected_header(run, records[0]), path, allow_mixed=allow_mixed)
            self.cache.add_records(run, records)

    def _expected_header(self, run: Run, recorded: Record) -> Record:
        """The recorded header as it must be for its trials to be those of this run, whatever its algorithm."""
        identity = run.identity()
        return {
            "run": recorded["run"] | {name: identity[name] for name in ("suite_seed", "objective", "repetition")},
            "data": self.data,
            "environment": {
                **self.settings.environment,
                "arithmetic": self.arithmetic,
                "libraries": recorded["environment"].get("libraries"),  # Of an algorithm; no trial depends on it.
            },
        }
