"""Entering a method: it meets the field's tasks and seeds, and what is printed of it is true."""

import sys

import pandas as pd
import pytest

from benchmark.arena.field.field_file import read_field, write_field
from benchmark.reproducibility.source_digests import forget_digests
from tests.benchmark.arena.toy_arena import call, make_field, write_suite

HERE = "tests.benchmark.arena.searchers"
QUIET = ("--jobs", "1", "--quiet")
TOY = ("--suite", "./toy.toml", "--field", "field.npz", *QUIET)


def tables_of(folder, label):
    """The tables that the latest entered method of a label has left."""
    paths = sorted(
        folder.glob(f"results/entered/{label}-*/standing/methods.csv"), key=lambda path: path.stat().st_mtime
    )
    return {name: pd.read_csv(paths[-1].with_name(f"{name}.csv")) for name in ("methods", "tasks", "ranks")}


def test_random_search_entered_again_is_the_fields_own(toy, capsys):
    """The field's random search comes out the same to the bit: all differences are 0, and no claim is made."""
    assert call("enter", "random", *TOY) == 0

    out = capsys.readouterr().out
    assert "all runs are those of random to the bit\nall differences from it are 0" in out
    methods = tables_of(toy, "random")["methods"].set_index("method")
    assert methods.loc["random", "equal_runs"] == 6
    assert methods.loc["random", "win_rate"] == 0.5
    assert methods.loc["random", ["better", "worse", "no claim"]].tolist() == [0, 0, 2]


@pytest.mark.slow
def test_another_random_searcher_is_not_the_fields(toy, capsys):
    """A class that draws at random too has its own streams; it equals no run of the field."""
    assert call("enter", f"{HERE}:Plain", *TOY) == 0
    assert "to the bit" not in capsys.readouterr().out
    assert (tables_of(toy, "plain")["methods"]["equal_runs"] == 0).all()


@pytest.mark.slow
def test_a_second_call_goes_on_with_what_is_recorded(toy, capsys):
    """The same method again trains nothing and prints the same but for measured seconds."""
    assert call("enter", f"{HERE}:Plain,shrink=0.3", *TOY, "--tasks", "branin") == 0
    first = capsys.readouterr().out
    ledgers = sorted(toy.glob("results/entered/plain-*/runs/branin/*/*.jsonl"))
    times = [path.stat().st_mtime_ns for path in ledgers]
    assert call("enter", f"{HERE}:Plain,shrink=0.3", *TOY, "--tasks", "branin") == 0
    assert capsys.readouterr().out == first
    assert [path.stat().st_mtime_ns for path in ledgers] == times


def test_tasks_and_repetitions_may_be_fewer(toy, capsys):
    """A part of the arena is entered, and what is left out is named."""
    assert call("enter", "sobol", *TOY, "--tasks", "hartmann", "--repetitions", "2") == 0
    out = capsys.readouterr().out
    assert "1 task x 2 repetitions" in out
    assert "left out: branin" in out


@pytest.mark.slow
def test_edited_code_is_another_method(toy, capsys):
    """A class that was edited runs anew; results of the old one stay beside."""
    text = f"from {HERE} import Plain\n\nclass Mine(Plain):\n    pass\n"
    (toy / "mine_edited.py").write_text(text)
    assert call("enter", "mine_edited:Mine", *TOY, "--tasks", "branin") == 0
    (toy / "mine_edited.py").write_text(text.replace("pass", "changed = 1"))
    del sys.modules["mine_edited"]
    forget_digests()
    assert call("enter", "mine_edited:Mine", *TOY, "--tasks", "branin") == 0
    assert len(list(toy.glob("results/entered/mine-*"))) == 2
    capsys.readouterr()


def test_a_method_that_raises_is_ranked_last_and_named(toy, capsys):
    """Failed runs have no result any more: they are counted, lose everything, and the exit code says so."""
    assert call("enter", f"{HERE}:Raising", *TOY, "--no-check") == 1
    out = capsys.readouterr().out
    assert "6 of 6 runs are failed" in out
    assert "rank 4 of 4" in out


