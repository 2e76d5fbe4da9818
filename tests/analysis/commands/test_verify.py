"""`verify`: what follows from its ledgers passes, each planted change fails the check that it should."""

import hashlib
import json
import os
import shutil

import pytest

from analysis.__main__ import main
from analysis.provenance.checksums import NAME

CHECKS = ("file", "ledgers", "code", "libraries", "made again")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A planted suite with its tables and figures; made once, to be copied."""
    from tests.analysis.conftest import PlantedSuite

    results = tmp_path_factory.mktemp("written") / "results"
    suite = PlantedSuite(results)
    suite.algorithm("local")
    for repetition, shift in ((0, 0.0), (1, 0.1)):
        suite.run([(0.5 + shift, 0.6, 1.0), (0.3 + shift, 0.2, 3.0)], repetition)
        suite.run([(0.6, 0.5, 2.0), (0.1 + shift, 0.3, 2.5)], repetition, algorithm="local")
    assert main(["plots", "planted", "--quiet", "--results", str(results)]) == 0
    return results


@pytest.fixture
def folder(written, tmp_path):
    """A copy of the suite's folder to change."""
    shutil.copytree(written, tmp_path / "results")
    return tmp_path / "results" / "planted"


def verified(path, capsys, *words):
    """Exit code, what each check tells, and all lines."""
    code = main(["verify", str(path), *words])
    out, err = capsys.readouterr()
    assert err == ""
    lines = out.splitlines()
    told = dict(line.split(": ", 1) for line in lines if line.split(": ")[0] in CHECKS)
    assert tuple(told) == CHECKS
    return code, told, lines


