"""Submission to Slurm: the script is sound bash, runs all shards, merges them and draws."""

import json
import os
import re
import subprocess
from itertools import pairwise

import pytest

from benchmark.cli.main import main
from benchmark.planning.slurm import SlurmResources, render_script, require_time_limit
from tests.benchmark.commands import ROOT

SBATCH = """#!/bin/bash
# Stands for Slurm: runs an array's tasks in turn, and a job that depends on it after them.
set -u
count=$(cat "$FAKE/count" 2>/dev/null || echo 40)
echo $((count + 1)) > "$FAKE/count"
cat > "$FAKE/$count.sh"
echo "$@" > "$FAKE/$count.arguments"
tasks=$(sed -n 's/^#SBATCH --array=1-//p' "$FAKE/$count.sh")
if [ -n "$tasks" ]; then
  for ((task = tasks; task > 0; task--)); do
    SLURM_ARRAY_TASK_ID=$task bash "$FAKE/$count.sh" >> "$FAKE/log" 2>&1; echo "task $task: $?" >> "$FAKE/ends"
  done
else
  bash "$FAKE/$count.sh" >> "$FAKE/log" 2>&1; echo "job: $?" >> "$FAKE/ends"
fi
echo "$count;cluster"
"""


def submitted(here, text):
    """Start a submission script with a fake sbatch; returns the folder of what it was given."""
    fake = here / "fake"
    fake.mkdir(exist_ok=True)
    (fake / "sbatch").write_text(SBATCH)
    (fake / "sbatch").chmod(0o755)
    environment = {**os.environ, "FAKE": str(fake), "PATH": f"{fake}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHON", None)
    done = subprocess.run(["bash"], input=text, cwd=here, env=environment, text=True, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return fake


@pytest.mark.slow
def test_the_script_runs_shards_then_merges_and_draws(here, capsys):
    """What it submits is run by a fake sbatch: all shards, then the merge of all their runs, then the tables."""
    options = ["--set", 'title="it\'s $HOME `x` \\\\ \\"q\\""', "--set", "repetitions=2"]
    assert main(["plan", "tiny.toml", *options, "--slurm", "--shards", "2", "--time", "01:30:00"]) == 0
    text = capsys.readouterr().out
    assert '"$python" -m analysis plots tiny --results results\n' in text

    fake = submitted(here, text.replace("analysis plots", "analysis tables"))  # Drawing takes longer than all else.

    log = (fake / "log").read_text()
    assert (fake / "ends").read_text() == "task 2: 0\ntask 1: 0\njob: 0\n", log
    assert "merged 2 folders into results/tiny: 12 of 12 runs done, 12 new there" in log
    assert (here / "results/tiny/tables/summary.csv").exists()
    assert json.loads((here / "results/tiny/suite.json").read_text())["title"] == 'it\'s $HOME `x` \\ "q"'
    assert (fake / "40.arguments").read_text() == "--parsable --output=results/shards/tiny/log/%a.txt\n"
    assert (fake / "41.arguments").read_text().startswith("--dependency=afterany:40 ")
    assert (here / "results/shards/tiny/log").is_dir()


@pytest.mark.slow
def test_the_script_stops_before_the_tables_while_runs_are_missing(here, capsys):
    """A shard that cannot run leaves a merge that says what is missing, and no table."""
    main(["plan", "tiny.toml", "--slurm", "--shards", "2"])
    text = capsys.readouterr().out
    broken = text.replace("exec ", 'if [ "$SLURM_ARRAY_TASK_ID" = 2 ]; then exit 9; fi\nexec ')

    fake = submitted(here, broken)

    assert (fake / "ends").read_text() == "task 2: 9\ntask 1: 0\njob: 1\n"
    assert "9 of 18 runs done" in (fake / "log").read_text()
    assert not (here / "results/tiny/tables").exists()


@pytest.mark.parametrize("gpus", [0, 2])
@pytest.mark.parametrize("results", ["results", "my results/$x", "/"])
def test_the_script_is_sound_bash(gpus, results):
    """Bash parses the script and both jobs in it, and directives stand before any command."""
    resources = SlurmResources(time="2-00", gpus=gpus, cpus=3)
    text = render_script("tiny", "my suites/tiny.toml", ["--set", "title='\"'"], "/data sets", results, 7, resources)

    jobs = re.findall(r"<<'(END_OF_\w+)'\n(.*?)\n\1\n", text, re.DOTALL)
    assert [name for name, _ in jobs] == ["END_OF_SHARD", "END_OF_MERGE"]
    for part in (text, *(body for _, body in jobs)):
        subprocess.run(["bash", "-n"], input=part, text=True, check=True)
    for _, body in jobs:
        first, *lines = body.splitlines()
        assert first == "#!/bin/bash"
        kinds = [line.startswith("#SBATCH --") for line in lines]
        assert all(before >= after for before, after in pairwise(kinds))
    assert "#SBATCH --array=1-7\n" in text
    assert "#SBATCH --time=2-00\n" in text
    assert ("#SBATCH --gpus-per-task=2\n" in text) == bool(gpus)
    assert ("--device cuda" in text) == bool(gpus)
    assert ("--device cpu --jobs 3" in text) == (not gpus)


@pytest.mark.parametrize("given", [None, "their own/python"])
def test_jobs_run_the_interpreter_that_rendered_the_script(monkeypatch, given):
    """Or that of PYTHON, whatever its path holds; `python` alone may be another one on a node, or none."""
    ours = "/my $venv's}/bin/python"
    monkeypatch.setattr("sys.executable", ours)
    resources = SlurmResources(time=None, gpus=0, cpus=1)
    text = render_script("tiny", "tiny.toml", [], None, "results", 1, resources)
    environment = {**os.environ, "PYTHON": given} if given else {"PATH": os.environ["PATH"]}

    assignments = re.findall(r"^python=.*$", text, re.MULTILINE)
    assert len(assignments) == 2
    for line in assignments:
        shown = f'{line}\nprintf %s "$python"'
        done = subprocess.run(["bash", "-c", shown], env=environment, text=True, capture_output=True, check=True)
        assert done.stdout == (given or ours)
    assert not re.search(r"(^|\s)python ", text.replace("Python ", ""))


@pytest.mark.parametrize("text", ["90", "01:30", "12:30:00", "1-0", "2-12:30", "0-00:00:01"])
def test_time_limits_of_slurm_are_taken(text):
    """Every form that Slurm's manual lists."""
    assert require_time_limit(text) == text
