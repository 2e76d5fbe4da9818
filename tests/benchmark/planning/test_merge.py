"""Merging: shards equal the unbroken run to the byte, whatever is given twice, in parts, or in whatever order."""

import random
import shlex
import shutil
import tempfile
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.__main__ import main as analyse
from benchmark.cli.main import main
from benchmark.planning.shard import split_runs
from benchmark.result_folder.merge import merge
from benchmark.storage.ledger_format import failed_path, partial_path
from benchmark.suite import parsing as suites
from tests.benchmark.planning.ledgers import cut, results_of, tree
from tests.benchmark.planning.suites import RUN, RUNS, TOY, run


def tables_of(results):
    """The bytes of all tables that the analysis makes of the suite."""
    assert analyse(["tables", "tiny", "--results", str(results), "--quiet"]) == 0
    return {path.name: path.read_bytes() for path in (results / "tiny/tables").glob("*.csv")}


# equal to the unbroken run


@pytest.mark.parametrize("of", [2, *(pytest.param(of, marks=pytest.mark.slow) for of in (5, 12))])
def test_merged_shards_equal_the_unbroken_run(copies, expected, of):
    """For several numbers of shards: the same records, the same plan, and every table the same to the byte."""
    assert main(["merge", "merged", *(f"{of}/{number}" for number in range(1, of + 1))]) == 0

    assert results_of(copies / "merged/tiny") == expected
    assert (copies / "merged/tiny/suite.json").read_bytes() == (copies / "unbroken/tiny/suite.json").read_bytes()
    tables, wanted = tables_of(copies / "merged"), tables_of(copies / "unbroken")
    assert len(wanted) > 10
    assert {name for name in wanted if tables[name] != wanted[name]} <= {"totals.csv"}  # Paid seconds are measured.


def test_any_order_gives_the_same_bytes(copies):
    """Every order of the arguments, duplicates among them, makes the same files of the same bytes."""
    made = []
    for place, order in enumerate(permutations(["5/1", "again", "unbroken"])):
        merge(copies / f"out-{place}", [Path(name) for name in order])
        made.append(tree(copies / f"out-{place}"))

    assert len(made[0]) == RUNS + 1
    assert all(other == made[0] for other in made)


def test_merging_in_steps_is_merging_at_once(copies):
    """One after the other, in two orders, comes to the same bytes as all at once."""
    names = ["12/3", "again", "5/4", "2/1", "unbroken"]
    merge(copies / "once", [Path(name) for name in names])
    for name in names:
        merge(copies / "forth", [Path(name)])
    for name in reversed(names):
        merge(copies / "back", [Path(name)])

    assert tree(copies / "once") == tree(copies / "forth") == tree(copies / "back")


def test_merging_twice_changes_nothing(copies, capsys):
    """The second time every ledger is there: no file is written, not even with the same bytes."""
    main(["merge", "merged", "2/1", "2/2"])
    before = {path: path.stat().st_mtime_ns for path in (copies / "merged").rglob("*.json*")}
    capsys.readouterr()

    assert main(["merge", "merged", "2/1", "2/2"]) == 0

    assert "12 of 12 runs done, 0 new there" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in (copies / "merged").rglob("*.json*")} == before


def test_overlapping_shards_count_once(copies, expected, capsys):
    """Shards of different splits, which share runs, make each run once."""
    assert main(["merge", "merged", "2/1", "5/3", "5/4", "5/5", "12/6", "12/7"]) == 0

    assert "merged 6 folders into merged/tiny: 12 of 12 runs done, 12 new there" in capsys.readouterr().out
    assert results_of(copies / "merged/tiny") == expected


def test_sources_stay_as_they_are(copies):
    """Nothing in a source is written, renamed or deleted, torn tails and all."""
    ledger = copies / "5/1/tiny/runs/branin/random/000.jsonl"
    cut(ledger, ledger.stat().st_size - 9)
    before = {name: tree(copies / name) for name in ("5", "2", "unbroken")}
    for path in (copies / "5").rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)

    merge(copies / "merged", [*sorted((copies / "5").iterdir()), copies / "2/1", copies / "unbroken"])

    for path in (copies / "5").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert {name: tree(copies / name) for name in before} == before


def test_folders_may_be_named_either_way(copies, expected):
    """The suite's folder or the results folder that holds it, by any path, as source and as target; twice is once."""
    merge(copies / "merged/tiny", [copies / "2/1/tiny", copies / "2/2", copies / "2/../2/1", Path("2/1")])
    merge(copies / "merged", [copies / "merged", copies / "merged/tiny"])

    assert results_of(copies / "merged/tiny") == expected
    assert [path.name for path in (copies / "merged").iterdir()] == ["tiny"]


def test_a_shared_folder_is_checked_in_place(copies, capsys):
    """Shards of one folder need no merge; merging it into itself says what there is, and changes nothing."""
    run("shared", "--shard", "1/2")
    before = tree(copies / "shared")

    assert main(["merge", "shared", "shared"]) == 1

    assert "6 of 12 runs done, 0 new there" in capsys.readouterr().out
    assert tree(copies / "shared") == before


# what is missing


