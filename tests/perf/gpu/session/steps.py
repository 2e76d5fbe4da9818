"""Runs steps one after the other, each in a process of its own with its own time limit; what each leaves is kept.

A step that hangs or crashes, as after an illegal access, costs no other step anything but its time. A step may leave a
result by `leave_result`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RESULT_FILE = "INCUMBENT_STEP_RESULT"
"""Environment variable of a step's process: the file that it may write its result into."""
GRACE = 5.0
"""Seconds that a process which is asked to end has for it."""
SHOWN_LINES = 40
"""Last lines of a step's output that the report keeps where the step failed or left no result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A command with a time limit.

    Attributes:
        name: as "rates/lenet/ieee".
        command: words of the command.
        limit: seconds after which its process and all that it started are ended.
        reserve: seconds of the time for all steps that this one leaves to those behind it.
        may_run_out: whether reaching the limit is no failure, because what was done until then counts.
    """

    name: str
    command: tuple[str, ...]
    limit: float
    reserve: float = 0.0
    may_run_out: bool = False


class Report:
    """A JSON file that is written anew after every step."""

    def __init__(self, path: Path, **head: Any) -> None:
        self.path = path
        self.content: dict[str, Any] = {**head, "steps": {}}

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        """Outcome, seconds, result and output of every step, by name."""
        steps: dict[str, dict[str, Any]] = self.content["steps"]
        return steps

    def save(self) -> None:
        """Write the file in one go, so that a reader never sees half of it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self.path.with_name(self.path.name + ".part")
        unfinished.write_text(json.dumps(self.content, indent=1) + "\n")
        unfinished.replace(self.path)


def leave_result(result: Any) -> None:
    """Keep a step's result: for the report where there is one, else on the screen."""
    text = json.dumps(result, indent=1)
    path = os.environ.get(RESULT_FILE)
    if path:
        unfinished = Path(path + ".part")
        unfinished.write_text(text)
        unfinished.replace(path)
    else:
        print(text)


def run_steps(
    steps: Iterable[Step],
    report: Report,
    *,
    log: Path,
    environment: Mapping[str, str],
    seconds: float | None = None,
    stop_at_failure: bool = False,
) -> None:
    """Run every step and save the report after each.

    Args:
        steps: in order, each asked for when the one before it has ended; names differ.
        report: their outcomes are added to it.
        log: file of all that the steps print.
        environment: variables of the processes, instead of this one's.
        seconds: all steps end within this time from now; those that no time is left for are "not run".
        stop_at_failure: steps after the first failure are "not run".
    """
    started, reason = time.perf_counter(), ""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    for step in steps:
        left = float("inf") if seconds is None else seconds - (time.perf_counter() - started) - GRACE - step.reserve
        reason = reason or ("no time is left" if left <= 0 else "")
        if reason:
            report.steps[step.name] = {"outcome": "not run", "reason": reason}
        else:
            outcome = run_step(step, min(step.limit, left), log, environment)
            report.steps[step.name] = outcome
            if stop_at_failure and outcome["outcome"] == "failed":
                reason = f"{step.name} failed"
        report.save()
        print(step_line(step.name, report.steps[step.name]), flush=True)


def run_step(step: Step, limit: float, log: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run one step; return its outcome ("ok", "failed", "time used up"), seconds, result and output."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        result_path, output_path = Path(folder, "result.json"), Path(folder, "output")
        with output_path.open("wb") as output:
            process = subprocess.Popen(
                step.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**environment, "PYTHONUNBUFFERED": "1", RESULT_FILE: str(result_path)},
                process_group=0,
            )
            code = wait_or_end(process, limit)
        seconds = time.perf_counter() - started
        text = output_path.read_text(errors="replace")
        with log.open("a") as whole:
            whole.write(f"== {step.name}: {' '.join(step.command)}\n{text}\n")
        outcome: dict[str, Any] = {"outcome": "ok", "seconds": round(seconds, 2)}
        if result_path.exists():
            outcome["result"] = json.loads(result_path.read_text())
        if code != 0 or "result" not in outcome:
            outcome["output"] = text.splitlines()[-SHOWN_LINES:]
    if code != 0:
        ran_out = code is None and step.may_run_out
        outcome["outcome"] = "time used up" if ran_out else "failed"
        outcome["reason"] = describe_end(code, limit)
    return outcome


def wait_or_end(process: subprocess.Popen[bytes], limit: float) -> int | None:
    """Return the exit code, or None where the limit was reached; no process of the group is left in any case."""
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        end_group(process)  # Workers that a crashed step leaves behind would go on using the device.


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the processes of a step to end, then end them."""
    for number, patience in ((signal.SIGTERM, GRACE - 1), (signal.SIGKILL, 1.0)):
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            return
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue


def describe_end(code: int | None, limit: float) -> str:
    """How a process ended that did not end well."""
    if code is None:
        return f"time limit of {limit:.0f} s"
    if code < 0:
        return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


def step_line(name: str, outcome: Mapping[str, Any]) -> str:
    """One line for the screen."""
    parts = [outcome["outcome"]]
    if "seconds" in outcome:
        parts.append(f"{outcome['seconds']:.1f} s")
    if "reason" in outcome:
        parts.append(outcome["reason"])
    line = f"{name:32s} {', '.join(parts)}"
    if not outcome.get("reason", "").startswith("exit code"):
        return line
    return "\n    ".join([line, *[text for text in outcome["output"] if text.strip()][-1:]])
