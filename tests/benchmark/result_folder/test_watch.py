"""What `status --watch` shows while others execute the suite."""

import os
import platform
import time
from types import SimpleNamespace

from benchmark.cli.main import main
from benchmark.result_folder import watch
from benchmark.storage.progress_file import Progress, RunCounts, Work, write_progress
from benchmark.suite.parsing import load
from tests.benchmark.cli.tiny_suite import RUN, TINY


def running(**changes):
    """Progress of this process, as if it were executing a suite."""
    return Progress(
        **{
            "written": time.time(),
            "pid": os.getpid(),
            "host": platform.node(),
            "started": time.time() - 100,
            "state": "running",
            "runs": RunCounts(total=4, done=1, failed=0, running=2),
            "work": Work(done=30.0, total=120.0, unit="seconds"),
            "eta_seconds": None,
            **changes,
        }
    )


def sleep_by(monkeypatch, sleep):
    """Have something happen between two looks; everybody else sleeps as ever."""
    monkeypatch.setattr(watch, "time", SimpleNamespace(time=time.time, sleep=sleep))


def test_it_follows_a_suite_from_its_beginning_to_its_end(tmp_path, monkeypatch):
    """It waits for a process, shows how far it is, says when there is none any more, and ends with the last run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    folder, shown = tmp_path / "results" / "tiny", []
    stalled = (("runs/branin/random/000.jsonl", 300.0),)
    happenings = iter(
        [
            lambda: (folder.mkdir(parents=True), write_progress(folder / "progress.json", running())),
            lambda: write_progress(folder / "progress.json", running(eta_seconds=(250.0, 350.0), stalled=stalled)),
            lambda: write_progress(folder / "progress.json", running(state="stopped")),
            lambda: main([*RUN, "--quiet"]),
        ]
    )
    sleep_by(monkeypatch, lambda seconds: next(happenings)())

    watch.watch(load("tiny.toml", []), folder, "run it", shown.append)

    nothing = ["0 of 4 runs done, none in progress; to go on: run it"]
    bar = f"[{'#' * 10}{'.' * 30}]"
    counts = "1 of 4 runs done, 2 in progress"
    assert shown == [
        nothing,
        [bar, f"25 % of the work done, time left not known yet; {counts}"],
        [
            *[bar, f"25 % of the work done, 4 to 6 min left; {counts}"],
            "stalled: runs/branin/random/000.jsonl has recorded nothing for 5 min",
        ],
        nothing,
    ]


def test_it_ends_where_the_rest_has_failed(tmp_path):
    """Nobody executes failed runs again by himself."""
    (tmp_path / "tiny.toml").write_text(TINY)
    counts = RunCounts(total=4, done=0, failed=4, running=0)
    write_progress(tmp_path / "progress.json", running(state="done", runs=counts))
    shown = []
    watch.watch(load(str(tmp_path / "tiny.toml"), []), tmp_path, "run it", shown.append)
    assert shown == []


def test_the_command_shows_the_table_at_the_end(tmp_path, monkeypatch, capsys):
    """Lines that change, where there is no terminal; while a process is at work, `status` alone says so too."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)
    folder = tmp_path / "results" / "tiny"
    folder.mkdir(parents=True)
    write_progress(folder / "progress.json", running())
    assert main(["status", "tiny.toml"]) == 0
    line = "25 % of the work done, time left not known yet; 1 of 4 runs done, 2 in progress"
    assert line in capsys.readouterr().out.splitlines()
    happenings = iter([lambda: None, lambda: main([*RUN, "--quiet"])])
    sleep_by(monkeypatch, lambda seconds: next(happenings)())

    assert main(["status", "tiny.toml", "--watch"]) == 0

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [line, "suite tiny in results/tiny: 4 of 4 runs done"]


def test_ctrl_c_ends_it(tmp_path, monkeypatch, capsys):
    """Without a complaint; the command to go on is the one that runs the suite."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TINY)

    def interrupt(seconds):
        raise KeyboardInterrupt

    sleep_by(monkeypatch, interrupt)
    assert main(["status", "tiny.toml", "--watch", "--results", "elsewhere"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "0 of 4 runs done" in out
    assert "--watch" not in out
