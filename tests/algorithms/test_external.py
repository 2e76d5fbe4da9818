"""The other side of a pipe: what is said, what is refused, and that no process is left behind."""

import copy
import gc
import json
import math
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from algorithms import conversation
from algorithms.conversation import Conversation, ExternalError
from algorithms.external import ExternalScheduler, ExternalSearcher
from benchmark.build import check_suite
from benchmark.refusal import BadInput
from benchmark.suite import parse
from benchmark.tuner import AlgorithmError, Budget, Outcome, TuningLoop
from objectives.space import FIDELITY, Categorical, Condition, Ordinal, Space

ROOT = Path(__file__).parents[2]
RATE = Space({"rate": stats.uniform(0, 1)})
MIXED = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "layers": stats.randint(1, 4),
        "batch": Ordinal([16, 32, 64]),
        "noise": stats.norm(0, 1),
        "activation": Categorical(["relu", 1, "tanh"]),
        "width_2": stats.randint(8, 65),
    },
    conditions={"width_2": Condition(parent="layers", values=(2, 3))},
)
DEFAULT = {"rate": 0.1, "layers": 2, "batch": 32, "noise": 0.25, "activation": "tanh", "width_2": 16}

GOOD = """
import json, random, sys
log = None
for line in sys.stdin:
    message = json.loads(line)
    if message["op"] == "begin":
        begin, dice = message, random.Random(message["seed"])
        if "log" in message["options"]:
            log = open(message["options"]["log"], "a")
        answer = {"name": "toy", "version": "1.0"}
    elif message["op"] == "ask":
        config = {"rate": dice.random()}
        if message["number"] == 0 and begin["initial_config"]:
            config = begin["initial_config"]
        answer = {"config": config}
        if begin["role"] == "scheduler":
            answer["max_epochs"] = 1 + message["number"] % 3
    else:
        answer = {}
    if log:
        print(line, end="", file=log, flush=True)
    print(json.dumps(answer), flush=True)
"""
INTRODUCTION = "print(json.dumps({'name': 'toy', 'version': '1.0'}), flush=True)\n"


@pytest.fixture
def program(tmp_path):
    """A function that writes a Python program and gives the command to run it."""

    def write(source):
        path = tmp_path / "worker.py"
        path.write_text(source)
        return [sys.executable, str(path)]

    return write


@pytest.fixture
def toy(program):
    """A function that makes a searcher of the program above, or of the source given."""
    made = []

    def make(source=GOOD, space=RATE, seed=0, role=ExternalSearcher, **options):
        if role is ExternalScheduler:
            options = {"max_epochs": 9, **options}
        made.append(role(space, rng=np.random.default_rng(seed), command=program(source), **options))
        return made[-1]

    yield make
    for algorithm in made:
        algorithm.close()


def says(*answers):
    """A program that introduces itself and then gives these answers, written as Python."""
    lines = "".join(f"sys.stdin.readline(); print({answer}, flush=True)\n" for answer in answers)
    return f"import json, os, sys, time\nsys.stdin.readline(); {INTRODUCTION}{lines}sys.stdin.read()\n"


def exhaust(searcher):
    for _ in range(3):
        searcher.sample_configuration()


def process_of(algorithm):
    return algorithm.partner.conversation._process


def open_files():
    return len(list(Path("/dev/fd").iterdir()))


