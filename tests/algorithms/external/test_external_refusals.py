"""What is refused of the other side of a pipe: its wrong moves, and what cannot be started."""

import json
import math
import sys

import numpy as np
import pytest

from algorithms.external.external import ExternalScheduler, ExternalSearcher
from benchmark.errors import BadInput
from benchmark.suite.model import Budget
from benchmark.suite.parsing import parse
from benchmark.tuning.factory import check_suite
from benchmark.tuning.tuner import AlgorithmError, TuningLoop
from objectives.external import subprocess_client
from objectives.external.subprocess_client import ExternalError
from tests import ROOT
from tests.algorithms.external.worker import GOOD, MIXED, RATE, alive, process_of, says


def exhaust(searcher):
    for _ in range(3):
        searcher.sample_configuration()


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
    monkeypatch.setattr(subprocess_client, "GRACE_SECONDS", 0.5)
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


@pytest.mark.parametrize("values", ['"layers": 1.5', '"layers": 4', '"layers": 1, "batch": 3', '"activation": true'])
def test_whole_numbers_and_choices_are_strict(toy, values):
    """A whole number is one, a place is in the list, and a choice is no number where it is a text."""
    complete = '"rate": 0.5, "layers": 1, "batch": 0, "noise": 0.5, "activation": "relu", ' + values
    with pytest.raises(ExternalError, match="proposed an impossible configuration"):
        toy(says(CONFIG % f"{{{complete}}}"), space=MIXED).sample_configuration()


def test_whole_numbers_may_have_a_point(toy):
    """1.0 is the whole number 1, of a hyperparameter, a place and a choice, and 3.0 a fidelity."""
    config = '{"rate": 0.5, "layers": 1.0, "batch": 2.0, "noise": 0.5, "activation": 1.0}'
    scheduler = toy(says(f'\'{{"config": {config}, "max_epochs": 3.0}}\''), space=MIXED, role=ExternalScheduler)
    suggestion = scheduler.suggest()
    found = [suggestion[name] for name in ("layers", "batch", "activation", "max_epochs")]
    assert found == [1, 64, 1, 3]
    assert [type(value) for value in found] == [int] * 4


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
    monkeypatch.setattr(subprocess_client, "GRACE_SECONDS", 0.1)
    searcher = toy(says("time.sleep(600)"), timeout=5)
    assert searcher.lacks == {}
    pid = process_of(searcher).pid
    searcher.remote.client.timeout = 0.2
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


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_constants_that_python_alone_reads_are_no_json(name):
    """Python's own reader would take them; a line with one is answered as any other that is no JSON."""
    with pytest.raises(ValueError, match=f"^{name} is no JSON$"):
        json.loads(f'{{"value": {name}}}', parse_constant=subprocess_client._refuse_constant)
