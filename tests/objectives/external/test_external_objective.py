"""An objective in another process: its description, its trials, and all that a program may do wrong."""

import json
import os
import signal
import sys
import time
from itertools import islice

import numpy as np
import pytest

from benchmark.tuning.evaluation import describe_failure
from objectives.epoch import TrainingCrashed, TrainingTimedOut
from objectives.external.external_objective import ExternalObjective, _program
from objectives.external.subprocess_client import ExternalError
from objectives.external.wire_space import read_metrics, read_space
from objectives.metric import Metric
from objectives.objective import Machine
from objectives.space import Categorical, Integer, Ordinal
from tests.objectives.external.programs import SOMETIMES, is_alive, objective, program

CONFIG = {"x": 0.25, "k": 3, "w": 32, "act": None}
OTHER = {"x": 0.75, "k": 1, "act": 3}


@pytest.fixture(autouse=True)
def _new_programs():
    """Programs end with the test that started them."""
    _program.cache_clear()
    yield
    _program.cache_clear()


def begin(built, config=CONFIG, seed=1):
    return built.train(config, np.random.SeedSequence(seed), Machine())


def errors(curve, count):
    return [(epoch.valid_error, epoch.test_error) for epoch in islice(curve, count)]


def process_id(built):
    return built.program.client._process.pid


def test_description():
    """Space, default, epochs and metrics are those that the program declares."""
    built = objective()

    assert list(built.space) == ["x", "k", "w", "act"]
    assert built.space.active(OTHER) == ["x", "k", "act"]
    assert [type(built.space[name]) for name in ("k", "w", "act")] == [Integer, Ordinal, Categorical]
    assert built.default == {"x": 0.5, "k": 1, "act": "relu"}
    assert (built.max_epochs, built.metrics, built.chance_error) == (4, (Metric("error"),), None)
    assert built.prepare(Machine())["toy"] == "None"


def test_trials_interleave_and_pause():
    """Two trials whose epochs alternate come out as each by itself; seeds tell trials of one configuration apart."""
    built = objective()
    alone = [errors(begin(built, config), 4) for config in (CONFIG, OTHER)]
    curves = [begin(built, config) for config in (CONFIG, OTHER)]
    together = [[], []]
    for _ in range(4):
        for curve, taken in zip(curves, together, strict=True):
            taken += errors(curve, 1)

    assert together == alone
    assert errors(begin(built, seed=2), 4) != alone[0]
    assert built.program.process == 1


def test_metrics_and_reported_seconds():
    """Declared metrics come by name, in their own direction; the program's seconds stand beside ours."""
    metrics = [{"name": "accuracy", "goal": "max", "best": 2.0, "chance": 0.0}, {"name": "latency", "unit": "ms"}]
    built = objective(options={"metrics": metrics})

    (epoch,) = islice(begin(built), 1)

    assert [metric.goal for metric in built.metrics] == ["max", "min"]
    assert epoch.metrics["latency"] == epoch.metrics["accuracy"] + 1 == epoch.test_metrics["latency"]
    assert epoch.reported_seconds == 7.5
    assert 0 < epoch.seconds < 5


def test_a_trial_that_kills_its_process():
    """It is a crash; the next trial finds a new process, and a paused one goes on from where it was."""
    built = objective(f"if {SOMETIMES}: os.kill(os.getpid(), 9)")
    whole = errors(begin(objective(), OTHER), 4)
    paused, killed = begin(built, OTHER), begin(built)
    before = errors(paused, 2) + [next(killed)][:0]

    with pytest.raises(TrainingCrashed, match=r"ended \(SIGKILL\) instead of answering 'train'") as raised:
        next(killed)

    assert describe_failure(raised.value)[0] == "crashed"
    assert before + errors(paused, 2) == whole
    assert built.program.process == 2


@pytest.mark.slow
def test_a_trial_that_takes_too_long():
    """It is a timeout, and its process does not live on."""
    built = objective(f"if {SOMETIMES}: import time; time.sleep(60)", timeout=0.5)
    curve = begin(built)
    next(curve)
    pid = process_id(built)

    with pytest.raises(TrainingTimedOut, match=r"did not answer 'train' within 0\.5 s") as raised:
        next(curve)

    assert describe_failure(raised.value)[0] == "timeout"
    assert not is_alive(pid)
    assert len(errors(begin(built, OTHER), 4)) == 4


GARBAGE = {
    "no JSON": ("print('Epoch 1: 0.5')", "answered 'train' with Epoch 1: 0.5, which is no JSON object"),
    "no object": ("print('[1]', flush=True); continue", "answered 'train' with .1., which is no JSON object"),
    "other keys": (
        "print('{\"error\": 1}', flush=True); continue",
        "with the keys error: need valid, and perhaps test",
    ),
    "not declared": (
        'print(\'{"valid": {"loss": 1}}\', flush=True); continue',
        "with the metric 'loss': only error is declared",
    ),
    "diverged": (
        'print(\'{"valid": 1, "diverged": 2}\', flush=True); continue',
        "diverged = 2: need true or false",
    ),
}


@pytest.mark.parametrize("case", GARBAGE)
def test_garbage(case):
    """An answer that is none is an error of the trial, with the answer in it; the next trial is trained."""
    bad, message = GARBAGE[case]
    built = objective(f"if message['config']['k'] == 3:\n    {bad}")

    with pytest.raises(ExternalError, match=message) as raised:
        next(begin(built))

    assert describe_failure(raised.value)[0] == "error"
    assert len(errors(begin(built, OTHER), 4)) == 4