def flip(path, place):
    """Change one byte of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def edit_provenance(folder, change):
    """Change what a provenance tells."""
    path = folder / NAME
    told = json.loads(path.read_text())
    change(told)
    path.write_text(json.dumps(told))


def test_every_file_that_is_written_is_verified(folder, capsys):
    """Each table, and a figure of every kind, follows from the ledgers; nothing is written by looking."""
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    names = ["anytime-bowl.png", "anytime-bowl.svg", "landscape-bowl.svg", "gap-bowl.png", "gap-bowl.txt"]
    paths = [*sorted((folder / "tables").iterdir()), *(folder / "figures" / name for name in names)]
    for path in paths:
        if path.name != NAME:
            code, findings, lines = verified(path, capsys)
            assert (code, findings["made again"], lines[-1]) == (
                0,
                "the same bytes",
                "verified: it follows from the ledgers",
            )
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_flipped_byte_in_a_table_is_found(folder, capsys):
    """The file is not the one written, and the cell that differs is named; the ledgers are as they were."""
    path = folder / "tables" / "summary.csv"
    place = path.read_bytes().index(b"0.35")
    flip(path, place + 2)
    code, findings, lines = verified(path, capsys)
    assert code == 1
    assert findings["file"].startswith("changed: SHA-256 was ")
    assert findings["ledgers"].startswith("unchanged")
    assert findings["made again"] == "row 1, valid_mean: the file has '0.25', the ledgers give '0.35'"
    assert lines[-1] == "not verified: file, made again"


def test_a_flipped_byte_in_a_figure_is_found(folder, capsys):
    """The byte from which on the figure differs is told."""
    path = folder / "figures" / "anytime-bowl.png"
    flip(path, 1000)
    code, findings, lines = verified(path, capsys)
    assert (code, findings["made again"]) == (1, "differs from byte 1000 on")
    assert lines[-1] == "not verified: file, made again"


def test_a_flipped_byte_in_a_ledger_is_found(folder, capsys):
    """The ledger is named; it is damaged, so nothing can be made of it; the table is as it was written."""
    flip(folder / "runs" / "bowl" / "random" / "001.jsonl", 300)
    code, findings, lines = verified(folder / "tables" / "runs.csv", capsys)
    assert code == 1
    assert findings["file"] == "unchanged since it was written"
    assert findings["ledgers"] == "'runs/bowl/random/001.jsonl' has changed"
    assert findings["made again"].startswith("cannot be: ")
    assert lines[-1] == "not verified: ledgers, made again"


def test_a_row_edited_with_its_checksum_is_found(folder, capsys):
    """A provenance that was edited along with the table hides nothing: the ledgers give another row."""
    path = folder / "tables" / "runs.csv"
    path.write_bytes(path.read_bytes().replace(b"0.3,0.2", b"0.2,0.2", 1))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    edit_provenance(path.parent, lambda provenance: provenance["files"].update({"runs.csv": checksum}))
    code, findings, lines = verified(path, capsys)
    assert (code, findings["file"]) == (1, "unchanged since it was written")
    assert findings["made again"] == "row 1, final_valid_error: the file has '0.2', the ledgers give '0.3'"
    assert lines[-1] == "not verified: made again"
    _, _, lines = verified(path, capsys, "--row", "1")
    assert lines[-1] == "not verified: made again, row 1"
    _, _, lines = verified(path, capsys, "--row", "2")
    assert lines[-1] == "not verified: made again"


def test_a_ledger_edited_with_all_checksums_gives_another_table(folder, capsys, planted_evaluation, planted_ledger):
    """Ledger and provenance changed together: the table no longer follows from what is there."""
    path = folder / "runs" / "bowl" / "random" / "000.jsonl"
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    records[1]["valid_error"] = 0.01
    path.write_bytes(planted_ledger([{k: v for k, v in record.items() if k != "crc"} for record in records]))
    checksum = hashlib.sha256(path.read_bytes()).hexdigest()
    name = "runs/bowl/random/000.jsonl"
    edit_provenance(folder / "tables", lambda provenance: provenance["inputs"].update({name: checksum}))
    code, findings, lines = verified(folder / "tables" / "trials.csv", capsys)
    assert (code, findings["ledgers"]) == (1, "unchanged, 4 files and suite.json")
    assert "valid_error: the file has '0.5', the ledgers give '0.01'" in findings["made again"]
    assert lines[-1] == "not verified: made again"


def test_other_libraries_and_code_are_told_and_decide_nothing(folder, capsys):
    """They would explain other bytes; where the bytes are the same, the file is verified."""

    def change(provenance):
        provenance["libraries"] |= {"pandas": "1.0", "gone": "3"}
        provenance["code"] = "0" * 64

    edit_provenance(folder / "tables", change)
    code, findings, _ = verified(folder / "tables" / "summary.csv", capsys)
    assert code == 0
    assert "pandas was 1.0 and is now " in findings["libraries"]
    assert "gone was 3 and is now None" in findings["libraries"]
    assert findings["code"] == "another version of analysis"


def test_new_and_lost_ledgers_are_told(folder, capsys):
    """A run that finished since, or whose ledger is gone, is named; so is a path that no suite has."""
    path = folder / "runs" / "bowl" / "local" / "000.jsonl"
    path.rename(path.with_name("000.jsonl.part"))
    edit_provenance(
        folder / "tables", lambda provenance: provenance["inputs"].update({"../../../../etc/passwd": "0" * 64})
    )
    code, findings, lines = verified(folder / "tables" / "summary.csv", capsys)
    assert findings["ledgers"] == (
        "'../../../../etc/passwd' is gone, 'runs/bowl/local/000.jsonl' is gone, 'runs/bowl/local/000.jsonl.part' is new"
    )
    assert (code, lines[-1]) == (1, "not verified: ledgers, made again")


def test_a_changed_plan_is_found(folder, capsys):
    """The plan decides what is in a table as the ledgers do."""
    plan = json.loads((folder / "suite.json").read_text())
    (folder / "suite.json").write_text(json.dumps(plan | {"repetitions": 1}))
    code, findings, _ = verified(folder / "tables" / "summary.csv", capsys)
    assert code == 1
    assert "'suite.json' has changed" in findings["ledgers"]
    (folder / "suite.json").write_text("{")
    code, findings, lines = verified(folder / "tables" / "summary.csv", capsys)
    assert (code, lines[-1]) == (1, "not verified: ledgers, made again")


@pytest.mark.parametrize(
    ("table", "row", "behind", "evaluations"),
    [
        ("trials", 2, ["random/000"], "1"),
        ("runs", 3, ["local/000"], "0-1"),
        ("summary", 2, ["local/000", "local/001"], "0-1"),
        ("trajectory", 1, ["random/000", "random/001"], "0"),
        ("timeline", 1, ["random/000"], "0"),
        ("scores", 1, ["random/000", "random/001", "local/000", "local/001"], "0-1"),
        ("pairwise", 1, ["random/000", "random/001", "local/000", "local/001"], "0-1"),
    ],
)
def test_a_row_is_traced_to_its_evaluations(folder, capsys, table, row, behind, evaluations):
    """The ledgers behind a row are named with their checksums, and the evaluations of each."""
    code, _, lines = verified(folder / "tables" / f"{table}.csv", capsys, "--row", str(row))
    assert code == 0
    assert any(line.startswith(f"row {row}: the ledgers give it: objective = 'bowl'") for line in lines)
    traced = [line.split() for line in lines if line.startswith("  runs/")]
    assert [parts[0] for parts in traced] == [f"runs/bowl/{name}.jsonl" for name in behind]
    for parts in traced:
        assert parts[1] == hashlib.sha256((folder / parts[0]).read_bytes()).hexdigest()
        assert parts[3] == evaluations


def test_a_row_that_is_not_there_fails(folder, capsys):
    """A row beyond the end is no row of the ledgers."""
    code, _, lines = verified(folder / "tables" / "summary.csv", capsys, "--row", "3")
    assert (code, lines[-1]) == (1, "not verified: row 3")
    assert "row 3: not in the file, which has 2 rows" in lines


def _absent(folder):
    return folder / "tables" / "absent.csv"


def _outside(folder):
    path = folder.parent.parent / "summary.csv"
    path.write_text("a\n")
    return path


def _link_out(folder):
    target = folder.parent.parent / "secret.csv"
    target.write_text("a\n")
    (folder / "tables" / "summary.csv").unlink()
    (folder / "tables" / "summary.csv").symlink_to(target)
    return folder / "tables" / "summary.csv"


def _pipe(folder):
    (folder / "tables" / "summary.csv").unlink()
    os.mkfifo(folder / "tables" / "summary.csv")
    return folder / "tables" / "summary.csv"


def _huge(folder):
    with (folder / "tables" / "summary.csv").open("r+b") as file:
        file.truncate(3_000_000_000)
    return folder / "tables" / "summary.csv"


def _unknown(folder):
    (folder / "tables" / "sumary.csv").write_text("a\n")
    return folder / "tables" / "sumary.csv"


def _without_provenance(folder):
    (folder / "tables" / NAME).unlink()
    return folder / "tables" / "summary.csv"


def _bad_provenance(folder):
    (folder / "tables" / NAME).write_text("{}")
    return folder / "tables" / "summary.csv"


def _circle(folder):
    path = folder / "tables" / "summary.csv"
    path.unlink()
    path.symlink_to(path)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_absent, "No such file"),
        (_outside, "not of a suite's results; need a file in tables, figures, report"),
        (lambda folder: "/etc/passwd", "not of a suite's results"),
        (lambda folder: "/dev/zero", "not a file that an analysis writes"),
        (lambda folder: folder / "tables", "not a file that an analysis writes"),
        (lambda folder: folder / "tables" / NAME, "not a file that an analysis writes"),
        (lambda folder: folder / "suite.json", "not of a suite's results"),
        (lambda folder: folder / "runs" / "bowl" / "random" / "000.jsonl", "not of a suite's results"),
        (lambda folder: "a\0b", "need a file in tables"),
        (lambda folder: "x" * 5000, "File name too long"),
        (lambda folder: "", "need a file in tables"),
        (_link_out, "a link that leads out of planted"),
        (_circle, "need a file in tables"),
        (_pipe, "not a file that an analysis writes"),
        (_huge, "at most 2000000000 are looked at"),
        (_unknown, 'does not know the file (did you mean "summary.csv"?)'),
        (_without_provenance, "there is none, so nothing says what the file was made of"),
        (_bad_provenance, "need a JSON object of format 1"),
    ],
)
def test_what_cannot_be_verified_is_refused(folder, capsys, make, message):
    """One line with the path and what is needed, exit code 2."""
    assert main(["verify", str(make(folder))]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("tables/summary.csv", "0", "need a whole number >= 1"),
        ("tables/summary.csv", "-1", "need a whole number >= 1"),
        ("tables/summary.csv", "1.0", "need a whole number >= 1"),
        ("tables/summary.csv", "9" * 50, "need a whole number >= 1"),
        ("figures/gap-bowl.svg", "1", "gap-bowl.svg is no table"),
    ],
)
def test_a_row_that_is_none_is_refused(folder, capsys, name, row, message):
    """A row is a whole number from 1 on, of a table."""
    assert main(["verify", str(folder / name), f"--row={row}"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_a_single_figure_written_anew_leaves_the_others_verified(folder, capsys):
    """`figures --only` does not forget where the other figures came from."""
    assert main(["figures", "planted", "--only", "landscape-bowl", "--quiet", "--results", str(folder.parent)]) == 0
    for name in ("landscape-bowl.svg", "gap-bowl.svg"):
        assert verified(folder / "figures" / name, capsys)[0] == 0


def test_a_recheck_made_since_is_no_objection_to_what_does_not_depend_on_it(folder, capsys):
    """Its files are new; a table without it is still what the ledgers give, a table of it is not."""
    (folder / "recheck").mkdir()
    told = {"format": 1, "suite": "planted", "fresh": 2, "lists": {}, "incumbents": []}
    (folder / "recheck" / "incumbents.json").write_text(json.dumps(told))

    code, checks, lines = verified(folder / "tables" / "summary.csv", capsys)

    assert (code, lines[-1]) == (0, "verified: it follows from the ledgers")
    assert checks["ledgers"] == (
        "unchanged, 4 files and suite.json; the recheck is newer, and nothing of this file depends on it"
    )
    flip(folder / "tables" / "summary.csv", -3)
    code, checks, _ = verified(folder / "tables" / "summary.csv", capsys)
    assert (code, checks["ledgers"]) == (1, "'recheck/incumbents.json' is new")
