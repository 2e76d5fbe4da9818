"""What a user may enter, and how it becomes the entry of a suite."""

import pytest

from benchmark.arena.entrant import read_entrant, with_option
from benchmark.arena.standing.sweep import parse_sweep
from benchmark.errors import BadInput

PLAIN = "tests.benchmark.arena.searchers:Plain"
SCHEDULER = "tests.benchmark.arena.searchers:Halving"
FIELD = {
    "random": {
        "scheduler": {"name": "basic", "options": {}},
        "searcher": {"name": "random", "options": {}},
        "n_workers": 1,
    },
    "Plain": {"scheduler": {"name": "asha", "options": {}}, "searcher": None, "n_workers": 1},
}


def parts(text):
    """Label, scheduler with options, searcher with options."""
    entry = read_entrant(text, FIELD).entry
    searcher = entry.searcher and (entry.searcher.name, dict(entry.searcher.options))
    return entry.label, (entry.scheduler.name, dict(entry.scheduler.options)), searcher


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sobol", ("sobol", ("basic", {}), ("sobol", {}))),
        ("local,num_init_random=5", ("local", ("basic", {}), ("local", {"num_init_random": 5}))),
        ("optuna,sampler=tpe", ("optuna", ("basic", {}), ("optuna", {"sampler": "tpe"}))),
        ('optuna,sampler="tpe"', ("optuna", ("basic", {}), ("optuna", {"sampler": "tpe"}))),
        ("tpe", ("tpe", ("basic", {}), ("optuna", {"sampler": "tpe"}))),
        ("asha,eta=4", ("asha", ("asha", {"eta": 4}), ("random", {}))),
        (f"{PLAIN},shrink=0.8", ("Plain-entered", ("basic", {}), (PLAIN, {"shrink": 0.8}))),
        (PLAIN.replace(":", "."), ("Plain-entered", ("basic", {}), (PLAIN.replace(":", "."), {}))),
        (SCHEDULER, ("Halving", (SCHEDULER, {}), ("random", {}))),
        (
            'external,command=["python", "mine.py"]',
            ("external", ("basic", {}), ("external", {"command": ["python", "mine.py"]})),
        ),
        (
            '{ scheduler = { name = "hyperband", eta = 4 }, searcher = "kde" }',
            ("hyperband-kde", ("hyperband", {"eta": 4}), ("kde", {})),
        ),
    ],
)
def test_what_is_entered_becomes_an_entry(text, expected):
    """Names, dotted paths, options and TOML give the parts that a suite would have."""
    assert parts(text) == expected


def test_a_method_of_the_field_gets_its_label_there():
    """The same parts have the same label, and so the same streams of random numbers."""
    entrant = read_entrant("random", FIELD)
    assert (entrant.entry.label, entrant.name) == ("random", "random (entered)")


def test_a_file_holds_one_table_of_a_suite(tmp_path):
    """A method may be in a file, as a suite has it; two of them are refused."""
    path = tmp_path / "mine.toml"
    path.write_text('[algorithms.mine]\nsearcher = { name = "local", num_init_random = 4 }\n')
    assert parts(str(path)) == ("mine", ("basic", {}), ("local", {"num_init_random": 4}))

    path.write_text('algorithms.mine.searcher = "local"\nalgorithms.other.searcher = "sobol"\n')
    with pytest.raises(BadInput, match="need exactly one table"):
        read_entrant(str(path), FIELD)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rendom", 'did you mean "random"'),
        ("", "need a registered name"),
        ("local,5", "is no option=value"),
        ("no_such_module:Thing", "cannot be imported"),
        ("tests.benchmark.arena.searchers:Plan", 'did you mean "Plain"'),
        ("{ searcher = ", "not valid TOML"),
        ("{ sercher = 'random' }", "sercher"),
        ("missing.toml", "there is no such file"),
    ],
)
def test_what_cannot_be_entered_is_refused(text, message):
    """A refusal names what is wrong, with the nearest match."""
    with pytest.raises(BadInput, match=message):
        read_entrant(text, FIELD)


def test_a_value_of_a_sweep_changes_the_option_and_not_the_label():
    """All values search with the same streams, for these are keyed by the label."""
    entrant = read_entrant(PLAIN, FIELD)
    changed = with_option(entrant, "shrink", 0.9)
    assert changed.entry.searcher.options == {"shrink": 0.9}
    assert changed.entry.label == entrant.entry.label
    assert changed.name != entrant.name


def test_a_sweep_may_be_of_the_scheduler_or_of_its_searcher():
    """A scheduler's own option is meant unless the searcher's is named."""
    entrant = read_entrant("asha", FIELD)
    assert with_option(entrant, "eta", 4).entry.scheduler.options == {"eta": 4}
    assert with_option(entrant, "searcher.seed", 4).entry.searcher.options == {"seed": 4}
    with pytest.raises(BadInput, match=r"searcher\.option"):
        with_option(entrant, "tuner.seed", 4)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("shrink=0.5,0.8", ("shrink", [0.5, 0.8])),
        ("sampler=tpe,gp", ("sampler", ["tpe", "gp"])),
        ("searcher.n=1,2,3", ("searcher.n", [1, 2, 3])),
        ("layers=[1, 2],[3]", ("layers", [[1, 2], [3]])),
    ],
)
def test_a_sweep_has_an_option_and_values(text, expected):
    """Values are TOML, or texts."""
    assert parse_sweep(text) == expected


@pytest.mark.parametrize("text", ["shrink", "shrink=0.5", "=1,2", "shrink=1,1"])
def test_a_sweep_of_another_form_is_refused(text):
    """One value, or the same twice, is no sweep."""
    with pytest.raises(BadInput, match="need option=value"):
        parse_sweep(text)
