"""Checks a searcher or scheduler against the whole list, property by property."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmark.checking.checklist import CHECKLIST, Property
from benchmark.checking.failure_text import describe_failure
from benchmark.checking.fresh_process import FreshProcess
from benchmark.checking.properties import NEVER_EXCUSED, require_same_elsewhere
from benchmark.checking.subject import Subject
from benchmark.checking.violation import Difference, Violation, require
from benchmark.errors import BadInput
from benchmark.reproducibility.environment import deterministic_arithmetic
from benchmark.tuning.time_limit import TimeLimit, TrialTimeout

MOST_SECONDS = 25.0
"""For all properties; the rest of half a minute is for starting."""
SECONDS_OF_ONE = 10.0
"""A property of a quick class that takes longer hangs."""
QUICK_RUN = 0.3
"""Seconds of a run up to which a class is quick."""
EVALUATIONS_OF_SLOW = 9

TIME_OVER = "the time was over"

BUILT = Property(
    name="built",
    meaning="is built from what the harness offers, and makes a first proposal",
    remedy="take in the constructor, by these names, what it needs of config_space, rng, initial_config, max_epochs, "
    "task and (a scheduler) searcher; have sample_configuration() or suggest(), and update()",
    check=lambda subject: require(subject.scheduler("one").suggest() is not None, "its first proposal is None"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one property.

    Attributes:
        name, meaning, remedy: of the property.
        state: "yes"; "no"; "advice" (no, and results are sound all the same); "lacks" (it says so itself); "untested".
        did: what the class did, why it lacks the property, or why it was not looked at.
        like: an earlier property that it fails for the same cause, or "".
    """

    name: str
    meaning: str
    remedy: str
    state: str
    did: str = ""
    like: str = ""
    cause: str = field(default="", repr=False)


def check_subject(
    subject: Subject, properties: Sequence[Property] = CHECKLIST, *, seconds: float = MOST_SECONDS
) -> Iterator[Finding]:
    """Look at the properties of a subject, one after the other.

    Args:
        subject: the algorithm.
        properties: those that are looked at; `QUICK` are those that are looked at before every comparison.
        seconds: what is not looked at by then is left out.

    Yields:
        A finding for every property, in their order, after one on whether it can be built.
    """
    deadline = time.monotonic() + seconds
    built = _look_at(BUILT, subject, _Circumstances(deadline=deadline))
    yield built
    if built.state != "yes":
        yield from (_finding(each, "untested", "it cannot begin") for each in properties)
        return
    with ExitStack() as stack:
        stack.enter_context(_one_thread())
        is_quick = _is_quick(subject)
        subject = subject if is_quick else replace(subject, evaluations=EVALUATIONS_OF_SLOW)
        elsewhere = any(each.check is None for each in properties)
        fresh = stack.enter_context(FreshProcess(subject)) if elsewhere else None
        given = _Circumstances(deadline=deadline, is_quick=is_quick, lacks=subject.lacks(), fresh=fresh)
        yield from _refer_to_causes(_look_at(each, subject, given) for each in properties)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circumstances:
    """What properties are looked at with: until when, whether a run takes little time, and what need not hold."""

    deadline: float
    is_quick: bool = True
    lacks: Mapping[str, str] = field(default_factory=dict)
    fresh: FreshProcess | None = None


def _one_thread() -> AbstractContextManager[object]:
    """One thread, as in a run: some methods take several times as long with two. Torch is not imported for that."""
    from threadpoolctl import threadpool_limits

    return deterministic_arithmetic("cpu") if "torch" in sys.modules else threadpool_limits(1)


def _is_quick(subject: Subject) -> bool:
    began = time.monotonic()
    try:
        TimeLimit(seconds=SECONDS_OF_ONE, run=Path()).call_within(0, 1, lambda: subject.drive("mixed"))
    except TrialTimeout:
        return False
    except Exception:
        return True
    return time.monotonic() - began < QUICK_RUN


def _refer_to_causes(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Name an earlier property where the class fails for the same cause."""
    earlier: dict[str, str] = {}
    for found in findings:
        first = earlier.setdefault(found.cause, found.name) if found.cause else found.name
        yield replace(found, like=first if first != found.name else "")


def _look_at(each: Property, subject: Subject, given: _Circumstances) -> Finding:
    left = given.deadline - time.monotonic()
    said = "copy" if each.name == "pickle" else each.name
    if said in given.lacks and said not in NEVER_EXCUSED:
        return _finding(each, "lacks", given.lacks[said])
    if left <= 0:
        return _finding(each, "untested", TIME_OVER)
    seconds = min(left, SECONDS_OF_ONE) if given.is_quick and each.check is not None else left
    limit = TimeLimit(seconds=seconds, run=Path())
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            limit.call_within(0, 1, lambda: _check(each, subject, given.fresh, left))
    except TrialTimeout:
        if seconds < SECONDS_OF_ONE or not given.is_quick:
            return _finding(each, "untested", TIME_OVER)
        return _finding(each, _failed(each), f"had not come to an end after {seconds:.0f} s", "endless")
    except Violation as violation:
        cause = Difference.__name__ if isinstance(violation, Difference) else ""
        return _finding(each, _failed(each), str(violation), cause)
    except BadInput as error:
        return _finding(each, _failed(each), f"could not be built: {error}", str(error))
    except Exception as error:  # Whatever a third party's code raises is what it did.
        failure = describe_failure(error)
        return _finding(each, _failed(each), _in_role(subject, failure.text), failure.cause)
    return _finding(each, "yes")


def _check(each: Property, subject: Subject, fresh: FreshProcess | None, left: float) -> None:
    if each.check is not None:
        each.check(subject)
    elif fresh is not None:
        require_same_elsewhere(subject, lambda: fresh.sequences(left))


def _failed(each: Property) -> str:
    return "no" if each.needed else "advice"


def _in_role(subject: Subject, text: str) -> str:
    """Name a searcher's own method, which the basic scheduler's passes on to."""
    return text.replace("suggest() r", "sample_configuration() r") if subject.role == "searcher" else text


def _finding(each: Property, state: str, did: str = "", cause: str = "") -> Finding:
    return Finding(name=each.name, meaning=each.meaning, remedy=each.remedy, state=state, did=did, cause=cause)