def alive(pid):
    """Whether a process is there and has not ended; one that nobody has waited for has ended."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # No /proc here, or it has ended just now.
        return Path("/proc/self").exists() is False


def ends(pid, seconds=20.0):
    """Whether a process ends by itself; the time is generous because the machine may be busy."""
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)


def messages(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


# What is said


def test_the_beginning_describes_the_run(toy, tmp_path):
    """The first message holds all that a searcher of ours is given, in coordinates that any language knows."""
    searcher = toy(space=MIXED, initial_config=DEFAULT, options={"log": str(tmp_path / "log"), "eta": 3})
    assert searcher.sample_configuration() == DEFAULT
    (begin, ask) = messages(tmp_path / "log")
    expected_seed = int(np.random.default_rng(0).integers(2**31 - 1))
    noise = begin["initial_config"].pop("noise")
    assert noise == pytest.approx(stats.norm.cdf(0.25))
    whole = {"kind": "int", "log": False}
    condition = {"parent": "layers", "values": [2, 3]}
    assert begin == {
        "op": "begin",
        "protocol": 1,
        "role": "searcher",
        "space": [
            {"name": "rate", "kind": "float", "low": 1e-4, "high": 1.0, "log": True, "condition": None},
            {"name": "layers", **whole, "low": 1, "high": 3, "condition": None},
            {"name": "batch", **whole, "low": 0, "high": 2, "condition": None},
            {"name": "noise", "kind": "float", "low": 0.0, "high": 1.0, "log": False, "condition": None},
            {"name": "activation", "kind": "categorical", "choices": ["relu", 1, "tanh"], "condition": None},
            {"name": "width_2", **whole, "low": 8, "high": 64, "condition": condition},
        ],
        "initial_config": {"rate": 0.1, "layers": 2, "batch": 1, "activation": "tanh", "width_2": 16},
        "max_epochs": None,
        "seed": expected_seed,
        "options": {"log": str(tmp_path / "log"), "eta": 3},
    }
    assert ask == {"op": "ask", "number": 0}


def test_results_name_the_question_that_they_answer(toy, tmp_path):
    """Told out of order, in part, crashed, and of a configuration that was not proposed."""
    searcher = toy(options={"log": str(tmp_path / "log")}, max_epochs=9)
    one, two = searcher.sample_configuration(), searcher.sample_configuration()
    searcher.update({**two, FIDELITY: 1}, 0.5)
    searcher.update({**one, FIDELITY: 1}, math.inf)
    searcher.update({**two, FIDELITY: 3}, 0.25)
    searcher.update(two, 0.125)
    searcher.update({"rate": 0.75}, 0.0)
    begin, _, _, *told = messages(tmp_path / "log")
    assert begin["max_epochs"] == 9
    assert told == [
        {"op": "tell", "number": 1, "config": two, "error": 0.5, "max_epochs": 1},
        {"op": "tell", "number": 0, "config": one, "error": None, "max_epochs": 1},
        {"op": "tell", "number": 1, "config": two, "error": 0.25, "max_epochs": 3},
        {"op": "tell", "number": 1, "config": two, "error": 0.125, "max_epochs": None},
        {"op": "tell", "number": None, "config": {"rate": 0.75}, "error": 0.0, "max_epochs": None},
    ]


def test_equal_proposals_are_told_apart_by_their_order(toy, tmp_path):
    """Two trials of one configuration: the earlier is told first, and goes on as itself."""
    twice = GOOD.replace("dice.random()", "0.5")
    searcher = toy(twice, options={"log": str(tmp_path / "log")})
    config, _ = searcher.sample_configuration(), searcher.sample_configuration()
    for epochs in (1, 3, 3):
        searcher.update({**config, FIDELITY: epochs}, 0.5)
    assert [message["number"] for message in messages(tmp_path / "log")[3:]] == [0, 0, 1]


def test_a_scheduler_is_told_each_proposal_once(toy, tmp_path):
    """One configuration on three rungs is three proposals; what is told again belongs to none."""
    same = GOOD.replace("dice.random()", "0.5")
    scheduler = toy(same, role=ExternalScheduler, options={"log": str(tmp_path / "log")})
    suggested = [scheduler.suggest() for _ in range(4)]
    assert suggested == [{"rate": 0.5, FIDELITY: epochs} for epochs in (1, 2, 3, 1)]
    for config in (suggested[2], suggested[0], suggested[3], suggested[1], suggested[2]):
        scheduler.update(config, 0.5)
    assert [message["number"] for message in messages(tmp_path / "log")[5:]] == [2, 0, 3, 1, None]


def test_numbers_arrive_exactly(toy, tmp_path):
    """Doubles are the same on both sides, to the last bit."""
    values = [0.1, 1 / 3, math.nextafter(1.0, 0.0), 5e-324, 2.0**-30 / 3, 0.0]
    source = GOOD.replace("dice.random()", 'begin["options"]["values"][message["number"]]')
    searcher = toy(source, options={"values": values, "log": str(tmp_path / "log")})
    for value in values:
        proposed = searcher.sample_configuration()
        assert proposed == {"rate": value}
        searcher.update(proposed, value)
    told = [message for message in messages(tmp_path / "log") if message["op"] == "tell"]
    assert [(message["config"]["rate"], message["error"]) for message in told] == [(value, value) for value in values]


def test_a_new_process_answers_alike(toy):
    """The same seed and results bring the same proposals, another seed others."""

    def proposals(seed):
        searcher, proposed = toy(seed=seed), []
        for _ in range(10):
            proposed.append(searcher.sample_configuration())
            searcher.update(proposed[-1], 0.5)
        return proposed

    assert proposals(1) == proposals(1) != proposals(2)


def test_the_environment_is_ours_with_fixed_threads(toy, monkeypatch):
    """Variables are passed on, threads and hash seed are fixed, and Python finds its own packages."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("PYTHONHASHSEED", "77")
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("INCUMBENT_TOY", "passed on")
    source = GOOD.replace('"version": "1.0"', '"version": "1.0", "libraries": dict(os.environ)').replace(
        "import json", "import os, json"
    )
    environment = toy(source).versions
    assert environment["OMP_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "1"
    assert environment["PYTHONHASHSEED"] == "0"
    assert environment["INCUMBENT_TOY"] == "passed on"
    assert "PYTHONPATH" not in environment


def test_what_the_program_says_of_itself(toy):
    """Versions and what it lacks are there for the record, before the first proposal."""
    introduction = '"version": "1.0", "libraries": {"numpy": "1.26.4"}, "lacks": {"pending": "it forgets"}'
    searcher = toy(GOOD.replace('"version": "1.0"', introduction))
    assert searcher.versions == {"toy": "1.0", "numpy": "1.26.4"}
    assert searcher.lacks == {"pending": "it forgets"}
    searcher.close()
    assert searcher.lacks == {"pending": "it forgets"}


def test_a_bad_beginning_is_said_by_the_first_proposal(toy):
    """What is asked for the record does not fail; the search then does, with the reason."""
    searcher = toy("import sys; sys.exit('not today')")
    assert searcher.versions == searcher.lacks == {}
    with pytest.raises(ExternalError, match="not today"):
        searcher.sample_configuration()


def test_the_default_survives_a_language_of_few_digits(toy):
    """A first proposal that differs by a rounding is the default itself, and so it is later."""
    default = {"rate": 0.12345678901234567}
    source = GOOD.replace("dice.random()", "0.123456789012346").replace("config = begin", "0 and begin")
    searcher = toy(source, initial_config=default)
    assert [searcher.sample_configuration() for _ in range(2)] == [default, default]


def test_who_lacks_the_default_may_begin_otherwise(toy):
    """A program that says so need not propose the default."""
    source = GOOD.replace('"1.0"', '"1.0", "lacks": {"default": "no"}').replace('and begin["initial_config"]', "and 0")
    assert toy(source, initial_config={"rate": 0.5}).sample_configuration() != {"rate": 0.5}


@pytest.mark.parametrize("role", [ExternalSearcher, ExternalScheduler])
def test_nothing_left_is_none(toy, role):
    """A null configuration is None, and the conversation goes on."""
    algorithm = toy(says(*["'{\"config\": null}'"] * 2, "'{}'"), role=role)
    ask = algorithm.suggest if role is ExternalScheduler else algorithm.sample_configuration
    assert [ask(), ask()] == [None, None]
    algorithm.update({"rate": 0.5}, 0.5)


def test_it_runs_below_the_tuning_loop(toy):
    """A scheduler in another process under three workers, results out of order."""
    scheduler = toy(role=ExternalScheduler, initial_config={"rate": 0.5})
    budget = Budget(evaluations=12)
    steps = TuningLoop(scheduler, check=RATE.check, max_epochs=9, budget=budget, n_workers=3).run()
    jobs = [next(steps)]
    for _ in range(11):
        end = jobs[-1].start + 1 + jobs[-1].index * 7 % 5
        jobs.append(steps.send(Outcome(error=0.5, epochs=jobs[-1].epochs, end=end)))
    assert [job.epochs for job in jobs] == [1, 2, 3] * 4
    assert jobs[0].suggestion == {"rate": 0.5, FIDELITY: 1}


# Pipes


def test_no_pipe_fills_up(toy):
    """A megabyte each way at once, and one on standard error before the program listens."""
    chatty = GOOD.replace("for line in", 'print("x" * 2**20, file=sys.stderr, flush=True)\nfor line in')
    chatty = chatty.replace('"version": "1.0"', '"version": "1.0", "libraries": {"long": begin["options"]["long"]}')
    searcher = toy(chatty, options={"long": "y" * 2**20})
    assert len(searcher.versions["long"]) == 2**20
    assert searcher.sample_configuration() is not None


def test_an_endless_line_is_refused(toy, monkeypatch):
    """A program that never ends its line does not fill the memory."""
    monkeypatch.setattr(conversation, "LONGEST_ANSWER", 2**18)
    with pytest.raises(ExternalError, match=r"answered 'ask' with a line of more than 262144 bytes"):
        toy(says("'x' * 2**20, end=''")).sample_configuration()


# Wrong moves


CONFIG = "'{\"config\": %s}'"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import nonsense_package", r"ended \(exit code 1\) instead of answering 'begin'; .*No module named 'nonsense"),
        ("import sys; sys.exit('eta = 1: no')", r"exit code 1\) instead of answering 'begin'; .*: eta = 1: no$"),
        ("", r"ended \(exit code 0\) instead of answering 'begin'$"),
        ("import os; os.kill(os.getpid(), 9)", r"ended \(SIGKILL\) instead of answering 'begin'"),
        ("input(); print('Welcome!')", r"answered 'begin' with Welcome!, which is no JSON object"),
        ("input(); print('[1]')", r"answered 'begin' with \[1\], which is no JSON object"),
        ("input(); print('[' * 100000)", r"answered 'begin' with \[\[\[.* \.\.\. .*, which is no JSON object"),
        ("input(); print('{\"name\": NaN}')", r"which is no JSON object"),
        (
            'input(); print(\'{"name": "toy"}\')',
            r"answered 'begin' with the keys name: need name, version, and perhaps lib",
        ),
        ('input(); print(\'{"name": "toy", "version": 1}\')', r"answered 'begin' with version = 1: need a text"),
        ('input(); print(\'{"name": "", "version": "1"}\')', r"answered 'begin' with name = '': need a text"),
        (
            'input(); print(\'{"name": "t", "version": "1", "lacks": {"x": "y"}}\')',
            r"lacks\.x: not one of bounds, native",
        ),
        (
            'input(); print(\'{"name": "t", "version": "1", "lacks": []}\')',
            r"with lacks = \[\]: need an object of texts",
        ),
        (says("'{}'"), r"answered 'ask' with the keys none: need config$"),
        (says('\'{"config": {"rate": 0.5}, "max_epoch": 3}\''), r"the keys config, max_epoch: need config$"),
        (says('\'{"config": {"rate": 0.5}, "max_epochs": 3}\''), r"the keys config, max_epochs: need config$"),
        (says(CONFIG % "[]"), r"proposed an impossible configuration: \[\] is no object"),
        (says(CONFIG % "{}"), r"proposed an impossible configuration: rate: missing"),
        (says(CONFIG % '{"rat": 1}'), r"impossible configuration: 'rat': no such hyperparameter, there are \['rate'\]"),
        (says(CONFIG % '{"rate": 1.5}'), r"impossible configuration: rate = 1\.5: outside 0\.0\.\.1\.0"),
        (says(CONFIG % '{"rate": -1e-12}'), r"impossible configuration: rate = -1e-12: outside"),
        (says(CONFIG % '{"rate": true}'), r"impossible configuration: rate = True: need a number"),
        (says(CONFIG % '{"rate": "0.5"}'), r"impossible configuration: rate = '0\.5': need a number"),
        (says("os._exit(3)"), r"ended \(exit code 3\) instead of answering 'ask'"),
        (says("os.close(1) or time.sleep(60)"), r"closed its standard output instead of answering 'ask'"),
        (says("'{\"config\": null}\\n{}'", "'{}'"), r"said \{\} before it was asked 'ask'"),
    ],
)
def test_wrong_moves_have_one_clear_error(toy, monkeypatch, source, message):
    """Each names the program, what it did and, where there is one, the last line of its standard error."""
    monkeypatch.setattr(conversation, "GRACE_SECONDS", 0.5)
    searcher = toy(source)
    with pytest.raises(ExternalError, match=message) as caught:
        exhaust(searcher)
    assert str(caught.value).startswith(sys.executable)
    assert "\n" not in str(caught.value)
    assert process_of(searcher) is None
    with pytest.raises(ExternalError) as again:
        searcher.update({"rate": 0.5}, 0.5)
    assert str(again.value) == str(caught.value)


