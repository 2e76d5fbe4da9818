"""Finds the GPUs of this machine and what is in the way of each."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

from benchmark.devices.cuda_driver import explain_no_gpu
from benchmark.errors import one_line

GIB = 2**30
LEAST_MEMORY = 2 * GIB
"""Of a GPU: libraries and a small stack take 1 GiB."""

LEAST_CAPABILITY = (7, 0)
"""Compute capability below which Triton compiles nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """A GPU as torch numbers it.

    Attributes:
        number: N of "cuda:N".
        name: of the model; a MIG slice's says so.
        memory: in bytes.
        capability: compute capability.
        obstacle: why it cannot be used; None where it can.
    """

    number: int
    name: str
    memory: int
    capability: tuple[int, int]
    obstacle: str | None

    @property
    def device(self) -> str:
        return f"cuda:{self.number}"

    @property
    def is_slice(self) -> bool:
        """Return whether it is a part of a GPU that is divided into MIG slices."""
        return "MIG" in self.name.split()

    def describe(self) -> str:
        """Model, memory and compute capability in one line."""
        major, minor = self.capability
        return f"{self.device} ({self.name}, {self.memory / GIB:.1f} GiB, compute capability {major}.{minor})"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundGpus:
    """What this machine has.

    Attributes:
        gpus: all that torch shows.
        problem: what is in the way where none can be used.
        remedy: what to do then.
    """

    gpus: tuple[Gpu, ...] = ()
    problem: str = ""
    remedy: str = ""

    @property
    def usable(self) -> list[Gpu]:
        return [gpu for gpu in self.gpus if gpu.obstacle is None]

    @property
    def alike(self) -> list[Gpu]:
        """The usable ones of the first one's kind: a suite trains on one kind only, since bits may differ."""
        return [gpu for gpu in self.usable if gpu.name == self.usable[0].name]


def find_gpus() -> FoundGpus:
    """Look for GPUs; never raises and never warns, whatever driver and libraries do."""
    import torch

    words = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            available = torch.cuda.is_available()
            gpus = tuple(_inspect(number) for number in range(torch.cuda.device_count() if available else 0))
        except Exception as error:  # torch has several types of its own for a driver that fails.
            gpus, words = (), one_line(error)
    words = words or " ".join(str(warning.message) for warning in caught)
    if not gpus:
        problem, remedy = explain_no_gpu(_first_sentence(words))
        return FoundGpus(problem=problem, remedy=remedy)
    if all(gpu.obstacle for gpu in gpus):
        problem = "; ".join(f"{gpu.device} ({gpu.name}) {gpu.obstacle}" for gpu in gpus)
        return FoundGpus(gpus=gpus, problem=problem, remedy="use another GPU")
    return FoundGpus(gpus=gpus)


def _inspect(number: int) -> Gpu:
    import torch

    properties = torch.cuda.get_device_properties(number)
    capability = (properties.major, properties.minor)
    return Gpu(
        number=number,
        name=properties.name,
        memory=properties.total_memory,
        capability=capability,
        obstacle=_obstacle(properties.total_memory, capability),
    )


def _obstacle(memory: int, capability: tuple[int, int]) -> str | None:
    import torch

    version = ".".join(map(str, capability))
    if torch.version.hip is None and capability < LEAST_CAPABILITY:
        return f"has compute capability {version}, need {'.'.join(map(str, LEAST_CAPABILITY))}"
    built = torch.cuda.get_arch_list()
    if torch.version.hip is None and built and not any(_runs(code, capability) for code in built):
        return f"has compute capability {version}, torch {torch.__version__} is built for {', '.join(built)}"
    if memory < LEAST_MEMORY:
        return f"has {memory / GIB:.1f} GiB of memory, need {LEAST_MEMORY / GIB:.1f}"
    return None


def _runs(code: str, capability: tuple[int, int]) -> bool:
    """Return whether code for `sm_75` (binary, for its generation) or `compute_75` (for all later ones) runs there."""
    kind, _, digits = code.partition("_")
    number = "".join(character for character in digits if character.isdigit())
    built = (int(number[:-1]), int(number[-1]))
    return built <= capability and (kind == "compute" or built[0] == capability[0])


def _first_sentence(text: str) -> str:
    words = " ".join(text.split())
    return words.partition(". ")[0][:300]
