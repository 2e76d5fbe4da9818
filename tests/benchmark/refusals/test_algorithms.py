"""Bad algorithms of a suite are refused."""

import sys

import pytest

from benchmark.cli.main import main
from benchmark.errors import parameters_of
from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS
from tests.benchmark.refusals.good import MISFITS, RUN, toml

HALVING = 'scheduler = { name = "successive_halving", '
ALGORITHMS = {
    "no table": ('"random"', ["algorithms.a = 'random': need a table [algorithms.a]"]),
    "empty": ("{}", ["algorithms.a: need a searcher, a scheduler or both"]),
    "typo": ('{ sercher = "random" }', ["algorithms.a.sercher: unknown key", 'did you mean "searcher"?']),
    "an option outside": ('{ searcher = "local", probab_local = 1 }', ["algorithms.a.probab_local: unknown key"]),
    "searcher number": ("{ searcher = 3 }", ["algorithms.a.searcher = 3: need a name or { name"]),
    "searcher list": ('{ searcher = ["random"] }', ["algorithms.a.searcher = ['random']: need a name"]),
    "searcher true": ("{ searcher = true }", ["algorithms.a.searcher = True: need a name"]),
    "searcher empty": ("{ searcher = {} }", ["algorithms.a.searcher = {}: need a name or { name"]),
    "searcher no name": ('{ searcher = "" }', ["algorithms.a.searcher = '': need a text"]),
    "searcher long": (f'{{ searcher = "{"x" * 301}" }}', ["algorithms.a.searcher", "need a text of 1 to 300"]),
    "searcher nameless": ("{ searcher = { probab_local = 1 } }", ["algorithms.a.searcher = {", "need a name"]),
    "searcher name 3": ("{ searcher = { name = 3 } }", ["algorithms.a.searcher.name = 3: need a text"]),
    "unknown": ('{ searcher = "randm" }', ["algorithms.a.searcher = 'randm': not one of", 'did you mean "random"?']),
    "unknown scheduler": (
        '{ scheduler = "sucessive_halving", searcher = "random" }',
        ["algorithms.a.scheduler = 'sucessive_halving': not one of basic", 'did you mean "successive_halving"?'],
    ),
    "scheduler as searcher": ('{ searcher = "basic" }', ["algorithms.a.searcher = 'basic': not one of random"]),
    "no searcher": ('{ scheduler = "basic" }', ["algorithms.a.searcher: the scheduler 'basic' needs a searcher"]),
    "halving without": ('{ scheduler = "successive_halving" }', ["algorithms.a.searcher", "needs a searcher"]),
    "probab 2": ('{ searcher = { name = "local", probab_local = 2 } }', ["probab_local = 2: need a number in [0, 1]"]),
    "probab -1": ('{ searcher = { name = "local", probab_local = -1 } }', ["probab_local = -1: need"]),
    "probab text": ('{ searcher = { name = "local", probab_local = "x" } }', ["probab_local = 'x': need"]),
    "probab nan": ('{ searcher = { name = "local", probab_local = nan } }', ["probab_local = nan: need a finite"]),
    "probab true": ('{ searcher = { name = "local", probab_local = true } }', ["probab_local = True: need"]),
    "probab list": ('{ searcher = { name = "local", probab_local = [] } }', ["probab_local = []: need"]),
    "random 0": ('{ searcher = { name = "local", num_init_random = 0 } }', ["num_init_random = 0: need"]),
    "random 1.5": ('{ searcher = { name = "local", num_init_random = 1.5 } }', ["num_init_random = 1.5: need"]),
    "random true": ('{ searcher = { name = "local", num_init_random = true } }', ["num_init_random = True: need"]),
    "typo in option": (
        '{ searcher = { name = "local", probab_locl = 1 } }',
        ["algorithms.a.searcher.probab_locl: unknown key", 'did you mean "probab_local"?'],
    ),
    "no options": ('{ searcher = { name = "random", seed = 1 } }', ["algorithms.a.searcher.seed: unknown key"]),
    "reserved rng": ('{ searcher = { name = "random", rng = 1 } }', ["algorithms.a.searcher.rng: reserved"]),
    "reserved space": ('{ searcher = { name = "local", config_space = {} } }', ["searcher.config_space: reserved"]),
    "reserved default": ('{ searcher = { name = "local", initial_config = {} } }', ["initial_config: reserved"]),
    "reserved searcher": (f'{{ {HALVING} searcher = 1 }}, searcher = "random" }}', ["scheduler.searcher: reserved"]),
    "reserved epochs": (f'{{ {HALVING} max_epochs = 1 }}, searcher = "random" }}', ["max_epochs: reserved"]),
    "levels 0": ('{ searcher = { name = "grid", levels = 0 } }', ["algorithms.a.searcher: levels = 0: need a whole"]),
    "levels more": ('{ searcher = { name = "grid", levels = 10000000 } }', ["levels = 10000000: need a whole number"]),
    "levels 2.0": ('{ searcher = { name = "grid", levels = 2.0 } }', ["levels = 2.0: need a whole number"]),
    "levels true": ('{ searcher = { name = "grid", levels = true } }', ["levels = True: need a whole number"]),
    "eta 1": (f'{{ {HALVING} eta = 1 }}, searcher = "random" }}', ["algorithms.a.scheduler: eta = 1: need a whole"]),
    "eta 2.5": (f'{{ {HALVING} eta = 2.5 }}, searcher = "random" }}', ["eta = 2.5: need a whole number in 2..100"]),
    "eta true": (f'{{ {HALVING} eta = true }}, searcher = "random" }}', ["eta = True: need"]),
    "r_min 0": (f'{{ {HALVING} r_min = 0 }}, searcher = "random" }}', ["r_min = 0: need a whole number in 1..9"]),
    "r_min > r_max": (f'{{ {HALVING} r_min = 5, r_max = 4 }}, searcher = "random" }}', ["r_min = 5: need", "1..4"]),
    "r_max > epochs": (f'{{ {HALVING} r_max = 10 }}, searcher = "random" }}', ["r_max = 10: need", "1..9"]),
    "prefact 0": (f'{{ {HALVING} prefact = 0 }}, searcher = "random" }}', ["prefact = 0: need a whole number"]),
    "scheduler's typo": (
        f'{{ {HALVING} etaa = 3 }}, searcher = "random" }}',
        ["algorithms.a.scheduler.etaa: unknown key", 'did you mean "eta"?'],
    ),
    "not importable": (
        '{ searcher = "no.such:Thing" }',
        ["algorithms.a.searcher = 'no.such:Thing': cannot be imported"],
    ),
    "no module": ('{ searcher = ":Thing" }', ["algorithms.a.searcher = ':Thing': cannot be imported"]),
    "dot": ('{ searcher = "." }', ["algorithms.a.searcher = '.': cannot be imported"]),
    "dots": ('{ searcher = "a..b" }', ["algorithms.a.searcher = 'a..b': cannot be imported"]),
    "relative": ('{ searcher = ".reader:LocalSearcher" }', ["cannot be imported", "relative import"]),
    "nul": ('{ searcher = "a\\u0000.b" }', ["cannot be imported"]),
    "no attribute": (f'{{ searcher = "{MISFITS}Missing" }}', ["cannot be imported", "no attribute 'Missing'"]),
    "empty attribute": (f'{{ searcher = "{MISFITS}" }}', ["cannot be imported"]),
    "path": ('{ searcher = "./misfits.py" }', ["cannot be imported"]),
    "not callable": (f'{{ searcher = "{MISFITS}NUMBER" }}', ["not a class or function"]),
    "a module": ('{ searcher = "os.path" }', ["algorithms.a.searcher = 'os.path': not a class or function"]),
    "no signature": (
        '{ searcher = "builtins:dict" }',
        ["algorithms.a.searcher: ", "need a class or function with named"],
    ),
    "no methods": (f'{{ searcher = "{MISFITS}NoMethods" }}', ["it has no method sample_configuration()"]),
    "no update": (f'{{ searcher = "{MISFITS}OnlySamples" }}', ["it has no method update()"]),
    "nothing made": (f'{{ searcher = "{MISFITS}nothing" }}', ["it has no method sample_configuration()"]),
    "scheduler no methods": (
        f'{{ scheduler = "{MISFITS}NoMethods", searcher = "random" }}',
        ["algorithms.a.scheduler = ", "it has no method suggest()"],
    ),
    "scheduler no update": (f'{{ scheduler = "{MISFITS}OnlySuggests" }}', ["it has no method update()"]),
    "searcher for none": (
        f'{{ scheduler = "{MISFITS}Alone", searcher = "random" }}',
        ["algorithms.a.searcher: the scheduler 'tests.benchmark.fakes.unusable_parts:Alone' takes no searcher"],
    ),
    "missing parameter": (
        f'{{ searcher = "{MISFITS}Demanding" }}',
        ["algorithms.a.searcher.wisdom: missing, and it has no default"],
    ),
    "positional": (f'{{ searcher = "{MISFITS}Positional" }}', ["algorithms.a.searcher: ", "positional"]),
    "raises runtime": (
        f'{{ searcher = {{ name = "{MISFITS}Raising", kind = "runtime" }} }}',
        ["algorithms.a.searcher: RuntimeError: two lines"],
    ),
    "raises key": (f'{{ searcher = {{ name = "{MISFITS}Raising", kind = "key" }} }}', ["searcher: KeyError"]),
    "raises assertion": (
        f'{{ searcher = {{ name = "{MISFITS}Raising", kind = "assertion" }} }}',
        ["searcher: AssertionError: two lines"],
    ),
    "raises exit": (f'{{ searcher = {{ name = "{MISFITS}Raising", kind = "exit" }} }}', ["SystemExit: gone"]),
    "open nan": (f'{{ searcher = {{ name = "{MISFITS}Open", x = nan }} }}', ["searcher.x = nan: need a finite number"]),
    "open inf": (
        f'{{ searcher = {{ name = "{MISFITS}Open", x = [1, -inf] }} }}',
        ["searcher.x[1] = -inf: need a finite"],
    ),
    "open nested": (f'{{ searcher = {{ name = "{MISFITS}Open", x.y = [{{ z = nan }}] }} }}', ["x.y[0].z = nan"]),
    "open huge": (f'{{ searcher = {{ name = "{MISFITS}Open", x = 0x{"f" * 5000} }} }}', ["searcher.x = an integer of"]),
    "open deep": (
        f'{{ searcher = {{ name = "{MISFITS}Open", x{".x" * 5000} = 1 }} }}',
        ["nested deeper than 20 levels"],
    ),
    "open rng": (f'{{ searcher = {{ name = "{MISFITS}Open", rng = 1 }} }}', ["searcher.rng: reserved"]),
    "open space": (f'{{ searcher = {{ name = "{MISFITS}Open", config_space = 1 }} }}', ["config_space: reserved"]),
}


