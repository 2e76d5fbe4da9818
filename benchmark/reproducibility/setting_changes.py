"""Notes which settings of the process third-party code has changed, so that it is said once and by name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingChange:
    """A setting of the process that was changed and put back.

    Attributes:
        culprit: whose code changed it.
        setting: its name.
        difference: from what to what, as far as that can be printed.
    """

    culprit: str
    setting: str
    difference: str

    @property
    def key(self) -> tuple[str, str]:
        """Identify the setting: whatever it was changed to, it is reported once."""
        return self.culprit, self.setting

    def describe(self) -> str:
        return (
            f"{self.culprit} changed a setting of the process, {self.setting}{self.difference}; "
            "it was put back and changes nothing else"
        )


_noted: dict[tuple[str, str], SettingChange] = {}


def note_change(culprit: str, setting: str, before: Any, after: Any, *, private: bool) -> None:
    """Note the first change of a setting by somebody."""
    if (culprit, setting) not in _noted:
        difference = (_name_differences if private else _describe_difference)(before, after)
        _noted[culprit, setting] = SettingChange(culprit=culprit, setting=setting, difference=difference)


def pop_changes() -> tuple[SettingChange, ...]:
    """Return the changes noted since the last call."""
    changes = tuple(_noted.values())
    _noted.clear()
    return changes


def _name_differences(before: Any, after: Any) -> str:
    """Name what of several values has changed, as of the environment, whose values are nobody's business."""
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        return ""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return f": {', '.join(_short(os.fsdecode(name)) for name in changed)}"


def _describe_difference(before: Any, after: Any) -> str:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        changed = [name for name in after if after[name] != before.get(name)]
        return ": " + ", ".join(f"{name} from {_short(before.get(name))} to {_short(after[name])}" for name in changed)
    return f": from {_short(before)} to {_short(after)}"


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


LONGEST = 80
"""Characters of a value in a message."""
