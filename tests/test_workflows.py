"""Workflows parse, their shell is sound, and none gives a pull request's code a token that may write."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

yaml = pytest.importorskip("yaml", reason="yaml is not installed: make setup")

WORKFLOWS = sorted((Path(__file__).parents[1] / ".github" / "workflows").glob("*.yml"))


@pytest.fixture(params=WORKFLOWS, ids=lambda path: path.stem)
def workflow(request):
    """A workflow's content; YAML reads the key `on` as true."""
    return yaml.safe_load(request.param.read_text(encoding="utf-8"))


def steps(workflow):
    """Every step of every job."""
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_the_token_may_only_read_unless_a_job_says_so(workflow):
    """Permissions are declared, and what runs code that was checked out may not write."""
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        writes = "write" in job.get("permissions", {}).values()
        checks_out = any("checkout" in step.get("uses", "") for step in job["steps"])
        assert not (writes and checks_out)


def test_no_trigger_runs_a_fork_with_secrets(workflow):
    """`pull_request_target` is not used."""
    assert "pull_request_target" not in workflow[True]


def test_actions_are_pinned(workflow):
    """Every action names a version or a commit."""
    for step in steps(workflow):
        if "uses" in step:
            assert re.fullmatch(r"[\w./-]+@(v\d+(\.\d+)*|[0-9a-f]{40})", step["uses"])


def test_nothing_is_pasted_into_a_shell(workflow):
    """Values reach the shell as environment variables, never as text of the script."""
    for step in steps(workflow):
        assert "${{" not in step.get("run", "")


def test_the_shell_is_sound(workflow):
    """Each script is valid Bash."""
    for step in steps(workflow):
        if "run" in step:
            checked = subprocess.run(["bash", "-n"], input=step["run"], capture_output=True, text=True, check=False)
            assert checked.returncode == 0, checked.stderr
