"""Examines the machine: devices, versions, and for every objective its route, the route's check and its speed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from benchmark.devices.choice import DeviceChoice
from benchmark.devices.cuda_driver import driver_version, supported_cuda_version
from benchmark.devices.gpus import find_gpus
from benchmark.diagnosis.speed import Speed, measure_speed
from benchmark.errors import one_line
from benchmark.reproducibility.environment import describe_environment
from objectives import OBJECTIVES, classification
from objectives.classification.base import ImageClassification
from objectives.objective import Machine, Objective
from objectives.stacks.gpu import triton_installed
from objectives.stacks.route import FAILED, Route, choose_route
from objectives.stacks.self_check import CHECKED_ROUTES

Fact = tuple[str, str]
"""What it is about, and what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """An objective on this machine.

    Attributes:
        label: what the suite calls it.
        route: how its trials are trained side by side; None where it trains them itself or the choice failed.
        check: of the route on its device, in a few words.
        speed: None where there is nothing to measure.
        problem: what failed, in one line; None where all is well.
        way: how its trials come about where it has no route.
    """

    label: str
    route: Route | None = None
    check: str = ""
    speed: Speed | None = None
    problem: str | None = None
    way: str = "trains its trials itself, one after the other"


def describe_machine(choice: DeviceChoice) -> Iterator[Fact]:
    """Describe processor, versions, driver and GPUs, and the device that a suite would train on."""
    card = describe_environment(choice.device, 1)
    yield "processor", f"{card['cpu']}, {card['cores']} cores, {card['system']}"
    import torch

    built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
    triton = _triton_version() if triton_installed() else "not installed"
    yield (
        "versions",
        f"Python {card['python']}, torch {card['torch']} ({built}), Triton {triton}, NumPy {card['numpy']}",
    )
    supported = supported_cuda_version()
    supports = "none was found" if supported is None else f"supports CUDA {supported[0]}.{supported[1]}"
    yield "driver", " ".join(filter(None, (driver_version(), supports)))
    gpus = find_gpus()
    for gpu in gpus.gpus:
        yield "GPU", f"{gpu.describe()}: " + (f"cannot be used, it {gpu.obstacle}" if gpu.obstacle else "can be used")
    if not gpus.usable:
        yield "GPU", f"none can be used: {gpus.problem}; to use one: {gpus.remedy}"
    for note in choice.notes if gpus.usable else ():
        yield "note", note
    yield "device", choice.device


def _triton_version() -> str:
    try:
        return version("triton")
    except PackageNotFoundError:  # It comes under another name with some builds of torch.
        return "of an unknown version"


def build_networks() -> dict[str, Objective]:
    """Build the objectives that are networks of this project, on the digits, which need no download."""
    entries = OBJECTIVES.entries.items()
    return {name: entry.load()() for name, entry in entries if entry.path.startswith(f"{classification.__name__}.")}


def examine_objectives(objectives: Mapping[str, Objective], machine: Machine) -> Iterator[Examined]:
    """Examine one objective after the other."""
    for label, objective in objectives.items():
        if objective.tabulated:
            origin = objective.origin
            yield Examined(label=label, way=f"is looked up in the table {origin['table']}, seeds: {origin['seeds']}")
            continue
        network = _network_objective(objective)
        yield Examined(label=label) if network is None else _examine(label, network, machine)


def _examine(label: str, objective: ImageClassification, machine: Machine) -> Examined:
    try:
        objective.prepare(machine)
        route = choose_route(objective, machine)
        checked = machine.device != "cpu" and route.name in CHECKED_ROUTES
        check = "self-check passed" if checked else "needs no self-check"
        speed = measure_speed(objective, machine, route)
    except Exception as error:  # Data, driver, compiler or device may raise anything.
        return Examined(label=label, problem=one_line(error))
    problem = route.reason if route.reason is not None and FAILED in route.reason else None
    return Examined(label=label, route=route, check=check, speed=speed, problem=problem)


def _network_objective(objective: object) -> ImageClassification | None:
    """The objective that trains networks, also where others are wrapped around it."""
    while objective is not None and not isinstance(objective, ImageClassification):
        objective = getattr(objective, "inner", None)
    return objective
