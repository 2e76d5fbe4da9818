"""`harvest`: the tables that it writes and names."""

from benchmark.cli.main import main
from tests.benchmark.cli.tiny_suite import RUN


def test_harvest_names_what_it_wrote(study, capsys):
    """A line for each table, in the suite's results or in the folder asked for; nothing else is written."""
    main([*RUN, "--quiet"])
    before = set(study.rglob("*"))

    assert main(["harvest", "tiny.toml"]) == 0
    assert main(["harvest", "tiny.toml", "--out", "a/b"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("results/tiny/offline/branin.npz: ")
    assert first.partition(": ")[2] == second.partition(": ")[2]
    assert "configurations x 2 repetitions, " in first
    written = set(study.rglob("*")) - before
    assert {str(path.relative_to(study)) for path in written if path.is_file()} == {
        "results/tiny/offline/branin.npz",
        "a/b/branin.npz",
    }
