"""Makes the report of a suite that has ended, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from analysis.live.page import Report
from benchmark.errors import ROOT

LONGEST_REASON = 300


class ReportMaker:
    """Starts the command `report` once, and says how far it is.

    Args:
        folder: the suite's.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._failed = ""

    @property
    def busy(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Begin to make the report, unless it is being made."""
        if self._process is not None:
            return
        words = ["report", self.folder.name, "--results", str(self.folder.parent), "--quiet"]
        self._process = subprocess.Popen(
            [sys.executable, str(Path(ROOT) / "incumbent.py"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def look(self, newest: float) -> Report:
        """Say how far the report is.

        Args:
            newest: when the newest record was seen, in seconds since 1970.
        """
        if self._process is not None:
            if self._process.poll() is None:
                return Report(state="making")
            self._collect(self._process)
            self._process = None
        if self._failed:
            return Report(state="failed", reason=self._failed)
        try:
            made = (self.folder / "report" / "index.html").stat().st_mtime
        except OSError:
            return Report(state="none")
        return Report(state="made", outdated=made < newest)

    def _collect(self, process: subprocess.Popen[bytes]) -> None:
        """Note why it has failed; a report of which some parts could not be made is one."""
        _, message = process.communicate()
        lines = message.decode(errors="replace").split("\n")
        if process.returncode not in (0, 1) or not (self.folder / "report" / "index.html").exists():
            reason = next((line for line in reversed(lines) if line.strip()), f"exit code {process.returncode}")
            self._failed = reason[:LONGEST_REASON]