@pytest.mark.parametrize("epochs", ["0", "10", "2.5", "true", '"3"'])
def test_impossible_fidelities_are_refused(toy, epochs):
    """A scheduler's fidelity is a whole number in 1..max_epochs."""
    scheduler = toy(says(f'\'{{"config": {{"rate": 0.5}}, "max_epochs": {epochs}}}\''), role=ExternalScheduler)
    with pytest.raises(ExternalError, match=r"proposed max_epochs = .*: need a whole number in 1\.\.9"):
        scheduler.suggest()


@pytest.mark.parametrize("values", ['"layers": 2.0', '"layers": 4', '"layers": 1, "batch": 3', '"activation": true'])
def test_whole_numbers_and_choices_are_strict(toy, values):
    """A whole number has no point, a place is in the list, and a choice has its own type."""
    complete = '"rate": 0.5, "layers": 1, "batch": 0, "noise": 0.5, "activation": "relu", ' + values
    with pytest.raises(ExternalError, match="proposed an impossible configuration"):
        toy(says(CONFIG % f"{{{complete}}}"), space=MIXED).sample_configuration()


def test_a_result_is_acknowledged_with_nothing(toy):
    """Whoever answers a result with a proposal has lost count."""
    searcher = toy(says(CONFIG % '{"rate": 0.5}', CONFIG % '{"rate": 0.5}'))
    config = searcher.sample_configuration()
    with pytest.raises(ExternalError, match=r"answered 'tell' with the keys config: need none"):
        searcher.update(config, 0.5)