def test_numbers_that_json_lacks():
    """Python writes NaN and Infinity, and means a training that has diverged."""
    built = objective("value = float('nan') if message['epoch'] == 1 else float('inf')")

    values = [epoch.valid_error for epoch in islice(begin(built), 2)]

    assert np.isnan(values[0])
    assert values[1] == np.inf


@pytest.mark.slow
def test_a_program_that_does_not_repeat():
    """Trained again in a new process, an epoch that comes out otherwise is an error."""
    built = objective("value = os.getpid() * 1e-6")
    curve = begin(built)
    next(curve)
    os.kill(process_id(built), signal.SIGKILL)
    built.program.client.close()

    with pytest.raises(ValueError, match="the program does not repeat"):
        next(curve)


@pytest.mark.slow
def test_interrupted_in_the_middle_of_an_answer():
    """Half an answer is never taken for that of the next question: the process ends."""
    built = objective("import time; time.sleep(0.05)")
    before = begin(built)
    first = errors(before, 1)

    def interrupt(number, frame):
        raise KeyboardInterrupt

    handler = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.02)
        with pytest.raises(KeyboardInterrupt):
            next(before)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)

    assert first + errors(before, 3) == errors(begin(objective()), 4)


def test_what_is_dropped_is_forgotten(tmp_path):
    """The program is told of trials that nobody holds any more, before it trains the next one."""
    log = tmp_path / "log"
    command = program(text=f"import sys; log = open({str(log)!r}, 'w')\n" + program()[2].replace(
        "    op = message", "    print(line, end='', file=log, flush=True)\n    op = message"
    ))  # fmt: skip
    built = ExternalObjective(command=command)
    dropped = begin(built)
    next(dropped)
    del dropped
    next(begin(built, OTHER))

    ops = [(message["op"], message.get("trials")) for message in map(json.loads, log.read_text().splitlines())]
    assert ("forget", [1]) in ops
    assert ops.index(("forget", [1])) < len(ops) - 1


@pytest.mark.slow
def test_children_end_with_their_program():
    """What a program has started does not outlive it."""
    built = objective("import subprocess; value = subprocess.Popen(['sleep', '60']).pid")
    child = int(next(begin(built)).valid_error)
    pid = process_id(built)
    built.program.client._process.send_signal(signal.SIGSTOP)  # It does not end when its input does.

    built.program.client.close()

    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(pid)
    assert not is_alive(child)


BAD_DESCRIPTIONS = {
    "no space": ({"space": []}, "space = .*: need a list of hyperparameters"),
    "kind": (
        {"space": [{"name": "x", "kind": "real"}]},
        "x: kind = 'real': need one of float, int, categorical",
    ),
    "bound": ({"space": [{"name": "x", "kind": "float", "low": 0}]}, "x: high missing"),
    "order": ({"space": [{"name": "x", "kind": "float", "low": 2, "high": 1}]}, "low = 2, high = 1: need low < high"),
    "log": (
        {"space": [{"name": "x", "kind": "float", "low": 0, "high": 1, "log": True}]},
        "need 0 < low < high",
    ),
    "key": ({"space": [{"name": "x", "kind": "int", "low": 0, "high": 1, "step": 2}]}, "x: step: unknown, allowed are"),
    "default": ({"default": {"x": 9}}, "x"),
    "epochs": ({"max_epochs": 0}, "max_epochs = 0: need a whole number"),
    "goal": ({"metrics": [{"name": "a", "goal": "up"}]}, 'goal = \'up\': need "min" or "max"'),
    "twice": ({"metrics": [{"name": "a"}, {"name": "a"}]}, "'a' is there twice"),
    "version": ({"version": "2"}, "it is version '2', not '1.0' as the suite says"),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", BAD_DESCRIPTIONS)
def test_bad_descriptions(case):
    """What a program says of itself is checked before anything is trained."""
    change, message = BAD_DESCRIPTIONS[case]
    text = program()[2].replace("    return answer", f"    answer.update({change!r})\n    return answer")

    with pytest.raises(ExternalError, match=f"describes its objective wrongly: .*{message}"):
        _ = ExternalObjective(command=[sys.executable, "-c", text], version="1.0").space


def test_options_that_make_no_sense():
    """They are refused before any program is started."""
    for options, message in (
        ({"command": []}, "need a list of a program"),
        ({"command": ["no-such-program"]}, "there is no program 'no-such-program' on the path"),
        ({"command": program(), "timeout": 0}, "timeout = 0: need a number of seconds"),
        ({"command": program(), "version": 1}, "version = 1: need a text"),
        ({"command": program(), "options": 3}, "options = 3: need a table"),
        ({"command": program(), "options": {"x": {1}}}, "need JSON values"),
    ):
        with pytest.raises(ValueError, match=message):
            ExternalObjective(**options)


def test_conditions_and_metrics_of_the_wire():
    """Every key of a hyperparameter and of a metric arrives."""
    space = read_space(
        [
            {"name": "k", "kind": "categorical", "choices": ["a", "b"]},
            {
                "name": "r",
                "kind": "float",
                "low": 1,
                "high": 10,
                "log": True,
                "condition": {"parent": "k", "values": ["b"]},
            },
        ]
    )
    assert space.active({"k": "a"}) == ["k"]
    assert space.decode(np.array([0.75, 0.5]))["r"] == pytest.approx(10**0.5)
    described = {"name": "a", "goal": "max", "unit": "%", "best": 100, "chance": 10, "reference": 5, "measured": True}
    assert read_metrics([described]) == (
        Metric("a", goal="max", unit="%", best=100, chance=10, reference=5, measured=True),
    )
