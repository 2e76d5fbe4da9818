"""A script that submits a suite to Slurm: an array of shards, then a job that merges and analyses them.

Every shard writes a results folder of its own, so that nothing rests on the locks of a network file system.
The same script submitted again goes on: finished runs are skipped, the others continue from their ledgers.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.errors import BadInput, short_repr

TIME = re.compile(r"[0-9]{1,6}|[0-9]{1,6}(:[0-9]{2}){1,2}|[0-9]{1,4}-[0-9]{1,2}(:[0-9]{2}){0,2}", re.ASCII)
TIME_RULE = "need Slurm's minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS"
GRACE = 60
"""Seconds before a job's end at which it is asked to stop; a suite stops within a few."""

TASK = "${SLURM_ARRAY_TASK_ID}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SlurmResources:
    """What a shard asks of Slurm; None leaves it to the cluster.

    Attributes:
        time: limit, as Slurm writes it.
        gpus: for every shard; 0 trains on the CPU.
        cpus: processes of a shard on the CPU.
    """

    time: str | None
    gpus: int
    cpus: int


def require_time_limit(text: str) -> str:
    """A time limit, refused unless Slurm would take it."""
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
    """The script, to be started by `bash`; further wishes go into sbatch's variables (SBATCH_PARTITION, ...).

    Args:
        name: of the suite.
        suite: as the command line names it.
        options: of the suite (`--set` and its values).
        data: folder of the data sets, or None.
        results: folder for the merged results; the shards' own are below it.
        shards: how many.
        resources: of each.

    Raises:
        BadInput: a line break in what would stand on a line of the script.
    """
    for word in (suite, results, *options, *([] if data is None else [data])):
        if any(sign in word for sign in "\n\r\0"):
            raise BadInput(f"{short_repr(word)}: a line break cannot stand in a job script")
    top = f"{results.rstrip('/') or '/'}/shards/{name}"
    where = shlex.quote(top)
    device = ["--device", "cuda"] if resources.gpus else ["--device", "cpu", "--jobs", str(resources.cpus)]
    train = shlex.join(["python", "-m", "benchmark", "run", suite, *options, *device, *_option("--data", data)])
    return "\n".join(
        [
            "#!/bin/bash",
            f"# The suite {name} in {shards} shards, then merged and analysed: start it by `bash THIS_FILE`, and again",
            "# to go on with what is not finished. Partition, account and the like: export SBATCH_PARTITION=..., etc.",
            "set -euo pipefail",
            f"mkdir -p {where}/log",
            f"array=$(sbatch --parsable --output={where}/log/%a.txt <<'END_OF_SHARD'",
            *_directives(name, resources, array=shards),
            "set -euo pipefail",
            f'exec {train} --shard "{TASK}/{shards}" --results {where}/"{TASK}-of-{shards}"',
            "END_OF_SHARD",
            ")",
            f"sbatch --dependency=\"afterany:${{array%%;*}}\" --output={where}/log/merge.txt <<'END_OF_MERGE'",
            *_directives(f"{name}-merge", None),
            "set -euo pipefail",
            f"python -m benchmark merge {shlex.quote(results)} {where}/*-of-{shards}",
            f"{shlex.join(['python', '-m', 'analysis', 'plots', name, '--results', results])}",
            "END_OF_MERGE",
            "",
        ]
    )


def _directives(name: str, resources: SlurmResources | None, array: int | None = None) -> list[str]:
    """The head of a job."""
    wishes = [f"--job-name={name}"]
    if array is not None:
        wishes += [f"--array=1-{array}", "--requeue", "--open-mode=append", f"--signal=B:TERM@{GRACE}"]
    if resources is not None:
        wishes.append(f"--cpus-per-task={resources.cpus}")
        wishes += [f"--gpus-per-task={resources.gpus}", "--ntasks=1"] if resources.gpus else []
        wishes += [] if resources.time is None else [f"--time={resources.time}"]
    return ["#!/bin/bash", *(f"#SBATCH {wish}" for wish in wishes)]


def _option(name: str, value: str | None) -> list[str]:
    return [] if value is None else [name, value]
