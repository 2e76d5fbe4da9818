"""Bad input is refused before anything is written: exit code 2 and one message that helps."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.build import ALL_SCHEDULERS, ALL_SEARCHERS
from benchmark.cli import COMMANDS as VERBS
from benchmark.cli import main
from benchmark.refusal import parameters_of

ROOT = Path(__file__).resolve().parents[2]
MISFITS = "tests.benchmark.misfits:"
GOOD = {
    "seed": "1",
    "repetitions": "1",
    "budget": "{ trials = 1 }",
    "objectives": "{ branin = {} }",
    "algorithms": '{ plain = { searcher = "random" } }',
}


def toml(changes):
    """The text of a good suite with some of its top-level values replaced, or removed by None."""
    fields = {**GOOD, **changes}
    return "".join(f"{key} = {value}\n" for key, value in fields.items() if value is not None)


def tree(folder):
    """Everything below a folder: names, kinds, sizes and times of change."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        found[str(path)] = (status.st_mode, status.st_size, status.st_mtime_ns)
    return found


@pytest.fixture
def here(tmp_path, monkeypatch):
    """An empty working folder with a good suite in it, and no settings from outside."""
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "good.toml").write_text(toml({}))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("INCUMBENT_DATA", raising=False)
    return folder


@pytest.fixture
def refused(here, capsys):
    """A function that runs a command which must be refused in good order, and gives its message."""

    def check(arguments, *fragments):
        before = tree(here.parent)
        capsys.readouterr()

        code = main(arguments)

        out, message = capsys.readouterr()
        assert code == 2, (out, message)
        assert message.startswith("error: "), message
        assert message.count("error: ") == 1, message
        assert len(message.splitlines()) <= 3
        assert len(message) < 2500
        assert "Traceback" not in message
        assert out == ""
        for fragment in fragments:
            assert fragment in message
        assert tree(here.parent) == before, "something was written"

    return check


def test_the_good_suite_is_good(here, capsys):
    """What the cases below spoil runs as it stands: a test of the tests."""
    assert main(["run", "good.toml", "--jobs", "1", "--device", "cpu", "--quiet"]) == 0
    assert (here / "results/good/runs/branin/plain/000.jsonl").is_file()


def test_a_table_that_cannot_be_written_is_told(here, capsys):
    """A folder stands where the file must be; the option, the folder and the system's reason are told."""
    assert main(["run", "good.toml", "--jobs", "1", "--device", "cpu", "--quiet"]) == 0
    (here / "out/branin.npz").mkdir(parents=True)

    assert main(["harvest", "good.toml", "--out", "out"]) == 2

    assert capsys.readouterr().err == "error: --out 'out': cannot be written (Is a directory)\n"


# The command line.

