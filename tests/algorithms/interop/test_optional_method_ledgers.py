"""Methods of other libraries in ledgers: which version made a run, and which may go on with it."""

import pytest

from analysis.loading.results import load as analyse
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage.ledger_format import read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.parsing import load
from objectives.objective import Machine
from tests.algorithms.invented import publish
from tests.benchmark.fakes.stacked_toy import toy_prices

SUITE = """
seed = 3
repetitions = 2
clock = "modelled"
calibration = "prices.toml"
budget.trials = 6
[objectives.toy]
name = "tests.benchmark.fakes.stacked_toy:StackedToy"
choices = 12
log = "{log}"
[algorithms]
"""
LINES = {
    "ambler": 'ambler.searcher = "wanderer"\n',
    "wanderer": 'wanderer = { searcher = "wanderer", n_workers = 2 }\n',
    "random": 'random.searcher = "random"\n',
}


@pytest.fixture
def suite_of(registered, tmp_path):
    """A function that writes and loads a suite of some algorithms on a toy objective that counts its trainings."""
    (tmp_path / "prices.toml").write_text(toy_prices())

    def write(*labels):
        text = SUITE.format(log=tmp_path / "log") + "".join(LINES[label] for label in labels)
        (tmp_path / "toy.toml").write_text(text)
        return load(str(tmp_path / "toy.toml"))

    return write


def run(suite, results, **options):
    """Run a suite in this process."""
    return Runner(suite, results, jobs=1, machine=Machine(), listener=Quiet(), **options).run()


def cut(folder, algorithm, repetition=0):
    """Leave of a ledger what a kill after its third line leaves."""
    path = folder / "toy/runs/toy" / algorithm / f"{repetition:03d}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.with_name(path.name + ".part").write_bytes(b"".join(lines[:3]))
    path.unlink()


def header(folder, algorithm, repetition=0):
    """The header of a run."""
    return read_ledger(folder / "toy/runs/toy" / algorithm / f"{repetition:03d}.jsonl").records[0]


def evaluations(folder):
    """Every finished run's evaluations without what is measured."""
    measured = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
    return {
        str(path.relative_to(folder)): [
            {name: value for name, value in record.items() if name not in measured}
            for record in read_ledger(path).records
            if record["kind"] == "evaluation"
        ]
        for path in sorted(folder.glob("toy/runs/*/*/*.jsonl"))
    }


def test_a_header_tells_versions_and_what_is_lacking(suite_of, tmp_path):
    """Of the algorithm's own libraries and no others; our own algorithms' headers have neither."""
    run(suite_of("wanderer", "random"), tmp_path)

    theirs, ours = header(tmp_path, "wanderer"), header(tmp_path, "random")

    assert theirs["environment"]["libraries"] == {"invented": "1.0"}
    assert theirs["lacks"] == {"pending": "it looks at none"}  # Its space has no conditions.
    assert "libraries" not in ours["environment"]
    assert "lacks" not in ours
    assert theirs["run"]["n_workers"] == 2


def test_a_run_goes_on_with_its_own_version_alone(suite_of, registered, tmp_path):
    """Cut short and resumed it is as unbroken; with another version it is refused, and nothing is written."""
    suite = suite_of("wanderer", "random")
    run(suite, tmp_path / "unbroken")
    run(suite, tmp_path / "cut")
    cut(tmp_path / "cut", "wanderer", 1)
    publish(registered, "2.0")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cut").rglob("*")}

    with pytest.raises(RunRefused, match=r"libraries\.invented was '1\.0' and is now '2\.0'"):
        run(suite, tmp_path / "cut")

    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cut").rglob("*")} == before
    publish(registered, "1.0")
    assert {report.state for report in run(suite, tmp_path / "cut")} == {"done"}
    assert evaluations(tmp_path / "cut") == evaluations(tmp_path / "unbroken")


def test_two_versions_are_marked_where_they_are_allowed(suite_of, registered, tmp_path):
    """With allow_mixed the record says where the new version begins, and the analysis names both."""
    suite = suite_of("wanderer")
    run(suite, tmp_path)
    cut(tmp_path, "wanderer")
    publish(registered, "2.0")

    assert {report.state for report in run(suite, tmp_path, allow_mixed=True)} == {"done"}

    records = read_ledger(tmp_path / "toy/runs/toy/wanderer/000.jsonl").records
    resumed = [record["environment"]["libraries"] for record in records if record["kind"] == "resumed"]
    assert resumed == [{"invented": "2.0"}]
    assert analyse(tmp_path / "toy").algorithm_by_label["wanderer"].libraries == {"invented": "1.0/2.0"}


def test_a_finished_suite_may_be_looked_at_with_any_version(suite_of, registered, tmp_path):
    """With nothing left to do, another version or none of the other algorithm's library matters."""
    suite = suite_of("wanderer", "random")
    run(suite, tmp_path)
    publish(registered, "2.0")

    assert run(suite, tmp_path) == []


def test_trials_are_shared_whatever_library_asked_for_them(suite_of, registered, tmp_path):
    """An algorithm that is added later takes the trials of a library's runs, of another version too."""
    run(suite_of("wanderer"), tmp_path)
    publish(registered, "2.0")
    run(suite_of("random"), tmp_path)

    trained = (tmp_path / "log").read_text().splitlines()
    assert len(set(trained)) == len(trained)
    asked = [record for records in evaluations(tmp_path).values() for record in records]
    assert len(trained) < sum(record["epochs"] - record["start_epoch"] for record in asked)
    run(suite_of("random"), tmp_path / "alone")
    assert evaluations(tmp_path / "alone").items() <= evaluations(tmp_path).items()


def test_repricing_keeps_the_versions_where_they_belong(suite_of, tmp_path):
    """Reused headers are of any algorithm: one of ours does not inherit the library of another's."""
    suite = suite_of("ambler", "random")  # Headers are looked for in the order of names: the library's is found.
    run(suite, tmp_path / "first")

    run(suite, tmp_path / "second", reuse=tmp_path / "first" / "toy", train=False)

    assert evaluations(tmp_path / "second") == evaluations(tmp_path / "first")
    assert header(tmp_path / "second", "ambler")["environment"]["libraries"] == {"invented": "1.0"}
    assert "libraries" not in header(tmp_path / "second", "random")["environment"]
