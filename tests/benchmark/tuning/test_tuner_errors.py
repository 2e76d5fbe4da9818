"""The tuning loop, driven by hand: algorithms that misbehave."""

import math

import numpy as np
import pytest

from benchmark.tuning.tuner import AlgorithmError, Outcome
from tests.benchmark.fakes.unprintable import TextRaises
from tests.benchmark.tuning.scripted import Script, config, drive, loop


@pytest.mark.parametrize(
    ("suggestion", "message"),
    [
        ([0.5, 3, "a"], r"\[0\.5, 3, 'a'\]: need a configuration \(a dict\) or None"),
        ("x", "'x': need a configuration"),
        (0.5, "0.5: need a configuration"),
        (False, "False: need a configuration"),
        (len, "built-in function len.*need a configuration"),
        ({}, "x: missing from configuration"),
        ({"x": 0.5, "n": 3}, "kind: missing from configuration"),
        ({"max_epochs": 3}, "x: missing"),
        (config(y=1), "'y': no such hyperparameter"),
        ({**config(), 3: 4}, "3: no such hyperparameter"),
        (config(x=1.5), r"x = 1\.5: outside \[0\.0, 1\.0\]"),
        (config(x=-1e-9), "x = -1e-09: outside"),
        (config(x=math.nan), "x = nan: outside"),
        (config(x=math.inf), "x = inf: outside"),
        (config(x=10**400), "x = inf: outside"),
        (config(x="0.5"), "x = '0.5': not a number"),
        (config(x=None), "x = None: not a number"),
        (config(x=True), "x = True: not a number"),
        (config(x=0.5 + 0j), r"x = \(0\.5\+0j\): not a number"),
        (config(x=[0.5]), r"x = \[0\.5\]: not a number"),
        (config(x=np.array([0.5, 0.6])), "x = array.*: not a number"),
        (config(n=0), r"n = 0: outside 1\.\.9"),
        (config(n=10), r"n = 10: outside 1\.\.9"),
        (config(n=3.5), r"n = 3\.5: not an integer"),
        (config(n=True), "n = True: not an integer"),
        (config(kind="c"), "kind = 'c': not one of"),
        (config(kind=1), "kind = 1: not one of"),
        (config(max_epochs=0), r"max_epochs = 0: need a whole number in 1\.\.8"),
        (config(max_epochs=-1), "max_epochs = -1: need"),
        (config(max_epochs=9), "max_epochs = 9: need"),
        (config(max_epochs=1.5), r"max_epochs = 1\.5: need"),
        (config(max_epochs=True), "max_epochs = True: need"),
        (config(max_epochs=np.True_), r"max_epochs = (np\.)?True_?: need"),
        (config(max_epochs="4"), "max_epochs = '4': need"),
        (config(max_epochs=None), "max_epochs = None: need"),
        (config(max_epochs=math.nan), "max_epochs = nan: need"),
        (config(max_epochs=math.inf), "max_epochs = inf: need"),
        (config(max_epochs=10**30), "max_epochs = 1000000000000000000000000000000: need"),
        (config(max_epochs=[4]), r"max_epochs = \[4\]: need"),
        (config(max_epochs=np.array([1, 2])), "max_epochs = array.*: need"),
    ],
    ids=str,
)
def test_an_impossible_suggestion_is_an_error_that_names_the_value(suggestion, message):
    """What cannot be trained is refused with the value and what is allowed."""
    tuning = loop(Script(config(x=0.1), suggestion), evaluations=9)

    with pytest.raises(AlgorithmError, match=rf"suggest\(\) returned .*{message}"):
        drive(tuning)

    assert tuning.started == 1


def test_without_a_full_fidelity_any_positive_number_is_one():
    """A plain function's own epochs are unknown: only zero and less are refused."""
    jobs, _ = drive(loop(Script(config(max_epochs=10**6)), max_epochs=None, evaluations=1))
    assert jobs[0].epochs == 10**6

    with pytest.raises(AlgorithmError, match=r"max_epochs = 0: need a whole number >= 1"):
        drive(loop(Script(config(max_epochs=0)), max_epochs=None, evaluations=1))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("odd"), "ValueError: odd"),
        (KeyError("lr"), "KeyError: 'lr'"),
        (RecursionError("deep"), "RecursionError: deep"),
        (MemoryError(), "MemoryError"),
        (SystemExit(3), "SystemExit: 3"),
        (StopIteration(), "StopIteration"),
        (ZeroDivisionError("a\nb"), "ZeroDivisionError: a b"),
        (TextRaises(), "TextRaises: <exception str"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
@pytest.mark.parametrize("method", ["suggest", "update"])
def test_what_a_scheduler_raises_is_an_algorithm_error(method, error, text):
    """Whatever it raises, in suggest or in update, is an error with its type and text, and the cause."""

    class Raises(Script):
        """Raises in one of its methods."""

    def fail(self, *arguments):
        raise error

    setattr(Raises, method, fail)

    with pytest.raises(AlgorithmError, match=rf"{method}\(\) raised .*{text}") as caught:
        drive(loop(Raises(config()), evaluations=9))

    assert caught.value.__cause__ is error


def test_an_interrupt_in_a_scheduler_passes_through():
    """Ctrl-C is not the algorithm's fault."""

    class Interrupted(Script):
        """Is interrupted while it decides."""

        def suggest(self):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drive(loop(Interrupted(), evaluations=9))


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome(error=math.nan, epochs=8, end=1.0),
        Outcome(error=0.5, epochs=8, end=math.nan),
        Outcome(error=0.5, epochs=8, end=-1.0),
    ],
    ids=["nan-error", "nan-end", "end-before-start"],
)
def test_an_impossible_outcome_is_refused(outcome):
    """NaN never enters a ranking, and time does not run backwards."""
    script = Script(config())

    with pytest.raises(ValueError, match="the error must not be NaN, nor the end before"):
        drive(loop(script, evaluations=9), lambda job: outcome)

    assert script.updates == []