LIBRARIES = {
    "not installed": ('{ searcher = "optuna" }', ["searcher = 'optuna': optuna is not installed", "'.[optuna]'"]),
    "pruner not installed": (
        '{ scheduler = "optuna", searcher = "random" }',
        ["algorithms.a.scheduler = 'optuna': optuna is not installed: pip install '.[optuna]'"],
    ),
    "with options": (
        '{ searcher = { name = "optuna", sampler = "tpe" } }',
        ["algorithms.a.searcher = 'optuna': optuna is not installed"],
    ),
    "under ours": (
        '{ scheduler = "asha", searcher = "cmaes", n_workers = 2 }',
        ["algorithms.a.searcher = 'cmaes': cmaes is not installed: pip install '.[cmaes]'"],
    ),
    "typo": ('{ searcher = "optuma" }', ["algorithms.a.searcher = 'optuma': not one of", 'did you mean "optuna"?']),
    "name of a sampler": ('{ searcher = "tpe" }', ["algorithms.a.searcher = 'tpe': not one of random"]),
}


@pytest.mark.parametrize("case", LIBRARIES)
def test_a_library_that_is_not_there_is_refused(refused, here, case, monkeypatch):
    """Before anything is written, and with the command that installs it."""
    monkeypatch.setattr("algorithms.interop.optional_method._version", lambda distribution: None)
    entry, fragments = LIBRARIES[case]
    (here / "bad.toml").write_text(toml({"algorithms": f"{{ a = {entry} }}"}))

    refused(["run", "bad.toml", "--jobs", "1"], *fragments)


