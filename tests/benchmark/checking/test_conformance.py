"""Classes with planted faults: each is found by the property that names it, and habits that do no harm pass."""

import json

import pytest

from benchmark.checking.checklist import CHECKLIST, QUICK
from benchmark.checking.conformance import check_subject
from benchmark.checking.named_subject import name_subject
from benchmark.cli.main import main

PLANTED = "tests.benchmark.fakes.planted:"
FAULTS = {
    "OutOfBounds": ("bounds", "rate = 100000.0: outside [0.0001, 1.0]"),
    "MissesAName": ("bounds", "rate: missing from configuration"),
    "Unseeded": ("seed", "when it was built again with the same seed"),
    "FixedSeed": ("seed", "proposed the same 16 configurations with another seed"),
    "ReadsTheClock": ("seed", "when it was built again with the same seed"),
    "SharesAList": ("interleaved", "beside another search in the same process"),
    "ChangesWhatItIsTold": ("arguments", "changed the configuration it was told"),
    "RaisesOnInf": ("failed", "error=inf"),
    "DividesByTheSpread": ("tied", "ZeroDivisionError"),
    "NothingForEver": ("built", "its first proposal is None"),
    "NothingAtTimes": ("end", "proposed None after"),
    "WrongUpdate": ("bounds", "unexpected keyword argument 'additional_info'"),
    "NoInformation": ("bounds", "unexpected keyword argument 'additional_info'"),
    "WrongConstructor": ("built", "bounds: missing, and it has no default"),
    "NeedsUpdateOrder": ("workers", "update() is not about the last proposal"),
    "WantsEveryName": ("conditions", "KeyError: 'width_3'"),
    "LogarithmOfTheError": ("maximised", "math domain error"),
    "WantsInformation": ("information", "'NoneType' object is not subscriptable"),
    "AboveTheTop": ("fidelity", "max_epochs = 10: need a whole number in 1..9"),
    "Stops": ("end", "although its searcher never ends"),
}
"""What breaks a comparison: the property that it lacks, and what the class did."""
HABITS = {
    "NumpyTypes": ("native", "numpy.float64"),
    "GlobalGenerator": ("global_state", "drew from the global generator of numpy"),
    "Prints": ("output", "printed 'error"),
    "KeepsAFileOpen": ("handles", "planted.py"),
}
"""What is advised against."""


def find(name, *properties):
    """The findings of some properties of a planted class, by name."""
    subject = name_subject(PLANTED + name, None, {})
    chosen = [each for each in CHECKLIST if each.name in properties]
    return {each.name: each for each in check_subject(subject, chosen)}


IN_THE_FAST_TIER = {"Unseeded", "RaisesOnInf", "WrongConstructor", "NeedsUpdateOrder"}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in IN_THE_FAST_TIER else pytest.mark.slow) for name in FAULTS]
)
def test_a_planted_fault_is_found(name):
    """The property is missed, in words that say what the class did."""
    missed, did = FAULTS[name]
    found = find(name, missed)[missed]
    assert found.state == "no"
    assert did in found.did
    assert found.remedy


@pytest.mark.slow
@pytest.mark.parametrize("name", HABITS)
def test_a_habit_that_does_no_harm_is_advice(name):
    """It costs no result, and the class is told what would be better."""
    missed, did = HABITS[name]
    found = find(name, missed, "seed", "bounds")
    assert found[missed].state == "advice"
    assert did in found[missed].did
    assert (found["seed"].state, found["bounds"].state) == ("yes", "yes")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Shrink", "Twice"])
def test_a_sound_class_has_every_property(name):
    """A searcher and a scheduler without a fault pass everything that needs no other process."""
    names = [each.name for each in CHECKLIST if each.check is not None]
    assert {each.state for each in find(name, *names).values()} == {"yes"}


def test_what_follows_from_a_fault_refers_to_it():
    """A class with one fault is told of it once."""
    found = find("OutOfBounds", "bounds", "workers", "tied")
    assert (found["bounds"].like, found["workers"].like, found["tied"].like) == ("", "bounds", "bounds")


def test_what_is_looked_at_before_a_comparison_is_needed():
    """The quick part has no advice, and needs no other process."""
    assert QUICK
    assert all(each.needed and each.check is not None for each in QUICK)


@pytest.mark.slow
def test_the_hash_of_a_text_is_found_by_a_fresh_process(capsys):
    """The command says so as JSON and by its exit code; a sound class passes there."""
    assert main(["check", PLANTED + "HashesNames", "--json", "--seconds", "300"]) == 1
    report = json.loads(capsys.readouterr().out)
    missed = {each["name"]: each["did"] for each in report["properties"] if each["state"] == "no"}
    assert list(missed) == ["process"]
    assert "in a fresh process" in missed["process"]
    assert main(["check", PLANTED + "Shrink", "--set", "shrink=0.5", "--seconds", "300"]) == 0
    assert "26 of 26 properties hold" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody"], "NAME = 'nobody': not one of random"),
        ([PLANTED + "Nobody"], "has no attribute 'Nobody'"),
        ([PLANTED + "Shrink", "--set", "shrnik=0.5"], "--set.shrnik: unknown key, allowed are shrink (did you mean"),
        ([PLANTED + "Shrink", "--role", "seeker"], "--role = 'seeker': not one of searcher, scheduler"),
    ],
)
def test_bad_input_is_refused(capsys, words, message):
    """One message, and exit code 2."""
    assert main(["check", *words]) == 2
    assert message in capsys.readouterr().err
