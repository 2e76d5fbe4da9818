"""Compiles every specialisation that a stack launches, for a GPU that need not be there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import numpy as np
import torch

from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.space import Config
from objectives.training.data import Images, Split

NETWORKS = {"softmax": SoftmaxRegression, "lenet": LeNet, "dropout_mlp": DropoutMLP}
ARCHITECTURE = 90
"""Compute capability times 10: Hopper, the H100 and the H200."""
SIDES = {"digits": 8, "fashion_mnist": 28}
SIZES = {"digits": (1197, 300, 300), "fashion_mnist": (50_000, 10_000, 10_000)}
"""Images of the standard splits: the number of training images reaches the kernel that draws data orders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specialisation:
    """One compiled kernel.

    Attributes:
        network: the objective's name.
        data: its data set.
        precision: of the products.
        function: the kernel's name in the source.
        constants: its compile-time arguments by name.
        warps: of a program.
        shared: bytes of shared memory of a program.
        code: the compiler's texts and the binary: "ttgir", "llir", "ptx" and "cubin".
        source: what Triton compiled; its signature decides the launcher.
        metadata: of Triton.
    """

    network: str
    data: str
    precision: str
    function: str
    constants: Mapping[str, Any]
    warps: int
    shared: int
    code: Mapping[str, Any]
    source: Any
    metadata: Any

    @property
    def label(self) -> str:
        return label_of(self.function, self.constants)


def label_of(function: str, constants: Mapping[str, Any]) -> str:
    """Name a specialisation by what a reader tells it apart by."""
    flags = [f"layer {constants['LAYER']}"] if "LAYER" in constants else []
    flags += ["evaluation"] if constants.get("EVALUATE") else []
    return " ".join([function, *flags])


def compile_network(
    name: str, precision: str, data: str = "fashion_mnist", only: Sequence[str] = ("",)
) -> list[Specialisation]:
    """Compile the kernels of a network's stack, by training one trial for an epoch with launches that compile only.

    Args:
        name: of `NETWORKS`.
        precision: of the products.
        data: of `SIDES`.
        only: beginnings of the labels of kernels to compile.
    """
    from objectives.stacks.gpu import plan  # Imports Triton.

    objective, split = NETWORKS[name](data=data), blank_split(data)
    with compile_only(only) as kernels:
        stack = plan.build(objective, Machine(device="cpu"), 1, precision, split=split, quantum=None, lanes=None)
        stack.admit(0, greatest_batch(objective), np.random.SeedSequence(0))
        stack.advance()
    return [
        Specialisation(
            network=name,
            data=data,
            precision=precision,
            function=kernel.src.fn.__name__,
            constants={kernel.src.fn.arg_names[path[0]]: value for path, value in kernel.src.constants.items()},
            warps=kernel.metadata.num_warps,
            shared=kernel.metadata.shared,
            code=kernel.asm,
            source=kernel.src,
            metadata=kernel.metadata,
        )
        for kernel in kernels.values()
    ]


def blank_split(data: str) -> Split:
    """Black images in a data set's numbers: no kernel depends on a pixel."""
    side = SIDES[data]
    train, valid, test = (
        Images(x=torch.zeros(1, 1, side, side).expand(count, 1, side, side), y=torch.zeros(count, dtype=torch.int64))
        for count in SIZES[data]
    )
    return Split(train=train, valid=valid, test=test)


def greatest_batch(objective: Any) -> Config:
    """Return a configuration of the space with its greatest batch size: the fewest steps an epoch."""
    config = dict(objective.space.sample(np.random.default_rng(0)))
    described = objective.space.describe()
    if "batch_size" in described:
        config["batch_size"] = int(described["batch_size"]["high"])
    return config


class AbsentDriver:
    """Tells Triton which GPU to compile for, where none is."""

    def get_current_target(self) -> Any:
        from triton.backends.compiler import GPUTarget  # type: ignore[import-untyped,unused-ignore]

        return GPUTarget("cuda", ARCHITECTURE, 32)

    def get_current_device(self) -> int:
        return 0

    def get_current_stream(self, device: int) -> int:
        return 0

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")

    def map_python_to_cpp_type(self, name: str) -> str:
        return name


@contextmanager
def compile_only(only: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Let launches compile their kernels and execute nothing; collect the kernels by their hashes."""
    from triton.runtime import driver  # type: ignore[import-untyped,unused-ignore]
    from triton.runtime.jit import JITFunction  # type: ignore[import-untyped,unused-ignore]

    kernels: dict[str, Any] = {}
    launch = JITFunction.run

    def compile_instead(self: Any, *args: Any, grid: Any, warmup: bool, **options: Any) -> Any:
        if not label_of(self.fn.__name__, options).startswith(tuple(only)):
            return None
        kernel = launch(self, *args, grid=grid, warmup=True, **options)
        kernels[kernel.hash] = kernel
        return kernel

    with mock.patch.object(JITFunction, "run", compile_instead), mock.patch.object(driver, "_active", AbsentDriver()):
        yield kernels
