"""What is asked of a user's class besides the conformance table, each as a function that raises what it did."""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import os
import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmark.checking.subject import Subject, drive, suggestions, unwrap
from benchmark.checking.toy_objective import FINITE, SPACES
from benchmark.checking.toy_tasks import Values, flipped_values, toy_error, toy_values
from benchmark.checking.violation import Violation, require, require_equal
from benchmark.errors import one_line, short_repr
from benchmark.suite.model import Budget
from benchmark.tuning.tuner import takes_info
from objectives.space import Config

FEW = 8
"""Proposals where a few will do."""
WORKERS = 4
FOLDERS_OF_HANDLES = (Path("/proc/self/fd"), Path("/dev/fd"))


def check_workers(subject: Subject) -> None:
    """With several workers, results come out of order and proposals are asked for before earlier ones are known."""
    jobs = subject.drive("mixed", WORKERS)
    if len(jobs) < subject.evaluations:
        alone = len(subject.drive("mixed", 1))
        require(len(jobs) >= alone, f"proposed {len(jobs)} configurations, and {alone} with one worker")


def check_maximised(subject: Subject) -> None:
    """A metric that is better the greater it is: errors are below 0, and the direction changes no proposal."""
    lower = _search_below_zero(subject, subject.kind, dict)
    greater = _search_below_zero(subject, f"flipped {subject.kind}", flipped_values)
    require_equal(lower, greater, "with the metric's direction turned, and the same errors,")


def _search_below_zero(subject: Subject, kind: str, turn: Callable[[Values], Config | None]) -> list[Config]:
    """What a search proposes on errors below 0, whose values are turned into the metrics' own direction."""
    jobs, *_ = drive(
        subject.scheduler("mixed", kind=kind),
        SPACES["mixed"][0],
        lambda job: toy_error(job.suggestion) - 1,
        metrics_of=lambda job, error: turn({**toy_values(job.suggestion), "error": error, "loss": error}),
        budget=Budget(evaluations=subject.evaluations),
    )
    return suggestions(jobs)


def check_arguments(subject: Subject) -> None:
    """Neither the configuration told nor the information beside it is changed, nor kept to be changed later."""
    scheduler = subject.scheduler("mixed")
    held = []
    for _ in range(FEW):
        suggestion = scheduler.suggest()
        if suggestion is None:
            break
        config, error, info = subject.outcome(suggestion)
        held.append((config, info, copy.deepcopy((config, info))))
        scheduler.update(config, error, info)
        for config, info, before in held:
            require(config == before[0], f"changed the configuration it was told to {short_repr(config)}")
            require(info == before[1], f"changed the information it was told to {short_repr(info)}")


def check_own_dictionaries(subject: Subject) -> None:
    """What others do to a proposal, or to a configuration it was told, does not matter to the search."""

    def search(spoil: Callable[[Config], object]) -> list[Config]:
        scheduler, proposed = subject.scheduler("mixed"), []
        for _ in range(subject.evaluations):
            suggestion = scheduler.suggest()
            if suggestion is None:
                break
            proposed.append(copy.deepcopy(suggestion))
            config, error, info = subject.outcome(proposed[-1])
            spoil(suggestion)
            scheduler.update(config, error, info)
            spoil(config)
        return proposed

    require_equal(search(lambda config: None), search(dict.clear), "once proposals were changed by others")


def check_without_information(subject: Subject) -> None:
    """`update(config, error)` is enough, as the loops of Dive into Deep Learning call it."""
    scheduler: Any = unwrap(subject.scheduler("mixed"))
    learner = scheduler.searcher if subject.role == "searcher" else scheduler
    ask = learner.sample_configuration if subject.role == "searcher" else learner.suggest
    for _ in range(FEW):
        suggestion = ask()
        if suggestion is None:
            break
        config, error, _ = subject.outcome(suggestion)
        learner.update(config, error)


def check_one_evaluation(subject: Subject) -> None:
    """A budget of one evaluation is one evaluation."""
    count = len(subject.drive("mixed", WORKERS, evaluations=1))
    require(count == 1, f"made {count} evaluations of one")


