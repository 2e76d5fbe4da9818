"""Checks the values of the command line's options; each refusal is one message that names the option."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import BadInput, nearest_match, require_choice, shell_command, short_repr
from benchmark.storage.suite_json import refuse_imported

if TYPE_CHECKING:
    from benchmark.devices.choice import DeviceChoice


def check_results(text: str, suite: str, *, writing: bool) -> Path:
    """The folder that holds, or will hold, the suite's own."""
    return check_folder("--results", text, suite, writing=writing)


def check_folder(option: str, text: str, inner: str = ".", *, writing: bool) -> Path:
    """A folder whose inner one is there, or can be made."""
    path, folder = Path(text), Path(text, inner).absolute()
    if not text or "\0" in text:
        raise BadInput(f"{option} {short_repr(text)}: need the name of a folder")
    try:
        existing = next(ancestor for ancestor in (folder, *folder.parents) if ancestor.exists())
    except OSError as error:
        raise BadInput(f"{option} {short_repr(text)}: cannot be read ({error.strerror})") from error
    if not existing.is_dir():
        raise BadInput(f"{option} {short_repr(text)}: {existing} is a file, need a folder")
    if writing and not os.access(existing, os.W_OK):
        raise BadInput(f"{option} {short_repr(text)}: {existing} cannot be written")
    return path


def check_data(text: str | None) -> Path | None:
    """The folder of the data sets: the one given, else that of INCUMBENT_DATA, else None."""
    source = "--data" if text is not None else "INCUMBENT_DATA"
    value = text if text is not None else os.environ.get("INCUMBENT_DATA")
    if value is None:
        return None
    if not value or not os.path.isdir(value):  # noqa: PTH112 (Path.is_dir raises for a name that is too long)
        raise BadInput(f"{source} {short_repr(value)}: there is no such folder")
    return Path(value).absolute()


def check_device(text: str | None, preset: str) -> DeviceChoice:
    """The device asked for on the command line, else the suite's."""
    from benchmark.devices.choice import choose_device

    return choose_device("--device", text) if text is not None else choose_device("device", preset)


def check_precision(text: str | None, device: str) -> str:
    """The precision of our kernels on a GPU; the CPU's products are always float32."""
    from objectives.objective import PRECISIONS

    preset = PRECISIONS[0] if device == "cpu" else _default_precision(device)
    allowed = PRECISIONS if preset != PRECISIONS[0] else PRECISIONS[:1]
    if text is not None and text not in allowed:
        hint = nearest_match(text, allowed)
        raise BadInput(f"--precision {short_repr(text)}: allowed on {device} are {', '.join(allowed)}{hint}")
    return text or preset


def _default_precision(device: str) -> str:
    from objectives.stacks.gpu import default_precision

    return default_precision(device)


def check_route(text: str | None) -> str | None:
    """The route asked for, or None; whether an objective can take it is looked at once it is built."""
    from objectives.objective import ROUTES

    return None if text is None else require_choice("--route", text, ROUTES)


def default_jobs(device: str) -> int:
    """The number of processes where none is asked for: one a core, or one a GPU of one kind where any may be used."""
    if device == "cpu":
        import joblib

        return max(1, int(joblib.cpu_count()))
    from benchmark.devices.gpus import find_gpus

    return len(find_gpus().alike) if device == "cuda" else 1


def whole_number(low: int, high: int) -> Callable[[str, str], int]:
    """A check that takes whole numbers from `low` to `high`."""

    def check(option: str, text: str) -> int:
        if not text.isascii() or not text.isdigit() or len(text) > 10 or not low <= int(text) <= high:
            raise BadInput(f"{option} {short_repr(text)}: need a whole number in {low}..{high}")
        return int(text)

    return check


def error_difference(option: str, text: str) -> float:
    """A difference of errors: a number that is not negative."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf") or len(text) > 30:
        raise BadInput(f"{option} {short_repr(text)}: need a number >= 0, as 0.001")
    return value


def recorded_results(option: str, text: str) -> Path:
    """A suite's folder with ledgers in it."""
    if not text or "\0" in text or not os.path.isdir(os.path.join(text, "runs")):  # noqa: PTH112, PTH118 (as above)
        raise BadInput(f"{option} {short_repr(text)}: need a suite's results, a folder that holds runs/")
    refuse_imported(Path(text), option)
    return Path(text)


def require_runs(folder: Path, suite: str) -> None:
    """Refuse a suite's folder in which nothing is recorded, before anything heavy is imported."""
    if not os.path.isdir(folder / "runs"):  # noqa: PTH112 (as above)
        raise BadInput(f"{folder}: nothing is recorded there; run the suite {suite} first")


def table_folder(option: str, text: str) -> Path:
    """A folder of offline tables."""
    if not text or "\0" in text or not os.path.isdir(text):  # noqa: PTH112 (as above)
        raise BadInput(
            f"{option} {short_repr(text)}: need a folder of offline tables; "
            f"make it by `{shell_command('benchmark', 'harvest', 'SUITE')}`"
        )
    return Path(text)


def choice(*allowed: str) -> Choice:
    """A check that takes some words and no others."""
    return Choice(words=allowed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What `choice` makes; completion asks for its words."""

    words: tuple[str, ...]

    def __call__(self, option: str, text: str) -> str:
        return require_choice(option, text, self.words)


def folder_name(field: str, text: str) -> Path:
    """A text that can be a folder's name; the folder need not be there."""
    if not text or "\0" in text:
        raise BadInput(f"{field} {short_repr(text)}: need the name of a folder")
    return Path(text)