def test_another_beginning_than_the_default_is_refused(toy):
    """A program that ignores the default has to say so."""
    searcher = toy(GOOD.replace('and begin["initial_config"]', "and 0"), initial_config={"rate": 0.5})
    with pytest.raises(ExternalError, match=r"proposed .* first, not initial_config = \{'rate': 0.5\}"):
        searcher.sample_configuration()


def test_another_version_is_refused(toy):
    """A suite that names a version runs with no other."""
    assert toy(version="1.0").sample_configuration() is not None
    with pytest.raises(ExternalError, match=r"is version '1\.0', not '2\.0' as the suite says"):
        toy(version="2.0").sample_configuration()


def test_a_program_that_hangs_is_ended(toy, monkeypatch):
    """After the time for an answer there is an error, and no process."""
    monkeypatch.setattr(conversation, "GRACE_SECONDS", 0.1)
    searcher = toy(says("time.sleep(600)"), timeout=5)
    assert searcher.lacks == {}
    pid = process_of(searcher).pid
    searcher.partner.conversation.timeout = 0.2
    with pytest.raises(ExternalError, match=r"did not answer 'ask' within 0\.2 s"):
        searcher.sample_configuration()
    assert not alive(pid)


def test_the_loop_reports_what_the_program_did(toy):
    """The tuner's error names the program."""
    loop = TuningLoop(
        toy(says(CONFIG % '{"rate": 2}'), role=ExternalScheduler),
        check=RATE.check,
        max_epochs=9,
        budget=Budget(evaluations=3),
    )
    with pytest.raises(AlgorithmError, match=r"suggest\(\) raised .*worker\.py.*rate = 2: outside 0\.0\.\.1\.0"):
        next(loop.run())


