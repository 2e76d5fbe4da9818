"""Shards: every run in exactly one, even, the same whoever asks; side by side in one folder."""

import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.cli.main import main
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.errors import BadInput
from benchmark.planning.shard import Shard, count_cut_groups, parse_shard, runs_sharing_trials, split_runs
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import partial_path, read_header, read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.suite import parsing as suites
from objectives.objective import Machine
from tests.benchmark.commands import ROOT
from tests.benchmark.planning.ledgers import bare
from tests.benchmark.planning.suites import RUN, TINY


def plan(repetitions, objectives, algorithms):
    """A suite of that shape, of which only the plan matters."""
    table = {
        "repetitions": repetitions,
        "budget": {"trials": 1},
        "objectives": {f"o{number}": {"name": "branin"} for number in range(objectives)},
        "algorithms": {f"a{number}": {"searcher": "random"} for number in range(algorithms)},
    }
    return suites.parse("tiny", table)


def complete(folder):
    """Names of the complete ledgers in a suite's folder."""
    return {path.relative_to(folder) for path in folder.glob("runs/*/*/*.jsonl")}


# the split


SHAPES = [
    (repetitions, objectives, algorithms)
    for repetitions in (1, 2, 3, 5)
    for objectives in (1, 2, 4)
    for algorithms in (1, 3)
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_every_run_is_in_exactly_one_shard(shape):
    """For every number of shards: all runs once, in the suite's order, no shard empty or too long."""
    check_split(plan(*shape), range(1, shape[0] * shape[1] * shape[2] + 1))


@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 8), st.data())
@settings(deadline=None, max_examples=25)
def test_every_run_of_any_suite_is_in_exactly_one_shard(repetitions, objectives, algorithms, data):
    """Likewise for larger suites."""
    check_split(
        plan(repetitions, objectives, algorithms),
        [data.draw(st.integers(1, repetitions * objectives * algorithms))],
    )