ADAPTERS = {
    "unknown option": (
        '{ searcher = { name = "optuna", smapler = "tpe" } }',
        ["algorithms.a.searcher.smapler: unknown key, allowed are sampler", 'did you mean "sampler"?'],
    ),
    "unknown sampler": (
        '{ searcher = { name = "optuna", sampler = "tpi" } }',
        ["algorithms.a.searcher: sampler = 'tpi': not one of", "tpe"],
    ),
    "reserved": (
        '{ searcher = { name = "optuna", config_space = {} } }',
        ["algorithms.a.searcher.config_space: reserved, the harness supplies it"],
    ),
    "no number": (
        '{ scheduler = { name = "optuna", pruner = "patient", options = { patience = 2, min_delta = "1" } }, '
        'searcher = "random" }',
        ["algorithms.a.scheduler: options: min_delta = '1': need a number"],
    ),
    "pruner without": (
        '{ scheduler = "optuna" }',
        ["algorithms.a.searcher: the scheduler 'optuna' needs a searcher"],
    ),
    "searcher as scheduler": (
        '{ scheduler = "cmaes", searcher = "random" }',
        ["algorithms.a.scheduler = 'cmaes': not one of basic"],
    ),
}


@pytest.mark.libraries
@pytest.mark.parametrize("case", ADAPTERS)
def test_bad_options_of_a_library_are_refused(refused, here, loaded, case):
    """An adapter's options are checked as our own algorithms' are."""
    loaded(ALL_SEARCHERS["optuna"])
    entry, fragments = ADAPTERS[case]
    (here / "bad.toml").write_text(toml({"algorithms": f"{{ a = {entry} }}"}))

    refused(["run", "bad.toml", "--jobs", "1"], *fragments)