def test_what_is_missing_is_reported_and_can_be_run(copies, expected, capsys):
    """So many of n, which are missing, and a command that runs them and no others."""
    assert main(["merge", "merged", "5/1", "5/2", "5/4", "5/5"]) == 1

    out = capsys.readouterr().out.splitlines()
    missing = [run.path for run in split_runs(suites.load("tiny.toml"), 5)[2]]
    assert len(missing) == 3
    assert out[0] == "merged 4 folders into merged/tiny: 9 of 12 runs done, 9 new there"
    assert out[1] == "not done: 3 missing"
    assert out[2:-1] == [f"  {path}: missing" for path in missing]
    words = shlex.split(out[-1].split(": ", 1)[1])
    assert words[1:] == ["-m", "benchmark", "run", "tiny.toml", "--results", "merged"]
    before = tree(copies / "merged")
    assert main([*words[3:], "--jobs", "1", "--device", "cpu", "--quiet"]) == 0
    after = tree(copies / "merged")
    assert {name: after[name] for name in before} == before
    assert results_of(copies / "merged/tiny") == expected


def test_a_long_list_of_the_missing_is_cut(copies, capsys):
    """Ten are named, the others counted."""
    assert main(["merge", "merged", "12/1"]) == 1

    out = capsys.readouterr().out
    assert out.count(": missing\n") == 10
    assert "  and 1 more\n" in out


def test_parts_are_taken_over_and_go_on(copies, expected, capsys):
    """The part with most records is taken, without its torn tail, and a run goes on from it."""
    ledger = Path("tiny/runs/toy/random/001.jsonl")
    lines = (copies / "unbroken" / ledger).read_bytes().splitlines(keepends=True)
    for name, size in (("2/1", 2), ("2/2", 3), ("again", 1)):
        (copies / name / ledger).unlink(missing_ok=True)
        (copies / name / ledger).parent.mkdir(parents=True, exist_ok=True)
        partial_path(copies / name / ledger).write_bytes(b"".join(lines[:size]) + b'{"kind":"ev')

    assert main(["merge", "merged", "2/2", "2/1", "again"]) == 1

    assert "not done: 1 partial" in capsys.readouterr().out
    assert partial_path(copies / "merged" / ledger).read_bytes() == b"".join(lines[:3])
    run("merged")
    assert results_of(copies / "merged/tiny") == expected


def test_a_complete_ledger_wins_over_a_part_that_was_merged_before(copies, expected):
    """The part in the target gives way, so that every run is there once."""
    ledger = Path("tiny/runs/toy/random/000.jsonl")
    shutil.copytree(copies / "again", copies / "torn")
    cut(copies / "torn" / ledger, (copies / "torn" / ledger).stat().st_size - 1)
    merge(copies / "merged", [copies / "torn"])
    assert partial_path(copies / "merged" / ledger).exists()

    done = merge(copies / "merged", [copies / "unbroken"])

    assert done.unfinished == []
    assert not partial_path(copies / "merged" / ledger).exists()
    assert results_of(copies / "merged/tiny") == expected


def test_a_failed_run_counts_as_not_done(copies, capsys):
    """What an algorithm raised is taken over, told, and tried again by the next run."""
    (copies / "tiny.toml").write_text(
        TOY + '[algorithms.bad]\nsearcher = "tests.benchmark.fakes.crashing:RaisingSearcher"\n'
    )
    for number in (1, 2):
        assert main([*RUN, "--results", f"bad-{number}", "--shard", f"{number}/2"]) == 1
    capsys.readouterr()

    assert main(["merge", "merged", "bad-1", "bad-2"]) == 1

    out = capsys.readouterr().out
    assert "12 of 18 runs done, 18 new there" in out
    assert "not done: 6 failed" in out
    assert failed_path(copies / "merged/tiny/runs/branin/bad/000.jsonl").exists()


# properties


@given(st.data())
@settings(deadline=None, max_examples=15)
def test_any_deal_of_ledgers_merges_to_the_best_of_them(home, expected, data):
    """Runs dealt at random to folders, complete, torn or both, from two executions: the merge is their maximum.

    It does not depend on the order, nor on whether it is done at once or in steps.
    """
    executions = [home / "unbroken/tiny", home / "again/tiny"]
    names = sorted(expected)
    deal = st.lists(st.sampled_from(["none", "none", "done-0", "done-1", "part-0", "part-1"]), min_size=12, max_size=12)
    dealt = data.draw(st.lists(deal, min_size=1, max_size=4))
    seed = data.draw(st.integers(0, 2**32))
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as scratch:
        base = Path(scratch)
        best = dict.fromkeys(names, -1)
        folders = []
        for place, states in enumerate(dealt):
            folder = base / f"shard-{place}"
            folders.append(folder)
            folder.mkdir()
            shutil.copy(executions[0] / "suite.json", folder)
            for name, state in zip(names, states, strict=True):
                if state == "none":
                    continue
                kind, number = state.split("-")
                content = (executions[int(number)] / name).read_bytes()
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                if kind == "done":
                    path.write_bytes(content)
                    best[name] = 10**9
                else:
                    size = rng.randrange(len(content))
                    partial_path(path).write_bytes(content[:size])
                    best[name] = max(best[name], content[:size].count(b"\n") - 1)

        merged = merge(base / "once", folders)
        rng.shuffle(folders)
        for folder in folders:
            merge(base / "steps", [folder])

        found = results_of(base / "once/tiny")
        assert found == {name: expected[name] for name in names if best[name] == 10**9}
        assert {str(path) for path, _ in merged.unfinished} == set(names) - set(found)
        for name in set(names) - set(found):
            part = partial_path(base / "once/tiny" / name)
            assert part.exists() == (best[name] >= 0)
            if part.exists():
                assert part.read_bytes().count(b"\n") - 1 == best[name]
        assert tree(base / "once") == tree(base / "steps")