# Before anything starts


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["no-such-program", "x"], "there is no program 'no-such-program' on the path"),
        (["./no/such/program"], "there is no program './no/such/program'$"),
        (["{root}/external/no_such.pl"], "there is no program '.*/external/no_such.pl'$"),
        ([str(ROOT / "Makefile")], "Makefile' is not executable"),
        ([str(ROOT)], "is not executable"),
        ([""], "'' is not executable"),
        ([], "need a list of a program and its arguments"),
        ("perl x.pl", "need a list of a program and its arguments"),
        ([sys.executable, 3], "need texts only"),
        ([sys.executable, "a\0b"], "need texts only"),
    ],
)
def test_a_missing_program_is_refused_at_once(command, message):
    """A command that cannot be run is a bad option, not a failed run."""
    with pytest.raises(ValueError, match=message):
        ExternalSearcher(RATE, rng=np.random.default_rng(0), command=command)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": 0}, r"timeout = 0: need a number of seconds > 0, at most 86400"),
        ({"timeout": math.nan}, r"timeout = nan"),
        ({"timeout": True}, r"timeout = True"),
        ({"timeout": "60"}, r"timeout = '60'"),
        ({"version": 1}, r"version = 1: need a text"),
        ({"options": [1]}, r"options = \[1\]: need a table"),
        ({"options": {"x": {1, 2}}}, r"options = .*: need JSON values"),
    ],
)
def test_bad_options_are_refused(toy, options, message):
    """Each names the option, its value and the rule."""
    with pytest.raises(ValueError, match=message):
        toy(**options)


