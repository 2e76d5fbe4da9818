"""Third-party algorithms that suggest the impossible or raise: their run fails in words, no other one does."""

import json

import pytest

from benchmark.cli.main import main
from tests.benchmark.fakes.hostile import SUGGESTIONS

SEARCHER = "tests.benchmark.fakes.hostile:HostileSearcher"
CASES = {name.replace("*", "").replace(" ", "-").lower(): name for name in SUGGESTIONS}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """One suite of all hostile searchers, and a good one, in one process: exit code, errors and the runs' folder."""
    folder = tmp_path_factory.mktemp("hostile")
    head = "seed = 1\nbudget = { trials = 5 }\nobjectives = { branin = {} }\n[algorithms]\n"
    lines = [f'{label} = {{ searcher = {{ name = "{SEARCHER}", gives = "{name}" }} }}' for label, name in CASES.items()]
    (folder / "s.toml").write_text(head + 'plain = { searcher = "random" }\n' + "\n".join(lines))
    code = main(["run", str(folder / "s.toml"), "--results", str(folder), "--jobs", "1", "--device", "cpu", "--quiet"])
    return code, folder / "s" / "runs" / "branin"


@pytest.mark.parametrize("case", [case for case in CASES if CASES[case] != "None"])
def test_a_hostile_searcher_fails_its_own_run(ran, case):
    """What it did is in its ledger, in short, with what was finished before; no NaN and no text of it gets in."""
    code, runs = ran
    assert code == 1
    (ledger,) = (runs / case).iterdir()
    assert ledger.name == "000.jsonl.failed"
    records = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [record["kind"] for record in records][:2] == ["header", "evaluation"]
    assert records[-1]["kind"] == "failure"
    assert len(records[-1]["error"]) <= 1000
    method = "update() raised" if case.startswith("tell-") else "suggest() r"
    assert records[-1]["error"].startswith(method)


def test_nothing_to_suggest_is_the_end_of_a_run(ran):
    """None is no mistake: the run is complete, with fewer trials."""
    (ledger,) = (ran[1] / "none").iterdir()
    last = json.loads(ledger.read_text().splitlines()[-1])
    assert (ledger.name, last["reason"], last["evaluations"]) == ("000.jsonl", "exhausted", 1)


def test_a_good_algorithm_beside_them_is_done(ran):
    """Their failures cost no other run anything."""
    (ledger,) = (ran[1] / "plain").iterdir()
    assert ledger.name == "000.jsonl"
    assert json.loads(ledger.read_text().splitlines()[-1])["evaluations"] == 5


PATHS = {
    "lambda": "tests.benchmark.fakes.hostile:<lambda>",
    "closure": "tests.benchmark.fakes.hostile:print_much.<locals>.inner",
    "bound method": "tests.benchmark.fakes.hostile:HostileSearcher.update.x",
    "notebook": "__main__:Searcher",
    "code": "tests.benchmark.fakes.hostile:__import__('os').mkdir('ran')",
    "module with code": "os.mkdir('ran'):x",
    "file": "/tmp/evil.py:Searcher",
    "parent": "..evil:Searcher",
    "url": "http://localhost/evil:Searcher",
}


@pytest.mark.parametrize("case", PATHS)
def test_what_no_worker_could_import_is_refused(tmp_path, monkeypatch, capsys, case):
    """Only a module's own attribute is code by name; nothing is evaluated, and nothing written."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s.toml").write_text(
        "budget = { trials = 1 }\nobjectives = { branin = {} }\nalgorithms = "
        f'{{ a = {{ searcher = "{PATHS[case]}" }} }}'
    )
    assert main(["run", "s.toml", "--device", "cpu"]) == 2
    message = capsys.readouterr().err
    assert len(message.splitlines()) == 1
    assert "algorithms.a.searcher = " in message
    assert ("stored nowhere" if case == "notebook" else "cannot be imported") in message
    assert [path.name for path in tmp_path.iterdir()] == ["s.toml"]