RUN = ["run", "good.toml", "--jobs", "1"]
REPLAY = ["replay", "good.toml", "--tables", "."]
CALIBRATE = ["calibrate", "good.toml", "--set", "objectives.softmax.epochs=1", "--device", "cpu"]
COMMANDS = {
    "none": ([], [f"{{{','.join(VERBS)}}}"]),
    "unknown": (["rnu"], [f"command = 'rnu': not one of {', '.join(VERBS)}", 'did you mean "run"?']),
    "upper case": (["RUN", "good.toml"], ["command = 'RUN'"]),
    "empty": ([""], ["command = ''"]),
    "a suite": (["good.toml"], ["command = 'good.toml'"]),
    "option first": (
        ["--jobs", "1", "run", "good.toml"],
        [f"command = '--jobs': not one of {', '.join(VERBS)}"],
    ),
    "only an option": (["--jobs"], ["command = '--jobs'"]),
    "dashes": (["--", "list"], ["command = '--'"]),
    "no suite": (["run"], ["SUITE"]),
    "no suite for status": (["status"], ["SUITE"]),
    "two suites": ([*RUN, "other"], ["'other': unknown"]),
    "list of": (["list", "suites"], ["'suites': unknown"]),
    "--job": ([*RUN, "--job", "2"], ["'--job': unknown", 'did you mean "--jobs"?']),
    "--job=": ([*RUN, "--job=2"], ["'--job=2': unknown", 'did you mean "--jobs"?']),
    "--result": ([*RUN, "--result", "x"], ["'--result': unknown", 'did you mean "--results"?']),
    "--devices": ([*RUN, "--devices", "cpu"], ["'--devices': unknown", 'did you mean "--device"?']),
    "--Quiet": ([*RUN, "--Quiet"], ["'--Quiet': unknown", 'did you mean "--quiet"?']),
    "--jobs for status": (["status", "good.toml", "--jobs", "2"], ["'--jobs': unknown, allowed are --help"]),
    "-j": ([*RUN, "-j2"], ["'-j2': unknown"]),
    "--seed": ([*RUN, "--seed", "2"], ["'--seed': unknown", 'did you mean "--set"?']),
    "--quiet=": ([*RUN, "--quiet=yes"], ["--quiet", "'yes'"]),
    "--jobs alone": (["run", "good.toml", "--jobs"], ["--jobs: expected one argument"]),
    "--results alone": ([*RUN, "--results"], ["--results: expected one argument"]),
    "--data alone": ([*RUN, "--data"], ["--data: expected one argument"]),
    "--device alone": ([*RUN, "--device"], ["--device: expected one argument"]),
    "--set alone": ([*RUN, "--set"], ["--set: expected one argument"]),
    "--device gpu": ([*RUN, "--device", "gpu"], ["--device 'gpu': allowed here are cpu", "no usable GPU"]),
    "--device mps": ([*RUN, "--device", "mps"], ["--device 'mps': allowed here are cpu"]),
    "--device cuda": ([*RUN, "--device", "cuda"], ["--device 'cuda': allowed here are cpu", "no usable GPU"]),
    "--device cuda:9": ([*RUN, "--device", "cuda:9"], ["--device 'cuda:9': allowed here are cpu"]),
    "--device empty": ([*RUN, "--device", ""], ["--device '': allowed here are cpu"]),
    "--data missing": ([*RUN, "--data", "nowhere"], ["--data 'nowhere': there is no such folder"]),
    "--data file": ([*RUN, "--data", "good.toml"], ["--data 'good.toml': there is no such folder"]),
    "--data empty": ([*RUN, "--data", ""], ["--data '': there is no such folder"]),
    "--data NUL": ([*RUN, "--data", "a\0b"], ["--data 'a\\x00b': there is no such folder"]),
    "--data long": ([*RUN, "--data", "x" * 300], ["--data 'xxx", "there is no such folder"]),
    "--results file": ([*RUN, "--results", "good.toml"], ["--results 'good.toml'", "is a file, need a folder"]),
    "--results below a file": ([*RUN, "--results", "good.toml/x/y"], ["--results", "good.toml is a file"]),
    "--results empty": ([*RUN, "--results", ""], ["--results '': need the name of a folder"]),
    "--results NUL": ([*RUN, "--results", "a\0b"], ["--results 'a\\x00b': need the name of a folder"]),
    "--results long": ([*RUN, "--results", "x" * 300], ["--results 'xxx", "File name too long"]),
    "--results for status": (["status", "good.toml", "--results", "good.toml"], ["is a file, need a folder"]),
    "--results of the system": ([*RUN, "--results", "/proc/nowhere"], ["/proc/nowhere", "cannot be written"]),
    "--set nothing": ([*RUN, "--set", "seed"], ["--set 'seed': need key=value"]),
    "--set empty": ([*RUN, "--set", ""], ["--set '': need key=value"]),
    "--set =": ([*RUN, "--set", "="], ["--set '=': need key=value"]),
    "--set no key": ([*RUN, "--set", "=3"], ["--set '=3': need key=value"]),
    "--set dot": ([*RUN, "--set", ".=3"], ["--set '.=3': need key=value"]),
    "--set half a key": ([*RUN, "--set", "budget.=3"], ["--set 'budget.=3': need key=value"]),
    "--set two dots": ([*RUN, "--set", "budget..trials=3"], ["need key=value, with dots between nested keys"]),
    "--set typo": ([*RUN, "--set", "sed=3"], ["sed: unknown key, allowed are", 'did you mean "seed"?']),
    "--set nested typo": ([*RUN, "--set", "budget.trails=3"], ["budget.trails: unknown", 'did you mean "trials"?']),
    "--set through a number": ([*RUN, "--set", "seed.x=3"], ["--set 'seed.x=3': 'seed' is not a table"]),
    "--set through a text": ([*RUN, "--set", "title=a", "--set", "title.x=3"], ["'title' is not a table"]),
    "--set junk": ([*RUN, "--set", "seed=[[["], ["seed = '[[['"]),
    "--set two lines": ([*RUN, "--set", "seed=2\nrepetitions=3"], ["seed = '2\\nrepetitions=3'"]),
    "calibrate nothing": (["calibrate"], ["SUITE"]),
    "calibrate no suite": (["calibrate", "digit"], ["suite 'digit': not one of", 'did you mean "digits"?']),
    "calibrate what is declared": (["calibrate", "good.toml"], ["every one declares its own price"]),
    "--config": ([*CALIBRATE, "--config", "9"], ["'--config': unknown", 'did you mean "--configs"?']),
    "--jobs for calibrate": ([*CALIBRATE, "--jobs", "1"], ["'--jobs': unknown, allowed are"]),
    "--configs 2": ([*CALIBRATE, "--configs", "2"], ["--configs '2': need a whole number in 3..10000"]),
    "--configs text": ([*CALIBRATE, "--configs", "many"], ["--configs 'many': need a whole number"]),
    "--rounds 0": ([*CALIBRATE, "--rounds", "0"], ["--rounds '0': need a whole number in 1..1000"]),
    "--rounds -1": ([*CALIBRATE, "--rounds=-1"], ["--rounds '-1': need a whole number"]),
    "--rows 1.5": ([*CALIBRATE, "--rows", "1.5"], ["--rows '1.5': need a whole number in 1.."]),
    "--rows long": ([*CALIBRATE, "--rows", "9" * 5000], ["--rows '999", "need a whole number"]),
    "--name upper case": ([*CALIBRATE, "--name", "Desk"], ["--name 'Desk': need 1 to 64 lower-case letters"]),
    "--name empty": ([*CALIBRATE, "--name", ""], ["--name '': need 1 to 64"]),
    "--name path": ([*CALIBRATE, "--name", "../x"], ["--name '../x': need"]),
    "--out empty": ([*CALIBRATE, "--out", ""], ["--name '': need"]),
    "--out no folder": ([*CALIBRATE, "--out", "none/x.toml"], ["--out 'none/x.toml': its folder is not there"]),
    "--out no TOML": ([*CALIBRATE, "--out", "x.txt"], ["--out 'x.txt': need a path to a .toml file"]),
    "--out a suite": (
        [*CALIBRATE, "--out", "good.toml"],
        ["calibration good.toml: seed: unknown key, allowed are format"],
    ),
    "--out long": ([*CALIBRATE, "--out", "x" * 300 + ".toml"], ["'xxx"]),
    "--out NUL": ([*CALIBRATE, "--out", "a\0b.toml"], ["'a\\x00b"]),
    "--set deep": ([*RUN, "--set", "seed=" + "[" * 10_000], ["seed = '[[["]),
    "--set deep keys": ([*RUN, "--set", "title." + "a." * 5000 + "b=1"], ["title = {'a': {'a'"]),
    "--set 5000 digits": ([*RUN, "--set", "seed=" + "9" * 5000], ["seed = '999"]),
    "--set long": ([*RUN, "--set", "seed=" + "x" * 10**6], ["seed = 'xxx"]),
    "--set no value": ([*RUN, "--set", "seed="], ["seed = ''"]),
    "--set searcher's option": (
        [*RUN, "--set", "algorithms.plain.searcher.probab_local=2"],
        ["algorithms.plain.searcher.probab_local: unknown key, allowed are none"],
    ),
    "replay nothing": (["replay"], ["SUITE"]),
    "replay no tables": (["replay", "good.toml"], ["the following arguments are required: --tables"]),
    "replay no suite": (["replay", "--tables", "."], ["SUITE"]),
    "replay unknown": (["replay", "digit", "--tables", "."], ["suite 'digit': not one of", 'did you mean "digits"?']),
    "--tables alone": (["replay", "good.toml", "--tables"], ["--tables: expected one argument"]),
    "--tables missing": (["replay", "good.toml", "--tables", "nowhere"], ["--tables 'nowhere': need", "harvest"]),
    "--tables file": (["replay", "good.toml", "--tables", "good.toml"], ["--tables 'good.toml': need a folder"]),
    "--tables empty": (["replay", "good.toml", "--tables", ""], ["--tables '': need a folder"]),
    "--tables NUL": (["replay", "good.toml", "--tables", "a\0b"], ["--tables 'a\\x00b': need a folder"]),
    "--tables long": (["replay", "good.toml", "--tables", "x" * 300], ["--tables 'xxx", "need a folder"]),
    "--tables without tables": (REPLAY, ["table branin.npz: cannot be read (No such file", "benchmark harvest"]),
    "--table": (["replay", "good.toml", "--table", "."], ["required: --tables"]),
    "--tables for run": ([*RUN, "--tables", "."], ["'--tables': unknown, allowed are --address, --allow-mixed"]),
    "--miss alone": ([*REPLAY, "--miss"], ["--miss: expected one argument"]),
    "--miss x": ([*REPLAY, "--miss", "x"], ["--miss = 'x': not one of refuse, train"]),
    "--miss typo": ([*REPLAY, "--miss", "trian"], ["--miss = 'trian'", 'did you mean "train"?']),
    "--miss empty": ([*REPLAY, "--miss", ""], ["--miss = '': not one of refuse, train"]),
    "--miss interpolate": ([*REPLAY, "--miss", "interpolate"], ["--miss = 'interpolate': not one of"]),
    "--mis": ([*REPLAY, "--mis", "train"], ["'--mis': unknown", 'did you mean "--miss"?']),
    "--miss for run": ([*RUN, "--miss", "train"], ["'--miss': unknown, allowed are"]),
    "--recycle=": ([*REPLAY, "--recycle=yes"], ["--recycle", "'yes'"]),
    "--recyle": ([*REPLAY, "--recyle"], ["'--recyle': unknown", 'did you mean "--recycle"?']),
    "--reuse for replay": ([*REPLAY, "--reuse", "."], ["'--reuse': unknown, allowed are"]),
    "--stack for replay": ([*REPLAY, "--stack", "3"], ["'--stack': unknown, allowed are"]),
    "--jobs for replay": ([*REPLAY, "--jobs", "0"], ["--jobs '0': need a whole number in 1..1024"]),
    "--results for replay": (
        [*REPLAY, "--results", "good.toml"],
        ["--results 'good.toml'", "is a file, need a folder"],
    ),
    "--device for replay": ([*REPLAY, "--device", "gpu"], ["--device 'gpu': allowed here are cpu"]),
    "--data for replay": ([*REPLAY, "--data", "nowhere"], ["--data 'nowhere': there is no such folder"]),
    "--set for replay": ([*REPLAY, "--set", "sed=3"], ["sed: unknown key", 'did you mean "seed"?']),
    "harvest nothing": (["harvest"], ["SUITE"]),
    "harvest unknown": (["harvest", "digit"], ["suite 'digit': not one of", 'did you mean "digits"?']),
    "harvest too early": (
        ["harvest", "good.toml"],
        ["results/good: nothing is recorded of branin; run the suite first"],
    ),
    "harvest elsewhere": (["harvest", "good.toml", "--results", "no"], ["no/good: nothing is recorded of branin"]),
    "--out alone": (["harvest", "good.toml", "--out"], ["--out: expected one argument"]),
    "--out a file": (["harvest", "good.toml", "--out", "good.toml"], ["--out 'good.toml'", "is a file, need a folder"]),
    "--out below a file": (["harvest", "good.toml", "--out", "good.toml/x"], ["--out", "good.toml is a file"]),
    "--out no name": (["harvest", "good.toml", "--out", ""], ["--out '': need the name of a folder"]),
    "--out NUL folder": (["harvest", "good.toml", "--out", "a\0b"], ["--out 'a\\x00b': need the name of a folder"]),
    "--out long folder": (["harvest", "good.toml", "--out", "x" * 300], ["--out 'xxx", "File name too long"]),
    "--output": (["harvest", "good.toml", "--output", "x"], ["'--output': unknown", 'did you mean "--out"?']),
    "--jobs for harvest": (["harvest", "good.toml", "--jobs", "1"], ["'--jobs': unknown, allowed are"]),
    "--set workers": (
        [*RUN, "--set", "algorithms.plain.n_workers=0"],
        ["algorithms.plain.n_workers = 0: need a whole number in 1..1000"],
    ),
    "--set workers of a part": (
        [*RUN, "--set", "algorithms.plain.searcher.n_workers=2"],
        ["algorithms.plain.searcher.n_workers: unknown key, allowed are none"],
    ),
    "--set grid": (
        [*RUN, "--set", "objectives.branin.discretise=0"],
        ["objectives.branin.discretise = 0: need a whole number in 1..10000"],
    ),
    "--set discretize": (
        [*RUN, "--set", "objectives.branin.discretize=4"],
        ["objectives.branin.discretize: unknown key, allowed are"],
    ),
    "--set new searcher": (
        [*RUN, "--set", "algorithms.plain.searcher=locla"],
        ["algorithms.plain.searcher = 'locla'", 'did you mean "local"?'],
    ),
    "--set new objective": (
        [*RUN, "--set", "objectives.brannin.noise=1"],
        ["objectives.brannin.name = 'brannin'", 'did you mean "branin"?'],
    ),
}
JOBS = ["0", "-1", "-100", "1.5", "two", "True", "1e9", "", "1025", "1000000000", " 1", "1 ", "+1", "0x2", "\u0662"]
JOBS += ["9" * 5000, "nan", "None", "1,2", "all"]


