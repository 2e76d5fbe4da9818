"""What a report comes to: whether bits are identical, which steps failed, and how measurements compare."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.perf.gpu.session.steps import Report, leave_result

Steps = Mapping[str, Mapping[str, Any]]


SUBJECTS = {"bits": ("checks", "identical", "DIFFERENT"), "reference": ("reference", "agrees", "DISAGREES")}
"""Of a verdict: the key of a step's result that its checks are under, and the words for right and wrong."""


def verdict(steps: Steps, subject: str) -> str:
    """Say "identical", "DIFFERENT at ...", or "not checked" where some check has left no result."""
    key, right, wrong = SUBJECTS[subject]
    checks = [(name, step) for name, step in steps.items() if is_check(name, key)]
    unequal = [f"{name}: {line}" for name, step in checks for line in differences(step.get("result", {}), key)]
    if unequal:
        more = f" (and {len(unequal) - 1} more)" if len(unequal) > 1 else ""
        return f"{wrong} at {unequal[0]}{more}"
    unknown = [name for name, step in checks if not compares(step.get("result", {}), key)]
    if unknown:
        return f"not checked: {', '.join(unknown)}"
    return f"{right} ({len(checks)} checks)" if checks else "not checked"


def leave_checks(result: Mapping[str, Any]) -> int:
    """Leave the result of a step; exit code 1, and a line that says why, where a check differs or compares nothing.

    A step without checks always succeeds.
    """
    leave_result(result)
    lines = []
    for subject, (key, _, wrong) in SUBJECTS.items():
        lines += [f"{subject} {wrong} at {line}" for line in differences(result, key)]
        if key in result and not compares(result, key):
            lines.append(f"{subject}: nothing was compared")
    print(next(iter(lines), ""))
    return int(bool(lines))


def is_check(name: str, key: str) -> bool:
    """Whether a step of this name compares bits, or trials with the reference loop."""
    kind, *rest = name.split("/")
    return kind == "bits" and "philox" not in rest if key == "reference" else kind in ("bits", "ledgers")


def differences(result: Mapping[str, Any], key: str = "checks") -> list[str]:
    """What of a step's checks is not equal, in words."""
    checks: Mapping[str, Mapping[str, Any]] = result.get(key, {})
    return [f"{name}: {check['first_difference']}" for name, check in checks.items() if check["equal"] < check["of"]]


def compares(result: Mapping[str, Any], key: str = "checks") -> bool:
    """Whether each of a step's checks has compared something."""
    checks = result.get(key, {})
    return bool(checks) and all(check["of"] > 0 for check in checks.values())


def verdicts(steps: Steps) -> dict[str, str]:
    """The lines that end a report: of bits, of the reference loop, and how many steps were done."""
    failed = [f"{name} ({step['reason']})" for name, step in steps.items() if step["outcome"] == "failed"]
    not_run = [name for name, step in steps.items() if step["outcome"] == "not run"]
    done = f"{len(steps) - len(failed) - len(not_run)} of {len(steps)} done"
    done += f"; failed: {', '.join(failed)}" if failed else ""
    done += f"; not run: {', '.join(not_run)}" if not_run else ""
    return {**{subject: verdict(steps, subject) for subject in SUBJECTS}, "steps": done}


def exit_code(steps: Steps) -> int:
    """0 where every step was done and no bits differ, else 1: a step that finds a difference fails."""
    return int(any(step["outcome"] in ("failed", "not run") for step in steps.values()))


def conclude(report: Report) -> int:
    """Add the verdict, save and print it; return the exit code."""
    report.content["verdict"] = verdicts(report.steps)
    report.save()
    for subject, line in report.content["verdict"].items():
        print(f"{subject}: {line}")
    print(f"wrote {report.path}")
    return exit_code(report.steps)
