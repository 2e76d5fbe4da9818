"""The other side of a pipe: what is said, by programs in this language and another."""

import json
import math
import shutil
import subprocess

import numpy as np
import pytest
from scipy import stats

from algorithms.external.external import ExternalScheduler, ExternalSearcher
from benchmark.checking.subject import drive
from benchmark.suite.model import Budget
from objectives.external.subprocess_client import ExternalError, SubprocessClient
from objectives.space import FIDELITY
from tests import ROOT
from tests.algorithms.driving import proposals, seed_of
from tests.algorithms.external.worker import DEFAULT, GOOD, MIXED, RATE, says


def messages(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_beginning_describes_the_run(toy, tmp_path):
    """The first message holds all that a searcher of ours is given, in coordinates that any language knows."""
    searcher = toy(space=MIXED, initial_config=DEFAULT, options={"log": str(tmp_path / "log"), "eta": 3})
    assert searcher.sample_configuration() == DEFAULT
    (begin, ask) = messages(tmp_path / "log")
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
        "seed": seed_of(0),
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
    one, two, other = (proposals(toy(seed=seed), 10, lambda config: 0.5) for seed in (1, 1, 2))
    assert one == two != other


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
    """A null configuration is None, and the client goes on."""
    algorithm = toy(says(*["'{\"config\": null}'"] * 2, "'{}'"), role=role)
    ask = algorithm.suggest if role is ExternalScheduler else algorithm.sample_configuration
    assert [ask(), ask()] == [None, None]
    algorithm.update({"rate": 0.5}, 0.5)


def test_it_runs_below_the_tuning_loop(toy):
    """A scheduler in another process under three workers, results out of order."""
    scheduler = toy(role=ExternalScheduler, initial_config={"rate": 0.5})
    jobs, *_ = drive(scheduler, RATE, lambda job: 0.5, budget=Budget(evaluations=12), n_workers=3)
    assert [job.epochs for job in jobs] == [1, 2, 3] * 4
    assert jobs[0].suggestion == {"rate": 0.5, FIDELITY: 1}


def test_a_conversation_needs_no_searcher(program):
    """The lines alone: any object out, any object in."""
    echo = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
    talk = SubprocessClient(program(echo), timeout=60)
    assert not talk.running
    assert talk.exchange({"op": "ask", "text": "\u00fc\n"}) == {"op": "ask", "text": "\u00fc\n"}
    assert talk.running
    talk.close()
    assert not talk.running


# Any language


PERL = shutil.which("perl") and subprocess.run(["perl", "-MJSON::PP", "-e1"], capture_output=True).returncode == 0


@pytest.mark.skipif(not PERL, reason="needs perl with its core module JSON::PP")
@pytest.mark.parametrize("space", [RATE, MIXED], ids=["rate", "mixed"])
def test_random_search_in_perl(space):
    """The example in another language proposes the default, then all over the space, and repeats itself."""
    default = DEFAULT if space is MIXED else {"rate": 0.1 + 0.2}

    def proposed(seed):
        options = {"command": ["perl", "{root}/algorithms/external/random_search.pl"], "initial_config": default}
        searcher = ExternalSearcher(space, rng=np.random.default_rng(seed), **options)
        found = proposals(searcher, 60, lambda config: 0.5)
        assert set(searcher.versions) == {"perl-random", "perl"}
        return found

    one = proposed(1)
    assert one[0] == default
    assert one == proposed(1) != proposed(2)
    assert all(space.check(config) == config for config in one)
    places = np.array([space.encode(config) for config in one])
    assert places.min(axis=0).max() < 0.5 < places.max(axis=0).min()
    if space is MIXED:
        assert {len(config) for config in one} == {5, 6}


@pytest.mark.skipif(not PERL, reason="needs perl with its core module JSON::PP")
def test_perl_refuses_what_it_is_not():
    """What a program writes before it gives up is in the error."""
    command = ["perl", str(ROOT / "algorithms" / "external" / "random_search.pl")]
    scheduler = ExternalScheduler(RATE, rng=np.random.default_rng(0), max_epochs=9, command=command)
    with pytest.raises(ExternalError, match=r"standard error: role scheduler: this is a searcher$"):
        scheduler.suggest()
