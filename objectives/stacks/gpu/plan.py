"""Builds the GPU stack of an objective: layers, tile sizes, number of slots."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import torch

from objectives.objective import Machine
from objectives.stacks.gpu.images import DeviceImages, PixelBytes, load_images
from objectives.stacks.gpu.kernels.arithmetic import NONE, RELU
from objectives.stacks.gpu.kernels.table import Table
from objectives.stacks.gpu.layers import DenseLayers, Layer, Tiles
from objectives.stacks.gpu.lenet import FASHION, SMALL, LeNetLayers
from objectives.stacks.gpu.network import EVALUATION_ROWS, Network, StackBuffers, round_up
from objectives.stacks.gpu.stack import GpuStack
from objectives.stacks.network_objective import GpuKernels, NetworkObjective
from objectives.training.data import CLASSES, Split, load_splits

CAPACITY: Mapping[tuple[GpuKernels, str], int] = {
    ("softmax", "digits"): 512,
    ("softmax", "fashion_mnist"): 512,
    ("lenet", "digits"): 256,
    ("lenet", "fashion_mnist"): 128,
    ("dropout_mlp", "digits"): 256,
    ("dropout_mlp", "fashion_mnist"): 64,
}
"""Slots. Softmax steps are bound by latency, so many; of the DropoutMLP's weights (7.4 MB a slot at the
greatest widths) few slots fit a 50 MB cache, but too few leave multiprocessors idle. To be tuned by measurement."""

LANES: Mapping[GpuKernels, int] = {"softmax": 128, "lenet": 32, "dropout_mlp": 16}
"""Slots that are evaluated together; each has buffers of its own for EVALUATION_ROWS images."""

MOST_STEPS = 32
EPOCH_SHARE = 32
"""A graph holds at most MOST_STEPS steps, and at most one part in EPOCH_SHARE of a typical epoch: a slot
that ends its epoch within a replay idles to its end."""

ROUND_SHARE = 8
"""A round is at most one part in ROUND_SHARE of a typical epoch, and two are launched ahead: as long a new trial may
wait for its first step, and one that rests for its next."""

SOFTMAX_TILES: Mapping[str, Tiles] = {
    "ieee": Tiles(rows=16, units=16, depth=128, batch=16),
    "bf16x6": Tiles(rows=16, units=16, depth=128, batch=16),
    "tf32x3": Tiles(rows=16, units=16, depth=64, batch=16),
    "tf32": Tiles(rows=16, units=16, depth=128, batch=16),
}
"""Minibatches of 16 rows. With a depth of 128 the compiler spills registers in "tf32x3" (sm_90, Triton 3.6)."""
HEAD_TILES = Tiles(rows=64, units=32, depth=32)
MLP_TILES: Mapping[str, Tiles] = {
    "ieee": Tiles(rows=32, units=64, depth=32, batch=16, update_warps=8),
    "bf16x6": Tiles(rows=64, units=64, depth=32),
    "tf32x3": Tiles(rows=64, units=64, depth=32),
    "tf32": Tiles(rows=64, units=64, depth=32),
}
"""Tensor cores want 64 rows; without them 32 waste less on ragged batches (1.13 to 1.15 instead of 1.28).
The weight gradients' 16 x 8 warps in float32: with 32 x 4 the compiler spills registers (sm_90, Triton 3.6)."""


def build(
    objective: NetworkObjective,
    machine: Machine,
    capacity: int | None,
    precision: str,
    *,
    split: Split | None,
    quantum: int | None,
    lanes: int | None,
) -> GpuStack:
    """Build the stack of a network that has kernels (see `has_kernels`)."""
    kernels = objective.gpu_kernels
    assert kernels is not None
    slots = capacity or CAPACITY[kernels, objective.data]
    host = split or _host_split(objective.data, objective.split, objective.train_rows, machine)
    images = (
        _resident_images(objective.data, objective.split, objective.train_rows, machine)
        if split is None
        else load_images(split, objective.data, machine.device)
    )
    site = _buffers(objective, images.train, slots, precision, machine, lanes or LANES[kernels])
    steps = quantum or typical_quantum(objective, len(images.train))
    return GpuStack(
        objective=objective,
        split=host,
        images=images,
        site=site,
        network=_network(objective, kernels, site),
        quantum=steps,
        longest=max(1, int(typical_steps(objective, len(images.train)) / ROUND_SHARE / steps)),
    )


def _host_split(data: str, split: str, rows: int | None, machine: Machine) -> Split:
    return load_splits(data, split, None, Machine(device="cpu", data=machine.data), rows)[0]


@cache
def _resident_images(data: str, split: str, rows: int | None, machine: Machine) -> DeviceImages:
    """The bytes of a data set on a device, copied once in a process: it takes one to two seconds."""
    return load_images(_host_split(data, split, rows, machine), data, machine.device)


def typical_quantum(objective: NetworkObjective, rows: int) -> int:
    """Choose the steps of one replayed graph: a power of two."""
    share = typical_steps(objective, rows) / EPOCH_SHARE
    return int(min(MOST_STEPS, 2 ** math.floor(math.log2(max(share, 1)))))


def typical_steps(objective: NetworkObjective, rows: int) -> float:
    """Steps of an epoch with the geometric mean of the batch sizes."""
    low, high = batch_bounds(objective)
    return rows / math.sqrt(low * high)


def batch_bounds(objective: NetworkObjective) -> tuple[int, int]:
    """The least and greatest batch size of any trial."""
    axis = objective.space.describe().get("batch_size")
    if axis is None:
        fixed = objective.batch_size({})
        return fixed, fixed
    return int(axis["low"]), int(axis["high"])


def _buffers(
    objective: NetworkObjective,
    train: PixelBytes,
    capacity: int,
    precision: str,
    machine: Machine,
    lanes: int,
) -> StackBuffers:
    device = machine.device
    lanes = min(capacity, lanes)
    return StackBuffers(
        table=Table(capacity, device),
        order=torch.zeros((capacity, len(train)), dtype=torch.int32, device=device),
        train=train,
        rows=round_up(min(batch_bounds(objective)[1], len(train)), 16),
        who=torch.full((lanes,), -1, dtype=torch.int32, device=device),
        wrong=torch.zeros(lanes, dtype=torch.int32, device=device),
        chunk=EVALUATION_ROWS,
        precision=precision,
        device=device,
    )


def _network(objective: NetworkObjective, kernels: GpuKernels, site: StackBuffers) -> Network:
    pixels = site.train.u.shape[1]
    if kernels == "lenet":
        return LeNetLayers(site, SMALL if objective.data == "digits" else FASHION, HEAD_TILES)
    if kernels == "softmax":
        return DenseLayers(
            site, [Layer(inputs=pixels, outputs=CLASSES, activation=NONE)], SOFTMAX_TILES[site.precision]
        )
    bounds = objective.space.describe()
    first, second = (int(bounds[f"num_hiddens_{i}"]["high"]) for i in (1, 2))
    layers = [
        Layer(inputs=pixels, outputs=first, activation=RELU, dropout=0, ragged=True),
        Layer(inputs=first, outputs=second, activation=RELU, dropout=1, ragged=True),
        Layer(inputs=second, outputs=CLASSES, activation=NONE),
    ]
    return DenseLayers(site, layers, MLP_TILES[site.precision])
