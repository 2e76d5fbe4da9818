"""Runs a comparison from a notebook or script, and gives back its results."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.backends.loky import Loky
from benchmark.cli.options import check_data, check_device, check_results
from benchmark.comparison.contestants import Contestants
from benchmark.comparison.progress import choose_progress
from benchmark.comparison.results import Comparison
from benchmark.driver.code_changes import OWN_NAME, changed_user_code, describe_code
from benchmark.driver.runner import Runner
from benchmark.errors import BadInput, require_int
from benchmark.reproducibility.source_digests import forget_digests
from benchmark.storage.ledger_format import LedgerError
from benchmark.storage.resume_check import FIELD, RunRefused
from benchmark.suite.definitions import defining
from benchmark.suite.model import Suite
from benchmark.suite.parsing import parse
from benchmark.tuning.factory import check_names
from objectives.metric import Metric
from objectives.native_value import native_scalar
from objectives.objective import Machine, Objective

MOST_JOBS = 1024


def compare(
    objective: Callable[..., Any] | Objective | str | Mapping[str, Any],
    space: Mapping[str, Any] | None = None,
    algorithms: Sequence[Any] | Mapping[str, Any] = ("random",),
    *,
    repetitions: int = 10,
    trials: int | None = None,
    evaluations: int | None = None,
    epochs: int | None = None,
    runtime: float | None = None,
    metrics: Any = None,
    constraints: Mapping[str, Any] | None = None,
    default: Mapping[str, Any] | None = None,
    max_epochs: int | None = None,
    test: Callable[..., Any] | None = None,
    jobs: int = 1,
    name: str | None = None,
    results: str | Path = "results",
    progress: bool = True,
    **settings: Any,
) -> Comparison:
    """Compare algorithms on an objective as a suite does, or go on with what is recorded of the same comparison.

    Args:
        objective: a function that is called with hyperparameters by name, as in a suite; or an objective of ours, as
            an object or by name, or of a class of the caller's; or one of these by its label: `{"forest": accuracy}`.
        space: of a function: distributions by name, a list being a choice.
        algorithms: names such as "random", "tpe" and "asha", and classes; or by label, these and tables as in a
            suite: `{"bohb": {"scheduler": {"name": "hyperband", "eta": 3}, "searcher": "kde"}}`.
        repetitions: seeded passes of every algorithm.
        trials: budget of a run in configurations.
        evaluations: in trainings.
        epochs: in epochs.
        runtime: in seconds of the clock.
        metrics: of a function, as in a suite or as `Metric` objects; of another objective the names of some.
        constraints: bounds on metrics, as in a suite: `{"latency_ms": {"upper": 5}}`.
        default: of a function, the configuration to try first.
        max_epochs: of a function, the epochs of a full training.
        test: a function that is called for the incumbents of a function.
        jobs: processes; results do not depend on it.
        name: of the folder. None: the objective's, with a digest of the code that the caller gives, so that an edited
            function or class begins another comparison.
        results: the folder in which that folder is.
        progress: whether to show any.
        settings: other keys of a suite, such as `seed`, `clock`, `title`, `n_workers` and `timeout`.

    Raises:
        BadInput: something that cannot be used, before anything is written.
    """
    contestants = Contestants()
    label, entry = contestants.objective_entry(objective, space, test)
    declared = {"metrics": _described(metrics), "constraints": constraints}
    declared |= {"default": _native(default), "max_epochs": max_epochs}
    budget = {"trials": trials, "evaluations": evaluations, "epochs": epochs, "runtime": runtime}
    table = {
        "title": label,
        "repetitions": repetitions,
        "budget": _without_none(budget),
        "objectives": {label: {**entry, **_without_none(declared)}},
        "algorithms": contestants.algorithm_entries(algorithms),
        **settings,
    }
    forget_digests()  # Files may have been edited since the last call.
    with defining(contestants.definitions, contestants.sources):
        suite = parse(name or label.lower().strip("_-"), table)
        check_names(suite)
        suite = suite if name else replace(suite, name=_name(suite))
        folder = check_results(str(results), suite.name, writing=True)
        _execute(suite, folder, require_int("jobs", jobs, 1, MOST_JOBS), progress=progress)
    return Comparison(folder / suite.name)


def _without_none(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in table.items() if value is not None}


def _native(default: Any) -> Any:
    """A configuration in Python's own types, as a suite's file would have it."""
    if not isinstance(default, Mapping):
        return default
    return {name: native_scalar(value) for name, value in default.items()}


def _described(metrics: Any) -> Any:
    """Metrics as a suite's file would have them."""
    if not isinstance(metrics, Metric | list | tuple):
        return metrics
    listed = [metrics] if isinstance(metrics, Metric) else metrics
    return [metric.describe() if isinstance(metric, Metric) else metric for metric in listed]


def _name(suite: Suite) -> str:
    """The name of a comparison that is given none: another one as soon as the caller's code is another."""
    code = {name: digest for name, digest in describe_code(suite)[FIELD].items() if name != OWN_NAME}
    if not code:
        return suite.name
    text = "".join(f"{name} {digest}\n" for name, digest in sorted(code.items()))
    return f"{suite.name[:50]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _execute(suite: Suite, results: Path, jobs: int, *, progress: bool) -> None:
    """Execute what is missing, and say what failed and how to go on."""
    from objectives.training.data_error import DataError

    listener = choose_progress(quiet=not progress)
    choice = check_device(None, suite.device)
    for note in choice.notes if choice.device != "cpu" else ():  # That there is no GPU, few functions care.
        _say(f"note: {note}")
    machine = Machine(device=choice.device, data=check_data(None))
    _refuse_changed_code(suite, results / suite.name)
    backend = Loky(jobs, separate=suite.timeout is not None)  # A trial that must be killed takes its process with it.
    runner = Runner(suite, results, jobs=jobs, machine=machine, listener=listener, backend=backend)
    try:
        reports = runner.run()
    except (DataError, RunRefused, LedgerError) as error:
        raise BadInput(str(error)) from error
    except KeyboardInterrupt:
        _say("stopped; every finished evaluation is stored, and the same call goes on")
        raise
    finally:
        listener.close()
        if backend.processes > 1:
            _end_workers()
    outcomes = runner.follower.outcomes
    for line in (*outcomes.describe(), *outcomes.describe_cells_without_success(), *outcomes.describe_early_ends()):
        _say(line)
    for report in [report for report in reports if report.state != "done"]:
        _say(f"{report.run.path}: {report.state}: {(report.problem or '').strip()}")


def _refuse_changed_code(suite: Suite, folder: Path) -> None:
    """Refuse to take results of another function or class for those of this one."""
    changed = changed_user_code(suite.runs(), folder, describe_code(suite))
    if changed:
        raise BadInput(
            f"{folder}: holds results of another {', '.join(changed)} than is given now; "
            "give another name, or delete the folder"
        )


def _end_workers() -> None:
    """End the workers, which would keep the modules that they have loaded, edited since or not, for the next call."""
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=True)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
