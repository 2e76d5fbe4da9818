"""The command line: what it lists, how far it says a suite is, and how it ends when nobody reads."""

import ast
import asyncio
import contextlib
import io
import json
import os
import shlex
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from algorithms.interop.optional_method import OptionalMethod
from benchmark.cli.main import main
from benchmark.errors import shell_command
from benchmark.suite.parsing import load, suite_names
from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS
from objectives import OBJECTIVES
from objectives.registry import Registry
from tests import ROOT
from tests.benchmark.fakes.stacked_toy import invented_calibration

TINY = """
repetitions = 2
budget.trials = 2
objectives.branin = {}
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
"""
FAILING = TINY + 'algorithms.bad.searcher = "tests.benchmark.fakes.crashing:RaisingSearcher"\n'
RUN = ["run", "tiny.toml", "--jobs", "1", "--device", "cpu"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working folder with a tiny suite in it."""
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("INCUMBENT_DATA", raising=False)
    return tmp_path


def process(arguments, folder, **options):
    """A `python -m benchmark` in a folder, without a GPU."""
    settings = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "", "CUDA_VISIBLE_DEVICES": ""}
    environment = {**os.environ, **settings, **options.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "benchmark", *arguments],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        **{"stdout": subprocess.PIPE, **options},
    )


# list


def test_list_names_everything_with_a_line_on_it(capsys):
    """Every objective, searcher, scheduler and suite stands on a line with its description."""
    assert main(["list"]) == 0

    out, message = capsys.readouterr()
    described = dict(line.split(maxsplit=1) for line in out.splitlines() if line.startswith("  "))
    names = [line.split(maxsplit=1)[0] for line in out.splitlines() if line.startswith("  ")]
    assert names == [*OBJECTIVES, *ALL_SEARCHERS, *ALL_SCHEDULERS, *suite_names()]
    assert all(len(text) > 20 for text in described.values())
    assert described["digits"] == load("digits").title
    assert [line for line in out.splitlines() if not line.startswith("  ")] == [
        "objectives:",
        "searchers:",
        "schedulers:",
        "suites:",
    ]
    assert message == ""


def test_list_tells_how_to_install_what_is_missing(capsys, monkeypatch):
    """A library's entry stands there whether it is installed or not; then its line says what to do."""
    missing = OptionalMethod("no.such:Thing", extra="never", libraries=("never-published",), summary="An invented one.")
    none_needed = OptionalMethod("no.such:Thing", extra="", libraries=(), summary="One that needs no library.")
    monkeypatch.setattr(
        "benchmark.cli.commands.list_parts.ALL_SEARCHERS", Registry({"missing": missing, "bare": none_needed})
    )
    monkeypatch.setattr("benchmark.cli.commands.list_parts.ALL_SCHEDULERS", Registry({}))

    assert main(["list"]) == 0

    out, message = capsys.readouterr()
    assert "  missing              An invented one. (not installed: pip install '.[never]')\n" in out
    assert "  bare                 One that needs no library.\n" in out
    assert message == ""


LIGHT = """
import sys
from contextlib import suppress
from benchmark.cli.main import main
commands = sys.stdin.read().splitlines()
for command in commands:
    with suppress(SystemExit):
        main(command.split())
print(sorted(sys.modules), file=sys.__stderr__)
"""


def test_what_needs_no_training_imports_nothing_heavy(here):
    """Help, lists, status and refusals load neither PyTorch nor SciPy nor an algorithm's library."""
    commands = [
        *("--help", "run --help", "list", "status tiny.toml", "status digits", "frobnicate", "run nosuch"),
        *("run tiny.toml --jobs x", "run tiny.toml --set sed=1", "run tiny.toml --set objectives.branin.name=x"),
        *("run tiny.toml --set algorithms.random.searcher=randm", "audit tiny.toml --sample 0", "recheck tiny.toml"),
        *(
            "run tiny.toml --set algorithms.random.searcher.seed=1",
            "plan digits --time 1",
            "merge a b",
            "repair nosuch",
        ),
    ]
    done = subprocess.run(
        [sys.executable, "-c", LIGHT],
        input="\n".join(commands),
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    heavy = {"torch", "scipy", "pandas", "sklearn", "matplotlib", "optuna", "smac", "syne_tune", "ray", "nevergrad"}
    heavy |= {"hyperopt", "cmaes", "botorch", "gpytorch"}
    assert not heavy & set(ast.literal_eval(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["run", "--help"]], ids=" ".join)
def test_a_closed_pipe_is_no_accident(tmp_path, arguments):
    """`list | head -1`: no traceback, no complaint at the end, when the reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    running = process(arguments, tmp_path, stdout=writing)
    os.close(writing)

    _, message = running.communicate(timeout=120)

    assert (running.returncode, message) == (1, "")


# help


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize(
    "command",
    [[], ["run"], ["status"], ["list"], ["replay"], ["harvest"]],
    ids=lambda words: words[0] if words else "none",
)
def test_help_tells_what_there_is(capsys, command, flag):
    """Help goes to stdout, names every command or option, and ends with 0."""
    with pytest.raises(SystemExit) as end:
        main([*command, flag])

    out, message = capsys.readouterr()
    assert (end.value.code, message) == (0, "")
    words = {
        "": ["run", "status", "list", "replay", "harvest"],
        "replay": ["SUITE", "--tables", "--miss", "--recycle", "--jobs", "--data", "--device", "--results", "--set"],
        "harvest": ["SUITE", "--out", "--results", "--set"],
        "run": ["SUITE", "--jobs", "--data", "--device", "--quiet", "--allow-mixed", "--results", "--set"],
        "status": ["SUITE", "--results", "--set"],
        "list": ["--help"],
    }["".join(command)]
    assert all(word in out for word in words)
    assert max(len(line) for line in out.splitlines()) <= 120


# run


def test_a_suite_runs_from_the_command_line(here, capsys):
    """Ledgers and plan are where they belong, a rerun does nothing, and messages are few."""
    assert main(RUN) == 0
    out, message = capsys.readouterr()
    assert out.startswith("suite tiny: 4 runs, 0 done, 4 to do -> results/tiny\n")
    assert "[4/4]" in out
    assert message == ""
    found = sorted(str(path.relative_to(here)) for path in here.glob("results/**/*.json*"))
    ledgers = [f"results/tiny/runs/branin/{a}/00{r}.jsonl" for a in ("local", "random") for r in (0, 1)]
    assert found == [*ledgers, "results/tiny/suite.json"]
    assert json.loads((here / "results/tiny/suite.json").read_text())["name"] == "tiny"
    before = {path: path.read_bytes() for path in here.glob("results/tiny/runs/**/*.jsonl")}

    assert main([*RUN, "--quiet"]) == 0

    assert capsys.readouterr() == ("", "")
    assert {path: path.read_bytes() for path in here.glob("results/tiny/runs/**/*.jsonl")} == before


def test_a_failed_run_is_exit_code_1_with_its_reason(here, capsys):
    """Other runs are done, the failed ones are named, and the command to try again is given."""
    (here / "tiny.toml").write_text(FAILING)

    assert main([*RUN, "--quiet", "--set", "budget.trials=3", "--set", 'title="a b"']) == 1

    out, message = capsys.readouterr()
    assert out == ""
    assert "runs/branin/bad/000.jsonl: failed: suggest() raised RuntimeError: out of ideas" in message
    *_, last = message.splitlines()
    assert last.startswith(f"2 of 6 runs are not done; again: {shell_command('benchmark', 'run', 'tiny.toml')}")
    again = shlex.split(last.partition("again: ")[2])
    assert again[3:] == [*RUN, "--quiet", "--set", "budget.trials=3", "--set", 'title="a b"']
    assert main(again[3:]) == 1


def test_another_suite_in_the_folder_is_refused(here, capsys):
    """Results of a changed suite are not mixed in: exit code 2, naming the change and the remedy."""
    main([*RUN, "--quiet"])

    assert main([*RUN, "--quiet", "--set", "seed=1"]) == 2

    message = capsys.readouterr().err
    assert "suite_seed was 0 and is now 1; use another --results folder" in message
    assert len(message.splitlines()) == 1
    assert main([*RUN, "--quiet", "--set", "seed=1", "--results", "others"]) == 0


def test_the_command_line_leaves_signals_as_they_were(here):
    """After a run in this process SIGTERM does what it did before."""

    def handler(number, frame):
        """Does nothing."""

    before = signal.signal(signal.SIGTERM, handler)
    try:
        main([*RUN, "--quiet"])

        assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)


def in_a_thread(call):
    """The outcome of a call in another thread than the main one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(call).result()


def under_an_event_loop(call):
    """The outcome of a call while an event loop runs, as in a notebook's cell."""

    async def cell():
        return call()

    return asyncio.run(cell())


@pytest.mark.parametrize("called", [in_a_thread, under_an_event_loop])
def test_a_program_of_ones_own_may_call_the_command_line(here, capsys, called):
    """In another thread or a notebook, again and again, whatever takes the output, runs and refusals are the same."""
    outputs = []
    for arguments in ([*RUN, "--set", "repetitions=1"], RUN, ["status", "tiny.toml"], ["run", "nosuch"]):
        with contextlib.redirect_stdout(io.StringIO()) as output:
            outputs.append((called(lambda arguments=arguments: main(arguments)), output.getvalue()))

    assert [code for code, _ in outputs] == [0, 0, 0, 2]
    assert "[2/2]" in outputs[0][1]
    assert outputs[1][1].startswith("suite tiny: 4 runs, 2 done, 2 to do")
    assert outputs[2][1].startswith("suite tiny in results/tiny: 4 of 4 runs done")
    assert capsys.readouterr().err.startswith("error: suite 'nosuch': not one of")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_before_the_first_run_has_no_traceback(here, monkeypatch, capsys, number, code):
    """A signal while PyTorch still loads ends the command with the signal's code, and says how to go on."""

    def interrupted(text, preset):
        signal.raise_signal(number)

    monkeypatch.setattr("benchmark.cli.options.check_device", interrupted)

    assert main(RUN) == code

    out, message = capsys.readouterr()
    assert out == ""
    assert message.startswith("stopped; ")
    assert message.endswith(f"To go on: {shell_command('benchmark', *RUN)}\n")
    assert not (here / "results").exists()


# status


def status(capsys, *arguments):
    """The lines that `status` prints."""
    capsys.readouterr()
    assert main(["status", "tiny.toml", *arguments]) == 0
    out, message = capsys.readouterr()
    assert message == ""
    return out.splitlines()


def counts(lines):
    """The table of a status: for each cell the number of runs in each state that has some."""
    states = lines[1].split()
    cells = [line.split() for line in lines[2:] if line.startswith("  ")]
    return {cell: {s: int(n) for s, n in zip(states, numbers, strict=True) if n != "0"} for cell, *numbers in cells}


def test_status_of_nothing(here, capsys):
    """With no results yet all runs are missing, the command to begin is given, nothing is written."""
    lines = status(capsys)

    assert lines[0] == "suite tiny in results/tiny: 0 of 4 runs done"
    assert counts(lines) == {"branin/random": {"missing": 2}, "branin/local": {"missing": 2}}
    assert lines[-1] == f"to go on: {shell_command('benchmark', 'run', 'tiny.toml')}"
    assert not (here / "results").exists()


def test_status_of_a_finished_suite(here, capsys):
    """All runs are done and no command is offered."""
    main([*RUN, "--quiet"])

    lines = status(capsys)

    assert lines[0] == "suite tiny in results/tiny: 4 of 4 runs done"
    assert counts(lines) == {"branin/random": {"done": 2}, "branin/local": {"done": 2}}
    assert not any(line.startswith("to go on") for line in lines)


def test_status_tells_every_state_apart(here, capsys):
    """Done, partial, failed, damaged and missing runs are counted, and the damaged ones named."""
    (here / "tiny.toml").write_text(FAILING)
    main([*RUN, "--quiet", "--set", "repetitions=1", "--set", "budget.trials=3"])
    done = here / "results/tiny/runs/branin/random/000.jsonl"
    whole = done.read_bytes()
    done.with_name("001.jsonl.part").write_bytes(whole[: len(whole) // 2])
    local = here / "results/tiny/runs/branin/local/000.jsonl"
    local.write_bytes(local.read_bytes().replace(b'"ok"', b'"oh"', 1))

    lines = status(capsys, "--set", "budget.trials=3")

    assert counts(lines) == {
        "branin/random": {"done": 1, "partial": 1},
        "branin/local": {"damaged": 1, "missing": 1},
        "branin/bad": {"failed": 1, "missing": 1},
    }
    assert lines[0] == "suite tiny in results/tiny: 1 of 6 runs done"
    assert lines[-2].startswith("damaged: results/tiny/runs/branin/local/000.jsonl: line 2 (byte ")
    assert "benchmark repair SUITE" in lines[-2]
    assert lines[-1] == f"to go on: {shell_command('benchmark', 'run', 'tiny.toml', '--set', 'budget.trials=3')}"


@pytest.mark.parametrize("suffix", ["", ".part", ".failed"])
def test_status_survives_what_is_no_ledger(here, capsys, suffix):
    """A folder, or a file of anything, in a ledger's place is damage, not a traceback."""
    cell = here / "results/tiny/runs/branin/random"
    (cell / f"000.jsonl{suffix}").mkdir(parents=True)
    (cell / f"001.jsonl{suffix}").write_bytes(b"\xff\n")

    lines = status(capsys)

    assert counts(lines)["branin/random"] == {"damaged": 2}


def test_the_command_that_status_gives_goes_on(here, capsys):
    """What is printed can be run as it is, options with spaces included."""
    (here / "my results").mkdir()
    lines = status(capsys, "--results", "my results", "--set", "title=a b")
    command = shlex.split(lines[-1].removeprefix("to go on: "))
    assert command == [
        *shlex.split(shell_command("benchmark")),
        *["run", "tiny.toml", "--results", "my results", "--set", "title=a b"],
    ]

    assert main([*command[3:], "--jobs", "1", "--device", "cpu", "--quiet"]) == 0

    assert "4 of 4 runs done" in status(capsys, "--results", "my results")[0]


def interrupted_at(capsys, monkeypatch, *arguments):
    """The words of the command to go on, after a command was interrupted."""

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr("benchmark.driver.runner.Runner.run", interrupted)
    capsys.readouterr()
    assert main(list(arguments)) == 130
    return shlex.split(capsys.readouterr().err.partition("-m benchmark ")[2])


@pytest.mark.parametrize(
    "words",
    [
        [*RUN, "--allow-mixed", "--quiet"],
        [*["replay", "tiny.toml", "--tables", "my tables", "--miss", "train", "--recycle"], "--set", "title=a b"],
        ["reprice", "tiny.toml", "--calibration", "prices.toml", "--set", "budget.trials=3"],
    ],
    ids=lambda words: words[0],
)
def test_the_command_to_go_on_is_the_one_that_was_given(here, capsys, monkeypatch, words):
    """Options, flags and texts with spaces are all in it, so that it goes on as it began."""
    (here / "my tables").mkdir()
    (here / "prices.toml").write_text(invented_calibration({"softmax": OBJECTIVES["softmax"]()}).to_toml())
    (here / "results/tiny/runs").mkdir(parents=True)

    assert interrupted_at(capsys, monkeypatch, *words) == words


def test_harvest_names_what_it_wrote(here, capsys):
    """A line for each table, in the suite's results or in the folder asked for; nothing else is written."""
    main([*RUN, "--quiet"])
    before = set(here.rglob("*"))

    assert main(["harvest", "tiny.toml"]) == 0
    assert main(["harvest", "tiny.toml", "--out", "a/b"]) == 0

    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("results/tiny/offline/branin.npz: ")
    assert first.partition(": ")[2] == second.partition(": ")[2]
    assert "configurations x 2 repetitions, " in first
    made = set(here.rglob("*")) - before
    assert {str(path.relative_to(here)) for path in made if path.is_file()} == {
        "results/tiny/offline/branin.npz",
        "a/b/branin.npz",
    }


def test_a_name_that_the_terminal_cannot_show_is_escaped(here):
    """Status of a folder with a letter that the output's encoding lacks, and with a byte that is no letter."""
    for name in ("r\u00e9sults", os.fsdecode(b"r\xff")):
        (here / name).mkdir()
        running = process(["status", "tiny.toml", "--results", name], here, env={"PYTHONIOENCODING": "ascii"})

        out, message = running.communicate(timeout=120)

        assert (running.returncode, message) == (0, "")
        assert "suite tiny in r\\" in out


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize(
    ("redirection", "words", "code", "told"),
    [
        (">/dev/full", "list", 1, "error: No space left on device; what is recorded stays"),
        ("2>/dev/full", "run nowhere", 2, ""),
        ("2>&-", "run nowhere", 2, ""),
        (">&-", "list", 0, ""),
    ],
)
def test_streams_that_take_nothing_leave_the_exit_code(redirection, words, code, told):
    """A full disk behind stdout ends the command in a line; what stderr does not take is lost, and nothing else."""
    line = f"{sys.executable} -m benchmark {words} {redirection}"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == code
    assert done.stdout == ""
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == bool(told)