@pytest.mark.parametrize("case", COMMANDS)
def test_a_bad_command_line_is_refused(refused, case, monkeypatch):
    """Commands, options and their values: one message names what and what is allowed."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    arguments, fragments = COMMANDS[case]

    refused(arguments, *fragments)


@pytest.mark.parametrize("text", JOBS, ids=lambda text: repr(text[:20]))
def test_a_bad_number_of_jobs_is_refused(refused, text):
    """Only whole numbers from 1 to 1024 are numbers of jobs."""
    refused(["run", "good.toml", "--jobs", text], f"--jobs '{text[:20]}", "need a whole number in 1..1024")


def test_an_unusable_data_folder_in_the_environment_is_refused(refused, monkeypatch):
    """The message names the variable."""
    monkeypatch.setenv("INCUMBENT_DATA", "nowhere")

    refused(RUN, "INCUMBENT_DATA 'nowhere': there is no such folder")


def test_a_file_in_the_place_of_the_suites_folder_is_refused(refused, here):
    """The folder of results is one, but what bears the suite's name in it is not."""
    (here / "results").mkdir()
    (here / "results" / "good").write_text("in the way")

    refused(RUN, "--results 'results'", "good is a file, need a folder")
    refused(["status", "good.toml"], "--results 'results'", "good is a file, need a folder")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_refused(refused, here):
    """A read-only folder of results is named before anything is trained."""
    (here / "closed").mkdir(mode=0o500)

    refused([*RUN, "--results", "closed"], "--results 'closed'", "cannot be written")


