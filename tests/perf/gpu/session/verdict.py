"""What a report comes to: whether bits are identical, which steps failed, and how measurements compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.perf.gpu.session.steps import leave_result

Steps = Mapping[str, Mapping[str, Any]]


def bits_verdict(steps: Steps) -> str:
    """Say "identical", "DIFFERENT at ...", or "not checked" where some check has left no result."""
    checks = [(name, step) for name, step in steps.items() if is_check(name)]
    unequal = [f"{name}: {line}" for name, step in checks for line in differences(step.get("result", {}))]
    if unequal:
        more = f" (and {len(unequal) - 1} more)" if len(unequal) > 1 else ""
        return f"DIFFERENT at {unequal[0]}{more}"
    unknown = [name for name, step in checks if step["outcome"] != "ok" or not compares(step.get("result", {}))]
    if unknown:
        return f"not checked: {', '.join(unknown)}"
    return f"identical ({len(checks)} checks)" if checks else "not checked"


def leave_checks(result: Mapping[str, Any]) -> int:
    """Leave the result of a step; exit code 1, and a line that says why, where a check differs or compares nothing.

    A step without checks always succeeds.
    """
    leave_result(result)
    unequal = differences(result)
    if unequal:
        print(f"DIFFERENT at {unequal[0]}")
    elif "checks" in result and not compares(result):
        print("nothing was compared")
    else:
        return 0
    return 1


def is_check(name: str) -> bool:
    """Whether a step of this name compares bits."""
    return name.startswith(("bits/", "ledgers/"))


def differences(result: Mapping[str, Any]) -> list[str]:
    """What of a step's checks is not equal, in words."""
    checks: Mapping[str, Mapping[str, Any]] = result.get("checks", {})
    return [f"{name}: {check['first_difference']}" for name, check in checks.items() if check["equal"] < check["of"]]


def compares(result: Mapping[str, Any]) -> bool:
    """Whether each of a step's checks has compared something."""
    checks = result.get("checks", {})
    return bool(checks) and all(check["of"] > 0 for check in checks.values())


def failures(steps: Steps) -> list[str]:
    """The steps that failed or were not run, with the reason."""
    return [
        f"{name} ({step.get('reason', step['outcome'])})"
        for name, step in steps.items()
        if step["outcome"] in ("failed", "not run")
    ]


def verdicts(steps: Steps) -> dict[str, str]:
    """The lines that end a report."""
    failed = failures(steps)
    done = f"{len(steps) - len(failed)} of {len(steps)} done"
    return {"bits": bits_verdict(steps), "steps": done + (f"; failed: {', '.join(failed)}" if failed else "")}


def exit_code(steps: Steps) -> int:
    """0 where every step was done and no bits differ, else 1: a step that finds a difference fails."""
    return int(bool(failures(steps)))