def check_split(suite, numbers):
    """All that a split promises: groups are cut for evenness only, one a border at most, and then even to one run."""
    runs = [run.path for run in suite.runs()]
    whole = len(runs_sharing_trials(suite))
    for of in numbers:
        shares = split_runs(suite, of)
        sizes = [len(share) for share in shares]
        assert [run.path for share in shares for run in share] == runs
        assert len(shares) == of
        assert min(sizes) >= 1
        assert max(sizes) <= max(len(runs) / of * 9 / 8, -(-len(runs) // of))
        assert Shard(number=of, of=of).runs(suite) == shares[-1]
        cut = count_cut_groups(suite, of)
        assert cut < of
        assert whole % of or cut == 0
        assert cut == 0 or max(sizes) - min(sizes) <= 1


def test_a_group_is_what_shares_trials():
    """All algorithms on one objective in one repetition are a group, repetition by repetition."""
    found = runs_sharing_trials(plan(2, 2, 3))

    assert [len(group) for group in found] == [3, 3, 3, 3]
    assert [{(run.repetition, run.objective.label) for run in group} for group in found] == [
        {(0, "o0")},
        {(0, "o1")},
        {(1, "o0")},
        {(1, "o1")},
    ]


@pytest.mark.slow
def test_the_split_depends_on_the_plan_alone(suite, in_fresh_process):
    """Another process with other hash seeds splits alike, and no setting that leaves the plan alone changes it."""
    mine = [[str(run.path) for run in share] for share in split_runs(plan(5, 2, 3), 7)]

    assert in_fresh_process(__file__, "paths_of_seven") == mine
    other = suites.load("tiny.toml", ["seed=9", "budget.epochs=99"])
    assert [[run.path for run in share] for share in split_runs(other, 4)] == [
        [run.path for run in share] for share in split_runs(suite, 4)
    ]


def paths_of_seven():
    """The ledgers of seven shards, for a fresh process."""
    return [[str(run.path) for run in share] for share in split_runs(plan(5, 2, 3), 7)]


@pytest.mark.parametrize(
    ("text", "expected_text"),
    [
        ("0/3", "the first of 3 shards is 1/3"),
        ("4/3", "the last is 3/3"),
        ("1/0", "need 1..18 shards"),
        ("1/19", "has 18 runs"),
        ("1/9999999", "has 18 runs"),
        *((text, "need I/N") for text in ("a/b", "", "/", "1", "1/", "/3", "-1/3", "1/-3", "1.0/3", " 1/3", "1/3\n")),
        *(
            (text, "need I/N")
            for text in ("1/3/5", "1//3", "\u0661/\u0663", "1/3x", "0x1/3", "1e0/3", "1/99999999", "1" * 5000)
        ),
    ],
)
def test_bad_shards_are_refused(suite, text, expected_text):
    """The message names the option and what is allowed."""
    with pytest.raises(BadInput) as refused:
        parse_shard(text, suite)

    assert str(refused.value).startswith("--shard '")
    assert expected_text in str(refused.value)
    assert len(str(refused.value)) < 400


def test_a_bad_shard_is_refused_before_anything_is_written(here, capsys):
    """Exit code 2, one line, and no folder made."""
    assert main([*RUN, "--shard=4/3"]) == 2

    out, message = capsys.readouterr()
    assert out == ""
    assert message == "error: --shard '4/3': the first of 3 shards is 1/3, the last is 3/3\n"
    assert [path.name for path in here.iterdir()] == ["tiny.toml"]


def test_shards_are_read_as_written(suite):
    """The first and the last shard are read, and written as they are read."""
    assert parse_shard("1/18", suite) == Shard(number=1, of=18)
    assert str(parse_shard("18/18", suite)) == "18/18"
    assert parse_shard("2/3", suite).name == "2-of-3"


# shards in one folder


@pytest.mark.parametrize("of", [2, 5])
def test_shards_in_one_folder_make_the_whole_suite(here, suite, of):
    """Each shard writes its own runs and no other; together they are the suite."""
    for number in range(1, of + 1):
        before = complete(here / "results/tiny")
        assert main([*RUN, "--shard", f"{number}/{of}"]) == 0
        added = complete(here / "results/tiny") - before
        assert added == {run.path for run in split_runs(suite, of)[number - 1]}

    assert complete(here / "results/tiny") == {run.path for run in suite.runs()}


@pytest.mark.slow
def test_shards_at_the_same_time_make_the_whole_suite(here, suite):
    """Processes that share nothing but the folder, started together, record what one process does."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    commands = [[sys.executable, "-m", "benchmark", *RUN, "--shard", f"{number}/3"] for number in (1, 2, 3)]
    running = [subprocess.Popen(command, cwd=here, env=environment) for command in commands]
    codes = [process.wait(timeout=300) for process in running]
    main([*RUN, "--results", "unbroken"])

    assert codes == [0, 0, 0]
    assert complete(here / "results/tiny") == {run.path for run in suite.runs()}
    for path in complete(here / "results/tiny"):
        (_, *one), (_, *other) = (read_ledger(here / name / "tiny" / path).records for name in ("results", "unbroken"))
        assert list(map(bare, one)) == list(map(bare, other))
    assert [path.name for path in (here / "results/tiny").glob("suite.json*")] == ["suite.json"]


def test_a_shard_that_is_done_has_nothing_to_do(here):
    """The same shard once more trains nothing and leaves every byte as it is."""
    main([*RUN, "--shard", "1/3"])
    before = {path: path.read_bytes() for path in (here / "results").rglob("*.jsonl")}

    assert main([*RUN, "--shard", "1/3"]) == 0

    assert {path: path.read_bytes() for path in (here / "results").rglob("*.jsonl")} == before


def test_the_command_to_go_on_names_the_shard(here, capsys):
    """A shard with a run that fails says how to try this shard again."""
    (here / "tiny.toml").write_text(
        TINY + 'algorithms.bad.searcher = "tests.benchmark.fakes.crashing:RaisingSearcher"\n'
    )

    assert main([*RUN, "--shard", "2/3"]) == 1

    message = capsys.readouterr().err
    assert "2 of 8 runs are not done" in message
    assert "--shard 2/3" in message


def test_a_shard_refuses_the_folder_of_other_settings(here, capsys):
    """Another seed in another shard's ledgers is found before anything is written, though no run is the same."""
    main([*RUN, "--shard", "1/3"])
    before = sorted(here.rglob("*"))

    assert main([*RUN, "--shard", "2/3", "--set", "seed=4"]) == 2

    assert "suite_seed was 3 and is now 4" in capsys.readouterr().err
    assert sorted(here.rglob("*")) == before


def test_a_shard_refuses_the_folder_of_another_machine(here, suite, monkeypatch):
    """A shard on other hardware does not mix its bits in, unless told to."""
    main([*RUN, "--shard", "1/3"])
    monkeypatch.setattr("benchmark.reproducibility.environment._version", lambda package: "0.0")

    def runner(**options):
        machine = Machine(device="cpu", data=None)
        return Runner(
            suite, here / "results", jobs=1, machine=machine, listener=Quiet(), shard=Shard(number=2, of=3), **options
        )

    with pytest.raises(RunRefused, match=r"another machine or library version.*numpy"):
        runner().run()
    assert len(runner(allow_mixed=True).run()) == 6


def test_a_header_is_read_while_its_ledger_is_written(tmp_path):
    """Of another shard's ledger the first record is read, whatever follows; half a one is none yet."""
    path = tmp_path / "000.jsonl"
    with Ledger(path) as ledger:
        assert read_header(partial_path(path)) is None
        ledger.append({"kind": "header", "format": 1})
        with partial_path(path).open("ab") as file:
            file.write(b'{"kind":"eval')
        assert read_header(partial_path(path)) == {"kind": "header", "format": 1}
    partial_path(path).write_bytes(partial_path(path).read_bytes()[:20])
    assert read_header(partial_path(path)) is None
    assert read_header(path) is None