# Names and files of suites.

SUITES = {
    "": ["suite '': not one of", "digits"],
    ".": ["suite '.': not one of"],
    "..": ["suite '..': not one of"],
    "digit": ["suite 'digit': not one of", 'did you mean "digits"?'],
    "Digits": ["suite 'Digits': not one of", 'did you mean "digits"?'],
    "fashion-mnist": ["suite 'fashion-mnist'", 'did you mean "fashion_mnist"?'],
    " digits": ["suite ' digits'", 'did you mean "digits"?'],
    "$(id)": ["suite '$(id)': not one of"],
    "a\nb": ["suite 'a\\nb': not one of"],
    "a\0b": ["suite 'a\\x00b': not one of"],
    "a\0b.toml": ["suite file 'a\\x00b.toml'"],
    "x" * 300: ["suite 'xxx", "not one of"],
    "x" * 300 + ".toml": ["suite file 'xxx", "File name too long"],
    "x" * 10**6: ["suite 'xxx", "not one of"],
    "../../x": ["suite file '../../x': there is no such file"],
    "/nowhere/at/all.toml": ["suite file '/nowhere/at/all.toml': there is no such file"],
    "none.toml": ["suite file 'none.toml': there is no such file"],
    "good.toml/x": ["suite file 'good.toml/x': there is no such file"],
    "./": ["suite file './': not a regular file"],
    "/dev/zero": ["suite file '/dev/zero': not a regular file"],
    "/dev/null": ["suite file '/dev/null': not a regular file"],
}


@pytest.mark.parametrize("command", ["run", "status"])
@pytest.mark.parametrize("name", SUITES, ids=lambda name: repr(name[:20] + name[-5:]))
def test_a_bad_name_of_a_suite_is_refused(refused, command, name):
    """Names that are none, paths that lead nowhere and things that are no files."""
    refused([command, name], *SUITES[name])


