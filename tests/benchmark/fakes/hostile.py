"""Objectives and searchers that raise, return or change what they should not; named by dotted path."""

import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from tests.benchmark.fakes.unit_interval import UnitInterval

EPOCHS = 3


class UnprintableError(Exception):
    """An exception that cannot be printed."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class UnpicklableError(Exception):
    """An exception that no process can send to another."""

    def __init__(self) -> None:
        super().__init__(threading.Lock(), lambda: None)


class TwoArguments(Exception):
    """An exception that can be sent and not be received."""

    def __init__(self, one: object, two: object) -> None:
        super().__init__(f"{one} {two}")


def raise_error(error: BaseException) -> None:
    raise error


def recurse() -> None:
    recurse()


RAISES: dict[str, Callable[[], Any]] = {
    "SystemExit": lambda: sys.exit(3),
    "GeneratorExit": lambda: raise_error(GeneratorExit()),
    "MemoryError": lambda: raise_error(MemoryError()),
    "RecursionError": recurse,
    "UnpicklableError": lambda: raise_error(UnpicklableError()),
    "TwoArguments": lambda: raise_error(TwoArguments(1, 2)),
    "UnprintableError": lambda: raise_error(UnprintableError()),
    "surrogate": lambda: raise_error(ValueError("\ud800")),
}

RETURNED_ERRORS: dict[str, Any] = {
    "None": None,
    "text": "0.5",
    "complex": 0.5j,
    "list": [0.5],
    "dict": {},
    "tensor of two": torch.zeros(2),
    "10**400": 10**400,
    "nan": math.nan,
    "-inf": -math.inf,
    "inf": math.inf,
    "np.float32": np.float32(0.5),
    "bool": True,
    "tensor": torch.tensor(0.5),
    "int": 0,
}


def print_much() -> None:
    for _ in range(2000):
        print("x" * 1000)
    print("x" * 10_000, file=sys.stderr)


def change_folder() -> None:
    os.chdir("/")


def change_environment() -> None:
    os.environ["INCUMBENT_DATA"] = "/nowhere"
    os.environ["OMP_NUM_THREADS"] = "7"


def ignore_signals() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def seed_generators() -> None:
    np.random.seed(3)  # noqa: NPY002, TID251 (the side effect)
    torch.manual_seed(3)  # noqa: TID251 (the side effect)


SIDE_EFFECTS: dict[str, Callable[[], Any]] = {
    "nothing": lambda: None,
    "prints": print_much,
    "cwd": change_folder,
    "environ": change_environment,
    "signals": ignore_signals,
    "threads": lambda: torch.set_num_threads(2),
    "generators": seed_generators,
    "dtype": lambda: torch.set_default_dtype(torch.float64),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "gradients": lambda: torch.set_grad_enabled(False),
    "denormals": lambda: torch.set_flush_denormal(True),
    "errstate": lambda: np.seterr(all="raise"),
    "recursion": lambda: sys.setrecursionlimit(250),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile(UnitInterval):
    """An objective that does one hostile thing in the second epoch of every trial and otherwise trains as expected."""

    does: str = "nothing"
    raises: str = ""
    gives: str = ""

    @property
    def max_epochs(self) -> int:
        return EPOCHS

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        for epoch in range(EPOCHS):
            error: Any = float(config["x"]) / (epoch + 2)
            if epoch == 1:
                SIDE_EFFECTS[self.does]()
                if self.raises:
                    RAISES[self.raises]()
                error = RETURNED_ERRORS[self.gives] if self.gives else error
            yield Epoch(valid_error=error, test_error=error, seconds=0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bystander(UnitInterval):
    """An objective whose errors show whether another one has changed the process."""

    @property
    def max_epochs(self) -> int:
        return EPOCHS

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        weight = torch.full((64, 64), 0.1 + float(config["x"]), requires_grad=True)
        for _ in range(EPOCHS):
            loss = torch.sigmoid(weight @ torch.rand(64, 64)).mean() + float(np.random.random())  # noqa: NPY002
            slope = torch.autograd.grad(loss, weight)[0]
            weight = (weight - slope).detach().requires_grad_()
            tiny = float((torch.full((3,), 1e-39, dtype=torch.float32) * 1.0).sum()) * 1e38
            error = float(loss.detach()) / 10 + tiny
            yield Epoch(valid_error=error, test_error=error, seconds=0.25)


class HostileSearcher:
    """Suggests an impossible second configuration, or raises; `gives` says which."""

    def __init__(self, gives: str) -> None:
        self.gives, self.count = gives, 0

    def sample_configuration(self) -> Any:
        self.count += 1
        if self.count < 2:
            return {"x1": 0.0, "x2": 1.0}
        return SUGGESTIONS[self.gives]()

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        if self.gives.startswith("tell "):
            RAISES[self.gives.removeprefix("tell ")]()


def good(**changes: Any) -> dict[Any, Any]:
    return {"x1": 0.0, "x2": 1.0, **changes}


SUGGESTIONS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "text": lambda: "x1=0",
    "list": lambda: [0.0, 1.0],
    "number": lambda: 0.5,
    "empty": dict,
    "missing": lambda: {"x1": 0.0},
    "extra": lambda: good(x3=1.0),
    "key of another type": lambda: {**good(), 3: 1.0},
    "out of range": lambda: good(x1=1e9),
    "nan": lambda: good(x1=math.nan),
    "inf": lambda: good(x1=math.inf),
    "10**400": lambda: good(x1=10**400),
    "value text": lambda: good(x1="0.0"),
    "value None": lambda: good(x1=None),
    "value true": lambda: good(x1=True),
    "value list": lambda: good(x1=[0.0]),
    "value tensor": lambda: good(x1=torch.zeros(2)),
    "value object": lambda: good(x1=object()),
    "epochs 0": lambda: good(max_epochs=0),
    "epochs many": lambda: good(max_epochs=10**9),
    "epochs nan": lambda: good(max_epochs=math.nan),
    "epochs text": lambda: good(max_epochs="4"),
    **{f"ask {name}": action for name, action in RAISES.items()},
    **{f"tell {name}": good for name in RAISES},
}