@pytest.mark.libraries
@pytest.mark.parametrize("name", sorted(set(ALL_SCHEDULERS) - {"basic"}))
def test_a_searcher_where_none_or_one_is_needed(refused, here, loaded, name):
    """Every scheduler that brings its own searcher refuses another, and every other one refuses to be without."""
    takes_searcher = "searcher" in parameters_of(name, loaded(ALL_SCHEDULERS[name]))
    searcher = "" if takes_searcher else ', searcher = "random"'
    entry = f'{{ scheduler = "{name}"{searcher} }}'
    (here / "bad.toml").write_text(toml({"algorithms": f"{{ a = {entry} }}"}))

    need = "needs a searcher" if takes_searcher else "takes no searcher"
    refused(["run", "bad.toml", "--jobs", "1"], f"algorithms.a.searcher: the scheduler '{name}' {need}")


def test_a_table_that_does_not_come_is_refused(refused, here):
    """Harvest writes no table of one objective when there is nothing recorded of another, or it is damaged."""
    both = ["--set", "objectives.hartmann6={}"]
    assert main([*RUN, "--device", "cpu", "--quiet"]) == 0

    refused(["harvest", "good.toml", *both], "results/good: nothing is recorded of hartmann6; run the suite first")
    (here / "results/good/offline").touch()
    refused(["harvest", "good.toml"], "--out 'results/good/offline'", "is a file, need a folder")
    (here / "results/good/offline").unlink()
    assert main([*RUN, "--device", "cpu", "--quiet", *both]) == 0
    ledger = here / "results/good/runs/hartmann6/plain/000.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-20])
    refused(["harvest", "good.toml", *both], "hartmann6/plain/000.jsonl: cut short at byte")


@pytest.mark.parametrize("case", ALGORITHMS)
def test_a_bad_algorithm_is_refused(refused, here, case):
    """Names, options, searchers without schedulers, and third-party classes."""
    entry, fragments = ALGORITHMS[case]
    changes = {"objectives": "{ branin = { epochs = 9 } }", "algorithms": f"{{ a = {entry} }}"}
    (here / "bad.toml").write_text(toml(changes))

    refused(["run", "bad.toml", "--jobs", "1"], "algorithms.a", *fragments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def", "SyntaxError: invalid syntax"),
        ("raise SystemExit('gone')", "SystemExit: gone"),
        ("import no_such_module_at_all", "No module named 'no_such_module_at_all'"),
        ("raise ValueError('two\\nlines')", "ValueError: two lines"),
        ("\0", "null bytes"),
    ],
    ids=["divides", "syntax", "exits", "imports", "lines", "nul"],
)
def test_a_module_that_cannot_be_imported_is_refused(refused, tmp_path, here, monkeypatch, text, message):
    """Importing third-party code runs it: whatever it raises is said in one line."""
    (tmp_path / "broken_module.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (here / "bad.toml").write_text(toml({"algorithms": '{ a = { searcher = "broken_module:Thing" } }'}))

    refused(
        ["run", "bad.toml", "--jobs", "1"], "algorithms.a.searcher = 'broken_module:Thing': cannot be imported", message
    )