def test_folders_fifos_and_loops_are_no_suites(refused, here):
    """Reading them would raise, hang or turn in circles."""
    (here / "folder.toml").mkdir()
    os.mkfifo(here / "fifo.toml")
    (here / "loop.toml").symlink_to("loop.toml")
    (here / "dangling.toml").symlink_to("none.toml")

    refused(["run", "folder.toml"], "suite file 'folder.toml': not a regular file")
    refused(["run", "fifo.toml"], "suite file 'fifo.toml': not a regular file")
    refused(["run", "loop.toml"], "suite file 'loop.toml': there is no such file")
    refused(["run", "dangling.toml"], "suite file 'dangling.toml': there is no such file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_cannot_be_read_is_refused(refused, here):
    """A suite without permission to read it."""
    (here / "good.toml").chmod(0)

    refused(RUN, "suite file 'good.toml': cannot be read (Permission denied)")


@pytest.mark.parametrize(
    "name", ["Tiny", "a.b", "", "-rf", "a b", "\u00e9", "x" * 65, "_x", "a\nb", ".hidden"], ids=repr
)
def test_a_file_name_that_is_no_label_is_refused(refused, here, name):
    """The suite's folder bears the file's name."""
    (here / f"{name}.toml").write_text(toml({}))

    refused(["run", f"./{name}.toml"], "suite name '", "lower-case letters, digits, '-' and '_'")


CONTENTS = {
    "empty": (b"", ["budget = None: need a table"]),
    "latin-1": ("title = '\u00e9'".encode("latin-1"), ["not valid TOML", "utf-8"]),
    "utf-16": (toml({}).encode("utf-16"), ["not valid TOML"]),
    "bom": (b"\xef\xbb\xbf" + toml({}).encode(), ["not valid TOML"]),
    "binary": (bytes(range(256)), ["not valid TOML"]),
    "NUL": (b"seed = 1\0", ["not valid TOML", "line 1"]),
    "text": (b"just a text", ["not valid TOML", "line 1"]),
    "json": (b'{"seed": 1}', ["not valid TOML", "line 1"]),
    "yaml": (b"seed: 1\n", ["not valid TOML", "line 1"]),
    "duplicate key": (b"seed = 1\nseed = 2\n", ["not valid TOML", "line 2"]),
    "duplicate table": (toml({}).encode() + b"[budget]\ntrials = 2\n", ["not valid TOML", "line 6"]),
    "duplicate label": (b"[objectives.a]\n[objectives.a]\n", ["not valid TOML", "line 2"]),
    "unclosed": (b"title = 'a", ["not valid TOML", "at end of document"]),
    "leading zero": (b"seed = 010", ["not valid TOML", "line 1"]),
    "no": (b"resume = no", ["not valid TOML", "line 1"]),
    "deep lists": (b"seed = " + b"[" * 100_000, ["not valid TOML"]),
    "deep tables": (b"seed = " + b"{a = " * 100_000, ["not valid TOML"]),
    "5000 digits": (b"seed = " + b"9" * 5000, ["not valid TOML"]),
    "5000 hex digits": (toml({"seed": "0x" + "f" * 5000}).encode(), ["seed = an integer of thousands of digits: need"]),
    "too large": (b"#" * 1_000_001, ["larger than 1000000 bytes"]),
    "array of tables": (
        toml({"objectives": None}).encode() + b"[[objectives]]\n",
        ["objectives = [{}]: need at least"],
    ),
    "deep dotted key": (toml({"title": None}).encode() + b"title." + b"a." * 5000 + b"b = 1", ["title = {'a': {"]),
}


@pytest.mark.parametrize("case", CONTENTS)
def test_a_file_that_is_no_suite_is_refused(refused, here, case):
    """Not TOML, not UTF-8, twice the same key, or simply too much."""
    data, fragments = CONTENTS[case]
    (here / "bad.toml").write_bytes(data)

    refused(["run", "bad.toml"], "bad.toml", *fragments)


# Fields of a suite.

WHOLE = ["-1", '"x"', "1.0", "true", "[1]", "{}", "nan", "-inf", "1e9", "2020-01-01", '""']
FIELDS = [
    *(("seed", value, ["seed = ", "need a whole number in 0..9223372036854775807"]) for value in WHOLE),
    ("seed", "18446744073709551616", ["seed = 18446744073709551616: need a whole number in 0.."]),
    ("seed", str(10**30), ["seed = 1000000000000000000000000000000: need"]),
    *(("repetitions", value, ["repetitions = ", "need a whole number in 1..1000"]) for value in [*WHOLE, "0", "1001"]),
    *(("n_workers", value, ["n_workers = ", "need a whole number in 1..1000"]) for value in [*WHOLE, "0", "1001"]),
    ("title", "3", ["title = 3: need a text of 1 to 300 characters"]),
    ("title", '""', ["title = '': need a text"]),
    ("title", f'"{"x" * 301}"', ["title = 'xxx", "need a text of 1 to 300"]),
    ("clock", '"modelld"', ["clock = 'modelld': not one of measured, modelled", 'did you mean "modelled"?']),
    ("clock", '"mesured"', ["clock = 'mesured'", 'did you mean "measured"?']),
    ("clock", "true", ["clock = True: not one of"]),
    ("endpoint", '"test"', ["endpoint = 'test': not one of test_error, valid_error, score", '"test_error"?']),
    ("endpoint", "1", ["endpoint = 1: not one of"]),
    ("control", '"plane"', ["control = 'plane': not one of plain", 'did you mean "plain"?']),
    ("control", "[]", ["control = []: not one of plain"]),
    ("clock", "[]", ["clock = []: not one of"]),
    *(("calibration", value, ["calibration = ", "need a text"]) for value in ("3", "true", '""', "[]", "{}", "nan")),
    ("calibration", '"nowhere"', ["calibration 'nowhere': ", "a path to a .toml file"]),
    ("calibration", '"none.toml"', ["calibration file 'none.toml': there is no such file"]),
    ("calibration", '"good.toml"', ["calibration good.toml: ", ": unknown key, allowed are format, name"]),
    ("calibratoin", '"x"', ["calibratoin: unknown key, allowed are", 'did you mean "calibration"?']),
    ("device", '"gpu"', ["device = 'gpu': not one of auto, cpu, cuda"]),
    ("device", '"cuda:0"', ["device = 'cuda:0': not one of", 'did you mean "cuda"?']),
    ("device", '"cuda"', ["device 'cuda': allowed here are cpu", "no usable GPU"]),
    ("resume", '"yes"', ["resume = 'yes': need true or false"]),
    ("resume", "1", ["resume = 1: need true or false"]),
    ("resume", "[]", ["resume = []: need true or false"]),
    ("budget", "{}", ["budget = {}: need a table with one or more of trials, evaluations, epochs, runtime"]),
    ("budget", "20", ["budget = 20: need a table"]),
    ("budget", "[20]", ["budget = [20]: need a table"]),
    ("budget", "{ trails = 1 }", ["budget.trails: unknown key, allowed are trials", 'did you mean "trials"?']),
    ("budget", "{ time = 1 }", ["budget.time: unknown key, allowed are"]),
    *(
        ("budget", f"{{ {key} = {value} }}", [f"budget.{key} = ", "need a whole number in 1.."])
        for key in ("trials", "evaluations", "epochs")
        for value in ("0", "-1", "1.5", "true", "nan", '"10"', "10000000000000")
    ),
    *(
        ("budget", f"{{ trials = 1, runtime = {value} }}", ["budget.runtime = ", "need a number of seconds > 0"])
        for value in ("0", "0.0", "-1", "nan", "inf", "-inf", "true", '"x"', "[]", "1" + "0" * 400, "1e300")
    ),
    ("objectives", "{}", ["objectives = {}: need at least one table [objectives.LABEL]"]),
    ("objectives", '"branin"', ["objectives = 'branin': need at least one table"]),
    ("objectives", "[]", ["objectives = []: need at least one table"]),
    ("algorithms", "{}", ["algorithms = {}: need at least one table [algorithms.LABEL]"]),
    ("algorithms", '["random"]', ["algorithms = ['random']: need at least one table"]),
    ("seeds", "1", ["seeds: unknown key, allowed are", 'did you mean "seed"?']),
    ("n_jobs", "1", ["n_jobs: unknown key, allowed are"]),
    ('"se\\ned"', "1", ["'se\\ned': unknown key"]),
    (f'"{"x" * 1000}"', "1", ["unknown key"]),
]


@pytest.mark.parametrize(
    ("field", "value", "fragments"), FIELDS, ids=lambda part: part[:40] if isinstance(part, str) else ""
)
def test_a_bad_field_is_refused(refused, here, field, value, fragments, monkeypatch):
    """Every field of a suite: wrong types and values outside their range, from the file and by --set."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    (here / "bad.toml").write_text(toml({field: value}))

    refused(["run", "bad.toml", "--jobs", "1"], *fragments)
    if not field.startswith('"'):
        refused([*RUN, "--set", f"{field}={value}"], *fragments)


@pytest.mark.parametrize("field", ["objectives", "algorithms", "budget"])
def test_a_missing_field_is_refused(refused, here, field):
    """There is no comparison without objectives, algorithms and a budget."""
    (here / "bad.toml").write_text(toml({field: None}))

    refused(["run", "bad.toml"], f"{field} = None: need")


@pytest.mark.parametrize("value", [*WHOLE, "0", "1001", "1000000000", "1.5", '"2"'])
def test_a_bad_number_of_workers_of_an_algorithm_is_refused(refused, here, value):
    """As the suite's own number, with the algorithm's name before it."""
    (here / "bad.toml").write_text(toml({"algorithms": f'{{ a = {{ searcher = "random", n_workers = {value} }} }}'}))

    refused(["run", "bad.toml", "--jobs", "1"], "algorithms.a.n_workers = ", "need a whole number in 1..1000")
    refused([*RUN, "--set", f"algorithms.plain.n_workers={value}"], "algorithms.plain.n_workers = ", "in 1..1000")


@pytest.mark.parametrize("value", [*WHOLE, "0", "10001", "1000000000", "1.5", '"2"'])
def test_a_bad_grid_is_refused(refused, here, value):
    """Levels of each number: whole, and not so many that no grid of them could be held."""
    (here / "bad.toml").write_text(toml({"objectives": f"{{ branin = {{ discretise = {value} }} }}"}))

    refused(["run", "bad.toml", "--jobs", "1"], "objectives.branin.discretise = ", "need a whole number in 1..10000")
    refused([*RUN, "--set", f"objectives.branin.discretise={value}"], "branin.discretise = ", "in 1..10000")


@pytest.mark.parametrize("command", [["run", "--jobs", "1"], ["replay", "--tables", "."], ["harvest"], ["status"]])
@pytest.mark.parametrize("text", ["n_worker = 2", "workers = 2", "seed = 1"])
def test_an_unknown_key_of_an_algorithm_is_refused(refused, here, command, text):
    """Beside scheduler and searcher there is n_workers, whatever the command."""
    (here / "bad.toml").write_text(toml({"algorithms": f'{{ a = {{ searcher = "random", {text} }} }}'}))
    key = text.partition(" ")[0]

    refused([command[0], "bad.toml", *command[1:]], f"algorithms.a.{key}: unknown key, allowed are", "n_workers")


LABELS = [
    "A",
    "a/b",
    "..",
    ".",
    "-rf",
    "",
    "x" * 65,
    "x" * 300,
    "\u00e9",
    "a b",
    "a\\nb",
    "a\\u0000b",
    "_a",
    "a.b",
    "/etc",
]


@pytest.mark.parametrize("label", LABELS, ids=repr)
def test_a_bad_label_is_refused(refused, here, label):
    """Labels become folders: no capitals, no slashes, no dots, not too long."""
    for field, entry in (("objectives", '{ name = "branin" }'), ("algorithms", '{ searcher = "random" }')):
        (here / "bad.toml").write_text(toml({field: f'{{ "{label}" = {entry} }}'}))

        refused(["run", "bad.toml"], f"{field}: label '", "need 1 to 64 lower-case letters, digits, '-' and '_'")


# Objectives.

SEGMENT = "objectives.a"
OBJECTIVES = {
    "no table": ('"branin"', ["objectives.a = 'branin': need a table [objectives.a]"]),
    "a list": ("[{}]", ["objectives.a = [{}]: need a table"]),
    "unknown": ('{ name = "lenett" }', ["objectives.a.name = 'lenett': not one of softmax", 'did you mean "lenet"?']),
    "its label": ("{}", ["objectives.a.name = 'a': not one of softmax, lenet"]),
    "no name": ('{ name = "" }', ["objectives.a.name = '': need a text"]),
    "number": ("{ name = 3 }", ["objectives.a.name = 3: need a text"]),
    "long name": (f'{{ name = "{"x" * 301}" }}', ["objectives.a.name = 'xxx", "need a text of 1 to 300"]),
    "option": ('{ name = "lenet", epoch = 3 }', ["objectives.a.epoch: unknown key", 'did you mean "epochs"?']),
    "no option of its own": (
        '{ name = "branin", data = "digits" }',
        ["objectives.a.data: unknown key, allowed are noise"],
    ),
    "epochs 0": ('{ name = "lenet", epochs = 0 }', ["objectives.a: epochs = 0: need a whole number in 1..10000"]),
    "epochs 1.5": ('{ name = "lenet", epochs = 1.5 }', ["objectives.a: epochs = 1.5: need"]),
    "epochs text": ('{ name = "lenet", epochs = "x" }', ["objectives.a: epochs = 'x': need"]),
    "epochs true": ('{ name = "lenet", epochs = true }', ["objectives.a: epochs = True: need"]),
    "epochs nan": ('{ name = "lenet", epochs = nan }', ["objectives.a.epochs = nan: need a finite number"]),
    "epochs many": ('{ name = "lenet", epochs = 10001 }', ["objectives.a: epochs = 10001: need"]),
    "epochs huge": ('{ name = "lenet", epochs = 0xffffffffffffffffff }', ["objectives.a.epochs = ", "64 bits"]),
    "split": ('{ name = "lenet", split = "boook" }', ["objectives.a: split = 'boook': not one of standard, book"]),
    "split true": ('{ name = "lenet", split = true }', ["objectives.a: split = True: not one of"]),
    "data": (
        '{ name = "lenet", data = "digitz" }',
        ["objectives.a: data = 'digitz': not one of digits, fashion_mnist"],
    ),
    "data list": ('{ name = "lenet", data = ["digits"] }', ["objectives.a: data = ['digits']: not one of"]),
    "folds 1": ('{ name = "lenet", folds = 1 }', ["objectives.a: folds = 1: need a whole number in 2..100"]),
    "folds 0": ('{ name = "lenet", folds = 0 }', ["objectives.a: folds = 0: need"]),
    "folds true": ('{ name = "lenet", folds = true }', ["objectives.a: folds = True: need"]),
    "folds text": ('{ name = "lenet", folds = "x" }', ["objectives.a: folds = 'x': need"]),
    "folds many": ('{ name = "lenet", folds = 101 }', ["objectives.a: folds = 101: need"]),
    "folds and book": ('{ name = "lenet", folds = 5, split = "book" }', ["objectives.a: folds: not with split"]),
    "noise -1": ('{ name = "branin", noise = -1 }', ["objectives.a: noise = -1: need a number >= 0"]),
    "noise nan": ('{ name = "branin", noise = nan }', ["objectives.a.noise = nan: need a finite number"]),
    "noise inf": ('{ name = "branin", noise = inf }', ["objectives.a.noise = inf: need a finite number"]),
    "noise true": ('{ name = "branin", noise = true }', ["objectives.a: noise = True: need"]),
    "noise text": ('{ name = "hartmann6", noise = "x" }', ["objectives.a: noise = 'x': need"]),
    "not importable": (
        '{ name = "no.such:Thing" }',
        ["objectives.a.name = 'no.such:Thing': cannot be imported", "'no'"],
    ),
    "no attribute": (f'{{ name = "{MISFITS}None" }}', ["cannot be imported", "no attribute 'None'"]),
    "no objective": (f'{{ name = "{MISFITS}NoMethods" }}', ["is not an objectives.objective.Objective"]),
    "unprintable": (f'{{ name = "{MISFITS}unprintable" }}', ["is not an objectives.objective.Objective"]),
    "nothing": (f'{{ name = "{MISFITS}nothing" }}', ["None is not an objectives.objective.Objective"]),
    "abstract": (f'{{ name = "{MISFITS}Abstract" }}', ["objectives.a: ", "abstract class Abstract"]),
    "odd space": (f'{{ name = "{MISFITS}Odd", odd = "space" }}', ["objectives.a: space = {", "objectives.space.Space"]),
    "no space": (f'{{ name = "{MISFITS}Odd", odd = "raises" }}', ["objectives.a.name", "RuntimeError: no space here"]),
    "odd epochs": (
        f'{{ name = "{MISFITS}Odd", odd = "epochs" }}',
        ["objectives.a: max_epochs = 0: need a whole number"],
    ),
    "odd chance": (f'{{ name = "{MISFITS}Odd", odd = "chance" }}', ["objectives.a: chance_error = nan: need a finite"]),
    "odd best": (
        f'{{ name = "{MISFITS}Odd", odd = "best" }}',
        ["objectives.a: best_error = 2.0: need a finite", "below"],
    ),
    "odd default": (f'{{ name = "{MISFITS}Odd", odd = "default" }}', ["objectives.a.name", "x = 2.0: outside"]),
    "third-party option": (
        f'{{ name = "{MISFITS}Odd", od = 1 }}',
        ["objectives.a.od: unknown key", 'did you mean "odd"?'],
    ),
}


@pytest.mark.parametrize("case", OBJECTIVES)
def test_a_bad_objective_is_refused(refused, here, case):
    """Names, options and third-party classes."""
    entry, fragments = OBJECTIVES[case]
    (here / "bad.toml").write_text(toml({"objectives": f"{{ a = {entry} }}"}))

    refused(["run", "bad.toml", "--jobs", "1"], "bad.toml" if case in ("no table", "a list") else "", *fragments)


def test_missing_data_is_refused(refused, here):
    """An empty data folder does not hold Fashion-MNIST; the message says how to get it there."""
    (here / "data").mkdir()
    (here / "bad.toml").write_text(toml({"objectives": '{ lenet = { data = "fashion_mnist" } }'}))

    refused(
        ["run", "bad.toml", "--jobs", "1", "--data", "data"], "fashion_mnist: not found in", "put the four unpacked"
    )


# Algorithms.

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
    "levels 1e6": ('{ searcher = { name = "grid", levels = 1000000 } }', ["levels = 1000000", "1000000"]),
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
        ["algorithms.a.searcher: the scheduler 'tests.benchmark.misfits:Alone' takes no searcher"],
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
    monkeypatch.setattr("algorithms.imported._version", lambda distribution: None)
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
    ("text", "said"),
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
def test_a_module_that_cannot_be_imported_is_refused(refused, tmp_path, here, monkeypatch, text, said):
    """Importing third-party code runs it: whatever it raises is said in one line."""
    (tmp_path / "broken_module.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (here / "bad.toml").write_text(toml({"algorithms": '{ a = { searcher = "broken_module:Thing" } }'}))

    refused(
        ["run", "bad.toml", "--jobs", "1"], "algorithms.a.searcher = 'broken_module:Thing': cannot be imported", said
    )


# Through a real process.


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        ([], [f"{{{','.join(VERBS)}}}"]),
        (["rn", "digits"], ['did you mean "run"?']),
        (["run", "digit"], ['did you mean "digits"?']),
        (["run", "good.toml", "--job", "2"], ['did you mean "--jobs"?']),
        (["run", "good.toml", "--jobs", "0"], ["--jobs '0': need a whole number in 1..1024"]),
        (["run", "good.toml", "--set", "seed=-1"], ["seed = -1: need a whole number"]),
        (["run", "good.toml", "--results", "good.toml"], ["is a file, need a folder"]),
        (["run", "good.toml", "--set", "algorithms.plain.searcher=randm"], ['did you mean "random"?']),
    ],
    ids=lambda part: " ".join(part)[:40],
)
def test_a_process_refuses_with_exit_code_2(here, arguments, fragments):
    """The same through `python -m benchmark`: nothing on stdout, one message on stderr, nothing written."""
    before = tree(here)
    command = [sys.executable, "-m", "benchmark", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}

    done = subprocess.run(command, cwd=here, env=environment, capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) <= 3
    assert all(fragment in done.stderr for fragment in fragments), done.stderr
    assert tree(here) == before


# Clocks.


@pytest.mark.parametrize("name", ["softmax", "lenet", "dropout_mlp"])
def test_a_modelled_clock_without_prices_is_refused(refused, here, name):
    """Nothing is trained before it is known what it costs."""
    changes = {"clock": '"modelled"', "objectives": f"{{ branin = {{}}, a = {{ name = '{name}' }} }}"}
    (here / "bad.toml").write_text(toml(changes))

    refused(["run", "bad.toml", "--device", "cpu"], "calibration = None", "needs one for objectives.a", "calibrate")
