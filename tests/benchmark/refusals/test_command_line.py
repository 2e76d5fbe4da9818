"""Bad command lines are refused before anything is written: exit code 2 and one message that helps."""

import os
import subprocess
import sys

import pytest

from benchmark.cli.main import COMMANDS as VERBS
from benchmark.cli.main import main
from tests import ROOT
from tests.benchmark.refusals.good import RUN, tree

REPLAY = ["replay", "good.toml", "--tables", "."]
CALIBRATE = ["calibrate", "good.toml", "--set", "objectives.softmax.epochs=1", "--device", "cpu"]
PRICED = ["--set", 'clock="modelled"', "--set", 'calibration="epyc"']
COMMANDS = {
    "none": ([], [f"command: missing, need one of {', '.join(VERBS)}"]),
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
    "--route unknown": (
        [*RUN, "--route", "looping"],
        ["--route = 'looping': not one of triton, functional, stacked, looped", 'did you mean "looped"?'],
    ),
    "--route without networks": (
        [*RUN, "--device", "cpu", "--route", "functional", "--set", 'clock="modelled"'],
        ["--route functional: no objective of the suite trains networks side by side; leave --route out"],
    ),
    "--route of single trials": (
        [*RUN, "--device", "cpu", "--route", "functional", "--set", 'clock="measured"'],
        ["--route functional: clock is measured, so every trial trains by itself"],
    ),
    "--route impossible": (
        [*RUN, "--device", "cpu", "--route", "triton", "--set", 'objectives.net={name="softmax"}', *PRICED],
        ["--route triton: objectives.net: needs a GPU, not cpu; leave --route out"],
    ),
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


# Through a real process.


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        ([], ["command: missing, need one of run, "]),
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
