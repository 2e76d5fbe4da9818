"""How little a refusal of a command loads."""

import ast
import os
import subprocess
import sys

from tests import ROOT

COMMANDS = [
    *("--help", "plots --help", "frobnicate", "plots nosuch", "tables nosuch", "figures nosuch", "report nosuch"),
    *("export nosuch --to optuna", "export nosuch --to x", "power nosuch --effect 1", "verify nosuch.csv"),
    *("compare nosuch other", "compare nosuch other --margin x"),
]
PROGRAM = """
import sys
from contextlib import suppress
from analysis.__main__ import main
for command in sys.stdin.read().splitlines():
    with suppress(SystemExit):
        main(command.split())
print(sorted(sys.modules), file=sys.__stderr__)
"""


def test_refusals_and_help_load_no_library(tmp_path):
    """What is refused before a ledger is read waits for neither pandas nor a library of statistics or figures."""
    (tmp_path / "results").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="\n".join(COMMANDS),
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    *messages, modules = done.stderr.splitlines()
    assert len(messages) == len(COMMANDS) - 2
    assert all(message.startswith("error: ") for message in messages)
    assert not {"numpy", "pandas", "scipy", "seaborn", "statsmodels"} & set(ast.literal_eval(modules))
