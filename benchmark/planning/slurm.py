"""Renders the script that submits a suite to Slurm: an array of shards, then a job that merges and analyses them.

Every shard writes a results folder of its own, so that nothing rests on the locks of a network file system.
The same script submitted again goes on: finished runs are skipped, the others continue from their ledgers.
Jobs run the interpreter that rendered the script, whose environment is not activated on their nodes, or that of PYTHON.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import BadInput, called_module, short_repr

TEMPLATE = Path(__file__).with_name("slurm.sh.jinja2")
TIME = re.compile(r"[0-9]{1,6}|[0-9]{1,6}(:[0-9]{2}){1,2}|[0-9]{1,4}-[0-9]{1,2}(:[0-9]{2}){0,2}", re.ASCII)
TIME_RULE = "need Slurm's minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS"
GRACE = 60
"""Seconds before a job's end at which it is asked to stop; a suite stops within a few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmResources:
    """Resources that a shard asks of Slurm; None leaves it to the cluster.

    Attributes:
        time: limit, as Slurm writes it.
        gpus: for every shard; 0 trains on the CPU.
        cpus: processes of a shard on the CPU.
    """

    time: str | None
    gpus: int
    cpus: int


def require_time_limit(text: str) -> str:
    """Return a time limit; refuse it unless Slurm would take it."""
    if not TIME.fullmatch(text) or not any(digit in text for digit in "123456789"):
        raise BadInput(f"--time {short_repr(text)}: {TIME_RULE}, more than none")
    return text


def render_script(
    name: str,
    suite: str,
    options: Sequence[str],
    data: str | None,
    results: str,
    shards: int,
    resources: SlurmResources,
) -> str:
    """Render the script, to be started by `bash`; sbatch reads further settings from its variables (SBATCH_PARTITION).

    Args:
        name: of the suite.
        suite: as the command line names it.
        options: of the suite (`--set` and its values).
        data: folder of the data sets, or None.
        results: folder for the merged results; the shards' own are below it.
        shards: how many.
        resources: of each.

    Raises:
        BadInput: a line break in a value that would stand on a line of the script.
    """
    from jinja2 import Environment, StrictUndefined

    for word in (suite, results, *options, data or ""):
        if any(sign in word for sign in "\n\r\0"):
            raise BadInput(f"{short_repr(word)}: a line break cannot stand in a job script")
    device = ["--device", "cuda"] if resources.gpus else ["--device", "cpu", "--jobs", str(resources.cpus)]
    # Values are quoted for the shell by shlex; escaping for HTML would corrupt them.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True)
    environment.filters["quote"] = shlex.quote
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        name=name,
        shards=shards,
        folder=f"{results.rstrip('/') or '/'}/shards/{name}",
        results=results,
        python=sys.executable,
        run_module=called_module("benchmark"),
        read_module=called_module("analysis"),
        train=shlex.join(["run", suite, *options, *device, *([] if data is None else ["--data", data])]),
        resources=resources,
        grace=GRACE,
    )