def test_a_class_that_no_comparison_can_rely_on_is_refused(toy, capsys):
    """What the quick part of `check` finds is refused before anything runs, with what the class did."""
    before = sorted(toy.glob("results/entered/*"))
    assert call("enter", f"{HERE}:Raising", *TOY) == 2
    assert "out of ideas" in capsys.readouterr().err
    assert sorted(toy.glob("results/entered/*")) == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("enter", "rendom", *TOY), 'did you mean "random"'),
        (("enter", "random", *TOY, "--tasks", "brannin"), 'did you mean "branin"'),
        (("enter", "random", *TOY, "--repetitions", "4"), "--repetitions 4: the field has 3"),
        (("enter", "random", "--suite", "./toy.toml", "--field", "no.npz"), "--field no.npz: there is no such file"),
        (("enter", "random", "--suite", "./toy.toml"), "field of suite toy"),
        (("enter", "local", *TOY, "--sweep", "num_init_random=3"), "need option=value"),
        (("enter", "local", *TOY, "--sweep", "number=3,4"), "number"),
    ],
)
def test_a_refusal_writes_nothing(toy, capsys, words, message):
    """Bad input has exit code 2, names what is allowed, and leaves no folder."""
    before = sorted(toy.glob("results/entered/*"))
    assert call(*words) == 2
    assert message in capsys.readouterr().err
    assert sorted(toy.glob("results/entered/*")) == before


def test_other_data_than_the_fields_is_refused(toy, tmp_path, capsys):
    """A task whose data has another digest than when the field was made is refused with the remedy."""
    field = read_field(toy / "field.npz")
    field.header["objectives"][0]["data"] = {"table": "0" * 64}
    write_field(tmp_path / "other.npz", field)
    assert call("enter", "random", "--suite", "./toy.toml", "--field", tmp_path / "other.npz", *QUIET) == 2
    assert "objectives.branin: its data here is nothing" in capsys.readouterr().err


def test_another_suite_than_the_fields_is_refused(toy, capsys):
    """A method is not paired with runs of another budget."""
    path = write_suite(toy, runtime=9.0, name="longer")
    assert call("enter", "random", "--suite", path, "--field", "field.npz", *QUIET) == 2
    assert "budget" in capsys.readouterr().err


@pytest.mark.slow
def test_a_sweep_has_common_random_numbers(toy, capsys):
    """Values of an option that changes nothing give the same runs, and so the same line each."""
    assert call("enter", f"{HERE}:Plain", *TOY, "--sweep", "shrink=0.25,0.75") == 0
    out = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in out] == ["shrink", "0.25", "0.75"]
    assert out[1].split()[4:6] == out[2].split()[4:6]
    assert out[2].endswith("0 / 0")


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """A field of four tasks and twelve repetitions."""
    folder = tmp_path_factory.mktemp("larger")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_field(folder, tasks=4, repetitions=12, runtime=12.0)
    return folder


@pytest.mark.slow
def test_a_bad_searcher_ranks_last(larger, monkeypatch, capsys):
    """A searcher that never leaves a corner is last, and worse than random search on every task."""
    monkeypatch.chdir(larger)
    assert call("enter", f"{HERE}:Stuck", *TOY, "--no-check") == 0
    assert "rank 4 of 4" in capsys.readouterr().out
    assert set(tables_of(larger, "stuck")["tasks"]["against_control"]) == {"worse"}


@pytest.mark.slow
def test_a_planted_better_searcher_is_found(larger, monkeypatch, capsys):
    """A searcher with an oracle ranks first, is better than random search on every task, and has a page."""
    monkeypatch.chdir(larger)
    assert call("enter", f"{HERE}:Planted,gain=50", *TOY, "--no-check", "--report") == 0
    out = capsys.readouterr().out
    assert "rank 1 of 4" in out
    tables = tables_of(larger, "planted")
    assert set(tables["tasks"]["against_control"]) == {"better"}
    assert tables["methods"].set_index("method").loc["random", "win_rate"] > 0.8
    page = next(larger.glob("results/entered/planted-*/standing/index.html")).read_text()
    assert page.count("<img") == 4
    assert "rank 1 of 4" in page


@pytest.mark.slow
@pytest.mark.libraries
def test_a_copy_of_a_librarys_method_ranks_with_it(tmp_path, monkeypatch, capsys):
    """Optuna's TPE by dotted path has other streams than the field's; no difference is claimed on any task."""
    pytest.importorskip("optuna")
    monkeypatch.chdir(tmp_path)
    algorithms = (
        'algorithms.random.searcher = "random"\nalgorithms.tpe.searcher = { name = "optuna", sampler = "tpe" }\n'
    )
    make_field(tmp_path, tasks=4, repetitions=8, runtime=15.0, algorithms=algorithms)
    copy = "algorithms.adapters.optuna_samplers:OptunaSearcher,sampler=tpe"
    assert call("enter", copy, *TOY, "--no-check") == 0
    capsys.readouterr()
    methods = tables_of(tmp_path, "optunasearcher")["methods"].set_index("method")
    assert methods.loc["tpe", ["better", "worse", "no claim"]].tolist() == [0, 0, 4]
    assert 0.25 < methods.loc["tpe", "win_rate"] < 0.75
    assert methods.loc["tpe", "equal_runs"] == 0

    assert call("enter", "optuna,sampler=tpe", *TOY) == 0
    assert "all runs are those of tpe to the bit" in capsys.readouterr().out
