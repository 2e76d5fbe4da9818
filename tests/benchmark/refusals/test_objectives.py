"""Bad objectives of a suite are refused."""

import pytest

from tests.benchmark.refusals.good import MISFITS, toml

SEGMENT = "objectives.a"
OBJECTIVES = {
    "no table": ('"branin"', ["objectives.a = 'branin': need a table [objectives.a]"]),
    "a list": ("[{}]", ["objectives.a = [{}]: need a table"]),
    "unknown": ('{ name = "lenett" }', ["objectives.a.name = 'lenett': not one of softmax", 'did you mean "lenet"?']),
    "its label": ("{}", ["objectives.a.name = 'a': not one of softmax, lenet"]),
    "no name": ('{ name = "" }', ["objectives.a.name = '': need a text"]),
    "number": ("{ name = 3 }", ["objectives.a.name = 3: need a text"]),
    "long name": (f'{{ name = "{"x" * 301}" }}', ["objectives.a.name = 'xxx", "need a text of 1 to 300"]),
    "option": ('{ name = "lenet", epoch = 3 }', ["objectives.a.epoch: unknown key", 'did you mean "epochs"?']),
    "no option of its own": (
        '{ name = "branin", data = "digits" }',
        ["objectives.a.data: unknown key, allowed are noise"],
    ),
    "epochs 0": ('{ name = "lenet", epochs = 0 }', ["objectives.a: epochs = 0: need a whole number in 1..10000"]),
    "epochs 1.5": ('{ name = "lenet", epochs = 1.5 }', ["objectives.a: epochs = 1.5: need"]),
    "epochs text": ('{ name = "lenet", epochs = "x" }', ["objectives.a: epochs = 'x': need"]),
    "epochs true": ('{ name = "lenet", epochs = true }', ["objectives.a: epochs = True: need"]),
    "epochs nan": ('{ name = "lenet", epochs = nan }', ["objectives.a.epochs = nan: need a finite number"]),
    "epochs many": ('{ name = "lenet", epochs = 10001 }', ["objectives.a: epochs = 10001: need"]),
    "epochs huge": ('{ name = "lenet", epochs = 0xffffffffffffffffff }', ["objectives.a.epochs = ", "64 bits"]),
    "split": ('{ name = "lenet", split = "boook" }', ["objectives.a: split = 'boook': not one of standard, book"]),
    "split true": ('{ name = "lenet", split = true }', ["objectives.a: split = True: not one of"]),
    "data": (
        '{ name = "lenet", data = "digitz" }',
        ["objectives.a: data = 'digitz': not one of digits, fashion_mnist"],
    ),
    "data list": ('{ name = "lenet", data = ["digits"] }', ["objectives.a: data = ['digits']: not one of"]),
    "folds 1": ('{ name = "lenet", folds = 1 }', ["objectives.a: folds = 1: need a whole number in 2..100"]),
    "folds 0": ('{ name = "lenet", folds = 0 }', ["objectives.a: folds = 0: need"]),
    "folds true": ('{ name = "lenet", folds = true }', ["objectives.a: folds = True: need"]),
    "folds text": ('{ name = "lenet", folds = "x" }', ["objectives.a: folds = 'x': need"]),
    "folds many": ('{ name = "lenet", folds = 101 }', ["objectives.a: folds = 101: need"]),
    "folds and book": ('{ name = "lenet", folds = 5, split = "book" }', ["objectives.a: folds: not with split"]),
    "noise -1": ('{ name = "branin", noise = -1 }', ["objectives.a: noise = -1: need a number >= 0"]),
    "noise nan": ('{ name = "branin", noise = nan }', ["objectives.a.noise = nan: need a finite number"]),
    "noise inf": ('{ name = "branin", noise = inf }', ["objectives.a.noise = inf: need a finite number"]),
    "noise true": ('{ name = "branin", noise = true }', ["objectives.a: noise = True: need"]),
    "noise text": ('{ name = "hartmann6", noise = "x" }', ["objectives.a: noise = 'x': need"]),
    "not importable": (
        '{ name = "no.such:Thing" }',
        ["objectives.a.name = 'no.such:Thing': cannot be imported", "'no'"],
    ),
    "no attribute": (f'{{ name = "{MISFITS}None" }}', ["cannot be imported", "no attribute 'None'"]),
    "no objective": (f'{{ name = "{MISFITS}NoMethods" }}', ["is not an objectives.objective.Objective"]),
    "unprintable": (f'{{ name = "{MISFITS}unprintable" }}', ["is not an objectives.objective.Objective"]),
    "nothing": (f'{{ name = "{MISFITS}nothing" }}', ["None is not an objectives.objective.Objective"]),
    "abstract": (f'{{ name = "{MISFITS}Abstract" }}', ["objectives.a: ", "abstract class Abstract"]),
    "odd space": (f'{{ name = "{MISFITS}Odd", odd = "space" }}', ["objectives.a: space = {", "objectives.space.Space"]),
    "no space": (f'{{ name = "{MISFITS}Odd", odd = "raises" }}', ["objectives.a.name", "RuntimeError: no space here"]),
    "odd epochs": (
        f'{{ name = "{MISFITS}Odd", odd = "epochs" }}',
        ["objectives.a: max_epochs = 0: need a whole number"],
    ),
    "odd chance": (f'{{ name = "{MISFITS}Odd", odd = "chance" }}', ["objectives.a: chance_error = nan: need a finite"]),
    "odd best": (
        f'{{ name = "{MISFITS}Odd", odd = "best" }}',
        ["objectives.a: best_error = 2.0: need a finite", "below"],
    ),
    "odd default": (f'{{ name = "{MISFITS}Odd", odd = "default" }}', ["objectives.a.name", "x = 2.0: outside"]),
    "third-party option": (
        f'{{ name = "{MISFITS}Odd", od = 1 }}',
        ["objectives.a.od: unknown key", 'did you mean "odd"?'],
    ),
}


@pytest.mark.parametrize("case", OBJECTIVES)
def test_a_bad_objective_is_refused(refused, here, case):
    """Names, options and third-party classes."""
    entry, fragments = OBJECTIVES[case]
    (here / "bad.toml").write_text(toml({"objectives": f"{{ a = {entry} }}"}))

    refused(["run", "bad.toml", "--jobs", "1"], "bad.toml" if case in ("no table", "a list") else "", *fragments)


def test_missing_data_is_refused(refused, here):
    """An empty data folder does not hold Fashion-MNIST; the message says how to get it there."""
    (here / "data").mkdir()
    (here / "bad.toml").write_text(toml({"objectives": '{ lenet = { data = "fashion_mnist" } }'}))

    refused(
        ["run", "bad.toml", "--jobs", "1", "--data", "data"], "fashion_mnist: not found in", "put the four unpacked"
    )