def test_building_starts_nothing(toy, tmp_path):
    """A checked suite has started no process."""
    searcher = toy(f"open({str(tmp_path / 'started')!r}, 'w').close()\n{GOOD}")
    assert not searcher.partner.conversation.running
    assert not (tmp_path / "started").exists()
    searcher.sample_configuration()
    assert (tmp_path / "started").exists()


def suite(algorithm):
    return parse("toy", {"budget": {"trials": 2}, "objectives": {"branin": {}}, "algorithms": {"outside": algorithm}})


@pytest.mark.parametrize("role", ["searcher", "scheduler"])
def test_a_suite_refuses_a_missing_program(role, program):
    """Both roles are registered, and checked before anything is written."""
    check_suite(suite({role: {"name": "external", "command": program(GOOD)}}))
    for options, message in (
        ({"command": ["no-such-program"]}, "there is no program 'no-such-program' on the path"),
        ({}, r"command: missing"),
        ({"command": ["no-such-program"], "seed": 1}, r"seed: unknown key"),
    ):
        with pytest.raises(BadInput, match=rf"algorithms\.outside\.{role}.*{message}"):
            check_suite(suite({role: {"name": "external", **options}}))


# The end


def test_copies_are_refused(toy):
    """A process cannot be copied, whether it runs already or not."""
    searcher = toy()
    for _ in range(2):
        for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                duplicate(searcher.partner.conversation)
        with pytest.raises(TypeError, match="cannot be copied or pickled"):
            copy.deepcopy(searcher)
        searcher.sample_configuration()


def test_close_ends_the_process(toy):
    """What is closed is gone, says so, and may be closed again."""
    searcher = toy()
    searcher.sample_configuration()
    pid = process_of(searcher).pid
    searcher.close()
    searcher.close()
    assert not alive(pid)
    with pytest.raises(ExternalError, match="was closed"):
        searcher.sample_configuration()


def test_a_program_deaf_to_the_end_is_killed_with_its_children(toy, monkeypatch, tmp_path):
    """Whoever ignores the end of its input is killed, and so is what it has started."""
    monkeypatch.setattr(conversation, "GRACE_SECONDS", 0.1)
    child = f"import os, subprocess\nsleeper = subprocess.Popen(['sleep', '600'])\n{GOOD}\nimport time; time.sleep(600)"
    searcher = toy(child.replace('"version": "1.0"', '"version": "1.0", "libraries": {"pid": str(sleeper.pid)}'))
    sleeper, pid = int(searcher.versions["pid"]), process_of(searcher).pid
    assert alive(sleeper)
    searcher.close()
    assert not alive(pid)
    assert ends(sleeper)


def test_the_process_ends_with_its_object(toy, program):
    """An object that nobody holds any more leaves no process."""
    searcher = ExternalSearcher(RATE, rng=np.random.default_rng(0), command=program(GOOD))
    searcher.sample_configuration()
    pid = process_of(searcher).pid
    assert alive(pid)
    del searcher
    gc.collect()
    assert not alive(pid)


