"""What a subject proposes in a fresh process with other hash seeds."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import Any

from benchmark.checking.properties import sequences_of
from benchmark.checking.subject import Subject
from benchmark.checking.violation import Violation
from benchmark.tuning.time_limit import TrialTimeout

HASH_SEED = "77"
PROGRAM = (
    "import json, sys; given = json.load(sys.stdin); sys.path[:] = given['path']; "
    "from benchmark.checking.fresh_process import answer; answer(given)"
)


class FreshProcess:
    """A process that drives a subject, and ends with this object's block."""

    def __init__(self, subject: Subject) -> None:
        fields = {name: getattr(subject, name) for name in ("role", "algorithm", "evaluations", "kind")}
        self.given = json.dumps({"path": sys.path, "subject": fields})

    def __enter__(self) -> FreshProcess:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONHASHSEED": HASH_SEED},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin is not None
        self.process.stdin.write(self.given)
        self.process.stdin.close()
        self.process.stdin = None  # `communicate` would write to it again.
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def sequences(self, seconds: float) -> dict[str, Any]:
        """Wait for what the subject proposes there.

        Raises:
            Violation: the process has ended without.
        TrialTimeout: it is not done.
        """
        try:
            out, errors = self.process.communicate(timeout=max(seconds, 0.1))
        except subprocess.TimeoutExpired as error:
            raise TrialTimeout(f"a fresh process was not done after {seconds:.0f} s") from error
        if self.process.returncode:
            last = (errors.strip().splitlines() or [f"exit code {self.process.returncode}"])[-1]
            raise Violation(f"a fresh process ended with {last}")
        sequences: dict[str, Any] = json.loads(out.splitlines()[-1])
        return sequences


def answer(given: dict[str, Any]) -> None:
    """Print what a subject proposes, as the last line."""
    with contextlib.redirect_stdout(sys.stderr):
        sequences = sequences_of(Subject(**given["subject"]))
    print(json.dumps(sequences))
