"""Chooses the device that a command trains on, and says in one line where it is not what was to be expected."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.devices.cuda_driver import VISIBLE
from benchmark.devices.gpus import FoundGpus, Gpu, find_gpus
from benchmark.errors import BadInput, nearest_match

AUTO, CPU, ANY_GPU = "auto", "cpu", "cuda"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceChoice:
    """A device, and what the user should know of it.

    Attributes:
        device: "cpu", "cuda" or "cuda:N".
        notes: sentences without an end.
    """

    device: str
    notes: tuple[str, ...] = ()


def choose_device(field: str, asked: str) -> DeviceChoice:
    """Choose the device asked for; "auto" is a GPU where one can be used, else the CPU.

    Args:
        field: names the option or key in a refusal.
        asked: "auto", "cpu", "cuda" or "cuda:N".

    Raises:
        BadInput: it is not there, or cannot be used. Never a CPU where a GPU was asked for.
    """
    if asked == CPU:
        return DeviceChoice(device=CPU)
    gpus = find_gpus()
    if asked == AUTO and not gpus.usable:
        return DeviceChoice(device=CPU, notes=(f"{field} auto: {_missing(gpus)}; trains on the CPU",))
    device = ANY_GPU if asked == AUTO else asked
    allowed = [CPU, *([ANY_GPU] if gpus.usable else []), *(gpu.device for gpu in gpus.usable)]
    if device not in allowed:
        raise BadInput(f"{field} {asked!r}: allowed here are {', '.join(allowed)}{_why(device, allowed, gpus)}")
    if device != ANY_GPU:
        chosen = next(gpu for gpu in gpus.usable if gpu.device == device)
        return DeviceChoice(device=device, notes=tuple(_slice_notes(chosen)))
    chosen = gpus.usable[0]
    notes = (*_left_out(gpus), *_slice_notes(chosen))
    # What trains on any GPU begins on number 0; where that cannot be used, it trains on one other.
    return DeviceChoice(device=ANY_GPU if chosen.number == 0 else chosen.device, notes=notes)


def _missing(gpus: FoundGpus) -> str:
    return f"no usable GPU was found ({gpus.problem}; to use one: {gpus.remedy})"


def _why(device: str, allowed: list[str], gpus: FoundGpus) -> str:
    unusable = next((gpu for gpu in gpus.gpus if gpu.device == device), None)
    if unusable is not None:
        return f"; {unusable.device} ({unusable.name}) {unusable.obstacle}"
    missing = "" if gpus.usable else f"; {_missing(gpus)}"
    return missing + ("" if missing and device.startswith(ANY_GPU) else nearest_match(device, allowed))


def _left_out(gpus: FoundGpus) -> list[str]:
    """Say which GPUs are not trained on where any may be: those that cannot be used, and those of another kind."""
    others = [gpu for gpu in gpus.gpus if gpu not in gpus.alike]
    if not others:
        return []
    trained = " and ".join(gpu.device for gpu in gpus.alike if gpus.usable[0].number == 0 or gpu is gpus.usable[0])
    left_out = ", ".join(f"{gpu.device} ({gpu.name}: {gpu.obstacle or 'another kind'})" for gpu in others)
    return [f"trains on {trained} ({gpus.usable[0].name}), not on {left_out}; --device cuda:N names another"]


def _slice_notes(gpu: Gpu) -> list[str]:
    if not gpu.is_slice:
        return []
    more = f"for others start further processes, each with its {VISIBLE} and a --shard"
    return [f"{gpu.device} ({gpu.name}) is a MIG slice, and a process sees one slice: {more}"]
