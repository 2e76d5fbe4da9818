"""`run`: what it writes and prints, how it ends, and that it may be called from a program or a notebook."""

import asyncio
import contextlib
import io
import json
import shlex
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmark.cli.main import main
from benchmark.errors import shell_command
from tests.benchmark.cli.tiny_suite import FAILING, RUN


def test_a_suite_runs_from_the_command_line(study, capsys):
    """Ledgers and plan are where they belong, a rerun does nothing, and messages are few."""
    assert main(RUN) == 0
    out, message = capsys.readouterr()
    assert out.startswith("suite tiny: 4 runs, 0 done, 4 to do -> results/tiny\n")
    assert "[4/4]" in out
    assert message == ""
    files = sorted(str(path.relative_to(study)) for path in study.glob("results/**/*.json*"))
    ledgers = [f"results/tiny/runs/branin/{a}/00{r}.jsonl" for a in ("local", "random") for r in (0, 1)]
    assert files == ["results/tiny/progress.json", *ledgers, "results/tiny/suite.json"]
    assert json.loads((study / "results/tiny/suite.json").read_text())["name"] == "tiny"
    before = {path: path.read_bytes() for path in study.glob("results/tiny/runs/**/*.jsonl")}

    assert main([*RUN, "--quiet"]) == 0

    assert capsys.readouterr() == ("", "")
    assert {path: path.read_bytes() for path in study.glob("results/tiny/runs/**/*.jsonl")} == before


def test_a_failed_run_is_exit_code_1_with_its_reason(study, capsys):
    """Other runs are done, the failed ones are named, and the command to try again is given."""
    (study / "tiny.toml").write_text(FAILING)

    assert main([*RUN, "--quiet", "--set", "budget.trials=3", "--set", 'title="a b"']) == 1

    out, message = capsys.readouterr()
    assert out == ""
    assert "runs/branin/bad/000.jsonl: failed: suggest() raised RuntimeError: out of ideas" in message
    *_, last = message.splitlines()
    assert last.startswith(f"2 of 6 runs are not done; again: {shell_command('benchmark', 'run', 'tiny.toml')}")
    command = shlex.split(last.partition("again: ")[2])
    assert command[3:] == [*RUN, "--quiet", "--set", "budget.trials=3", "--set", 'title="a b"']
    assert main(command[3:]) == 1


def test_another_suite_in_the_folder_is_refused(study, capsys):
    """Results of a changed suite are not mixed in: exit code 2, naming the change and the remedy."""
    main([*RUN, "--quiet"])

    assert main([*RUN, "--quiet", "--set", "seed=1"]) == 2

    message = capsys.readouterr().err
    assert "suite_seed was 0 and is now 1; use another --results folder" in message
    assert len(message.splitlines()) == 1
    assert main([*RUN, "--quiet", "--set", "seed=1", "--results", "others"]) == 0


def test_the_command_line_leaves_signals_as_they_were(study):
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
def test_a_program_of_ones_own_may_call_the_command_line(study, capsys, called):
    """In another thread or a notebook, repeatedly, whatever takes the output, runs and refusals are the same."""
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
def test_an_interrupt_before_the_first_run_has_no_traceback(study, monkeypatch, capsys, number, code):
    """A signal while PyTorch still loads ends the command with the signal's code, and says how to go on."""

    def interrupted(text, preset):
        signal.raise_signal(number)

    monkeypatch.setattr("benchmark.cli.options.check_device", interrupted)

    assert main(RUN) == code

    out, message = capsys.readouterr()
    assert out == ""
    assert message.startswith("stopped; ")
    assert message.endswith(f"To go on: {shell_command('benchmark', *RUN)}\n")
    assert not (study / "results").exists()