def test_many_open_at_once_leave_nothing(program):
    """Twenty runs in turns, half of them closed and the others dropped."""
    command = program(GOOD)
    searchers = [ExternalSearcher(RATE, rng=np.random.default_rng(seed), command=command) for seed in range(20)]
    before = open_files()
    for _ in range(2):
        for searcher in searchers:
            searcher.update(searcher.sample_configuration(), 0.5)
    pids = [process_of(searcher).pid for searcher in searchers]
    assert len(set(pids)) == 20
    assert all(map(alive, pids))
    for searcher in searchers[::2]:
        searcher.close()
    del searcher, searchers
    gc.collect()
    assert not any(map(alive, pids))
    assert open_files() == before


PARENT = """
import sys, time
import numpy as np
from scipy import stats
from algorithms.external import ExternalSearcher
from objectives.space import Space
searcher = ExternalSearcher(Space({"rate": stats.uniform(0, 1)}), rng=np.random.default_rng(0), command=sys.argv[1:])
searcher.sample_configuration()
print(searcher.partner.conversation._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["killed", "left"])
def test_the_process_ends_with_ours(program, how):
    """A harness that is killed, or that ends without closing anything, leaves no process."""
    command = [sys.executable, "-c", PARENT, *program(GOOD)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as parent:
        pid = int(parent.stdout.readline())
        assert alive(pid)
        if how == "killed":
            parent.send_signal(signal.SIGKILL)
        else:
            parent.stdin.close()
        parent.wait()
        assert ends(pid)


def test_a_fork_of_ours_does_not_end_it(toy):
    """A process that was forked from ours and ends leaves the conversation as it was."""
    searcher = toy()
    searcher.sample_configuration()
    end = searcher.partner.conversation._end
    child = os.fork()
    if child == 0:
        end()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert searcher.sample_configuration() is not None


# Any language


PERL = shutil.which("perl") and subprocess.run(["perl", "-MJSON::PP", "-e1"], capture_output=True).returncode == 0


@pytest.mark.skipif(not PERL, reason="needs perl with its core module JSON::PP")
@pytest.mark.parametrize("space", [RATE, MIXED], ids=["rate", "mixed"])
def test_random_search_in_perl(space):
    """The example in another language proposes the default, then all over the space, and repeats itself."""
    default = DEFAULT if space is MIXED else {"rate": 0.1 + 0.2}

    def proposals(seed):
        options = {"command": ["perl", "{root}/external/random_search.pl"], "initial_config": default}
        searcher, proposed = ExternalSearcher(space, rng=np.random.default_rng(seed), **options), []
        for _ in range(60):
            proposed.append(searcher.sample_configuration())
            searcher.update(proposed[-1], 0.5)
        assert set(searcher.versions) == {"perl-random", "perl"}
        return proposed

    one = proposals(1)
    assert one[0] == default
    assert one == proposals(1) != proposals(2)
    assert all(space.check(config) == config for config in one)
    places = np.array([space.encode(config) for config in one])
    assert places.min(axis=0).max() < 0.5 < places.max(axis=0).min()
    if space is MIXED:
        assert {len(config) for config in one} == {5, 6}


@pytest.mark.skipif(not PERL, reason="needs perl with its core module JSON::PP")
def test_perl_refuses_what_it_is_not():
    """What a program writes before it gives up is in the error."""
    command = ["perl", str(ROOT / "external" / "random_search.pl")]
    scheduler = ExternalScheduler(RATE, rng=np.random.default_rng(0), max_epochs=9, command=command)
    with pytest.raises(ExternalError, match=r"standard error: role scheduler: this is a searcher$"):
        scheduler.suggest()


def test_a_conversation_needs_no_searcher(program):
    """The lines alone: any object out, any object in."""
    echo = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
    talk = Conversation(program(echo), timeout=60)
    assert not talk.running
    assert talk.exchange({"op": "ask", "text": "\u00fc\n"}) == {"op": "ask", "text": "\u00fc\n"}
    assert talk.running
    talk.close()
    assert not talk.running
