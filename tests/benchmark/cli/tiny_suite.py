"""A tiny suite, one that fails, the words that run it, and the command line as a process of its own."""

import os
import subprocess
import sys

from tests import ROOT

TINY = """
repetitions = 2
budget.trials = 2
objectives.branin = {}
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
"""
FAILING = TINY + 'algorithms.bad.searcher = "tests.benchmark.fakes.crashing:RaisingSearcher"\n'
RUN = ["run", "tiny.toml", "--jobs", "1", "--device", "cpu"]


def start_process(arguments, folder, **options):
    """Start `python -m benchmark` in a folder, without a GPU."""
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