def check_interleaved(subject: Subject) -> None:
    """Two searches side by side, as a worker interleaves runs, do what each does alone."""
    alone = [_in_turns(subject, [seed])[0] for seed in (1, 2)]
    together = _in_turns(subject, [1, 2])
    for one, other in zip(alone, together, strict=True):
        require_equal(one, other, "beside another search in the same process")


def _in_turns(subject: Subject, seeds: list[int]) -> list[list[Config]]:
    """What searches of several seeds propose that take turns."""
    searches = [(subject.scheduler("mixed", seed), list[Config]()) for seed in seeds]
    for _ in range(subject.evaluations):
        for scheduler, proposed in searches:
            suggestion = scheduler.suggest()
            if suggestion is not None:
                proposed.append(copy.deepcopy(suggestion))
                subject.tell(scheduler, suggestion)
    return [proposed for _, proposed in searches]


def check_end(subject: Subject) -> None:
    """A search goes on until its budget is spent, or ends for good."""
    for n_workers in (1, WORKERS):
        scheduler = subject.scheduler("one")
        options: dict[str, Any] = {"budget": Budget(evaluations=4 * subject.evaluations), "n_workers": n_workers}
        jobs, loop, _ = drive(scheduler, SPACES["one"][0], lambda job: toy_error(job.suggestion), **options)
        if loop.stopped is not None:
            continue
        ended = f"proposed None after {len(jobs)} trials, while nothing was training"
        more = [suggestion for suggestion in (scheduler.suggest() for _ in range(FEW)) if suggestion is not None]
        require(not more, f"{ended}, which ends a run, and later {short_repr(more[:1])}")
        require(subject.role == "searcher", f"{ended}, although its searcher never ends")


def check_pickle(subject: Subject) -> None:
    """It can be written and read again in the middle of a search, and goes on alike."""
    scheduler = unwrap(subject.scheduler("mixed"))
    for _ in range(FEW):
        suggestion = scheduler.suggest()
        if suggestion is not None:
            config, error, info = subject.outcome(suggestion)
            scheduler.update(config, error, *([info] if takes_info(scheduler) else []))
    try:
        twin = pickle.loads(pickle.dumps(scheduler))
    except Exception as error:  # Whatever it is made of.
        raise Violation(f"cannot be pickled: {one_line(error)}") from error
    ahead, later = ([each.suggest() for _ in range(3)] for each in (twin, scheduler))
    require_equal(ahead, later, "the original itself proposed")


def check_output(subject: Subject) -> None:
    """Nothing is printed."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as errors:
        subject.drive("mixed")
    printed = out.getvalue() + errors.getvalue()
    require(not printed, f"printed {short_repr(printed.strip())}")


def check_handles(subject: Subject) -> None:
    """No file, socket or pipe is left open while it searches."""
    with _handles() as opened:
        scheduler = subject.scheduler("mixed")
        for _ in range(FEW):
            suggestion = scheduler.suggest()
            if suggestion is not None:
                subject.tell(scheduler, suggestion)
        held = opened()
    require(not held, f"holds open {', '.join(sorted(held))}")


@contextlib.contextmanager
def _handles() -> Iterator[Callable[[], list[str]]]:
    """A function that names what was opened since; nothing where the system does not list it."""
    folder = next((path for path in FOLDERS_OF_HANDLES if path.is_dir()), None)

    def opened() -> dict[str, str]:
        names = {}
        for name in os.listdir(folder) if folder else ():  # noqa: PTH208 (names of numbers)
            with contextlib.suppress(OSError):  # The list's own handle.
                names[name] = os.readlink(folder / name) if folder else ""  # noqa: PTH115 (any text)
        return names

    gc.collect()
    before = opened()
    yield lambda: [target for name, target in opened().items() if before.get(name) != target]


def check_finite_space(subject: Subject) -> None:
    """On a finite space it goes on, whatever is tried twice."""
    for space in FINITE:
        require(subject.drive(space, 3), f"proposed nothing on the space {space!r}")
