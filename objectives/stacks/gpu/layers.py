"""Fully connected layers of all slots: buffers and launches; the kernels are in `kernels.dense`."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from torch import Tensor, nn

from objectives.stacks.gpu.images import PixelBytes
from objectives.stacks.gpu.kernels.arithmetic import ALIGNMENT
from objectives.stacks.gpu.kernels.dense import CLASS_TILE, dense_forward, dense_inputs, dense_update
from objectives.stacks.gpu.network import Network, StackBuffers, count_tiles, round_up


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """Sizes, activation and dropout of one fully connected layer.

    Attributes:
        inputs: the greatest over all trials.
        outputs: likewise.
        activation: of `arithmetic`.
        dropout: the number of the dropout behind it, or -1.
        ragged: whether its outputs differ from trial to trial.
    """

    inputs: int
    outputs: int
    activation: int
    dropout: int = -1
    ragged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiles:
    """Tile sizes of the products; they set the order of the sums and so the bits, never the stack's size.

    Attributes:
        rows: of the batch.
        units: of a layer.
        depth: of the contracted dimension, forward and by the inputs.
        warps: of a program.
        batch: of the contracted batch in a weight gradient.
        update_warps: of a program there.
    """

    rows: int
    units: int
    depth: int
    warps: int = 4
    batch: int = 32
    update_warps: int = 4


class DenseLayers(Network):
    """A sequence of fully connected layers ending in class scores, on images or on a buffer of features.

    Args:
        site: what the kernels share.
        layers: from the input on; the last one gives the class scores.
        sizes: tile sizes.
        features: (capacity, rows, inputs) inputs of the first layer in training; None: the images.
        evaluated: (lanes, chunk, inputs) the same in evaluation.
    """

    def __init__(
        self,
        site: StackBuffers,
        layers: list[Layer],
        sizes: Tiles,
        *,
        features: Tensor | None = None,
        evaluated: Tensor | None = None,
    ) -> None:
        self.site, self.layers, self.sizes = site, layers, sizes
        self.weights = [site.zeros(site.capacity, x.outputs, round_up(x.inputs, ALIGNMENT)) for x in layers]
        self.biases = [site.zeros(site.capacity, round_up(x.outputs, ALIGNMENT)) for x in layers]
        self.parameters = [p for pair in zip(self.weights, self.biases, strict=True) for p in pair]
        self.on_images = features is None
        widths = [round_up(x.outputs, ALIGNMENT) for x in layers]
        nothing = site.zeros(1)
        hidden = [site.zeros(site.capacity, site.rows, width) for width in widths[:-1]]
        looked_at = [site.zeros(site.lanes, site.chunk, width) for width in widths[:-1]]
        self.inputs = [nothing if features is None else features, *hidden]
        self.evaluated = [nothing if evaluated is None else evaluated, *looked_at]
        self.gradients = [site.zeros(site.capacity, site.rows, width) for width in widths]
        self.feature_gradient = nothing if features is None else site.zeros(*features.shape)

    def widths(self, module: nn.Module) -> list[int]:
        linear = [m for m in module.modules() if isinstance(m, nn.Linear)]
        return [linear[0].in_features, *(m.out_features for m in linear)]

    def step(self, step: int) -> None:
        self.forward(step)
        self.backward(step)

    def forward(self, step: int) -> None:
        """Compute the forward pass and the gradient by the class scores."""
        for number in range(len(self.layers)):
            last = number == len(self.layers) - 1
            out = self.gradients[number] if last else self.inputs[number + 1]
            self._forward(number, self.inputs[number], out, self.site.train, step=step)

    def backward(self, step: int) -> None:
        """Compute gradients from the last layer to the first, every layer's before its weights change."""
        for number in reversed(range(len(self.layers))):
            if number > 0 or not self.on_images:
                self._inputs(number, step)
            self._update(number, step)

    def evaluate(self, images: PixelBytes, first: int) -> None:
        for number in range(len(self.layers)):
            last = number == len(self.layers) - 1
            out = self.gradients[number] if last else self.evaluated[number + 1]
            self._forward(number, self.evaluated[number], out, images, first=first)

    def multiply_adds(self, rows: int, widths: list[int]) -> tuple[float, float]:
        """Count the multiply-adds of a step: those that were asked for, and those of whole tiles of any precision."""
        useful = spent = 0.0
        for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            passes = 3 if number > 0 or not self.on_images else 2
            useful += passes * rows * inputs * outputs
            spent += self._tiled_multiply_adds(number, rows, inputs, outputs)
        return useful, spent

    def _tiled_multiply_adds(self, number: int, rows: int, inputs: int, outputs: int) -> float:
        """Count what the kernels of a layer multiply in a step: output, gradient by the input, update."""
        sizes, on_images = self.sizes, number == 0 and self.on_images
        units, across = self._update_tile(number)
        depth = min(sizes.depth, round_up(self.layers[number].outputs, CLASS_TILE))
        into = inputs if on_images else round_up(inputs, ALIGNMENT)
        whole_rows, whole_units = round_up(rows, sizes.rows), round_up(outputs, units)
        forward = whole_rows * whole_units * round_up(into, sizes.depth)
        backward = 0 if on_images else whole_rows * round_up(inputs, sizes.units) * round_up(outputs, depth)
        return forward + backward + round_up(into, across) * whole_units * round_up(rows, sizes.batch)

    def _update_tile(self, number: int) -> tuple[int, int]:
        """Outputs and inputs whose weights one program updates."""
        last = number == len(self.layers) - 1
        on_images = number == 0 and self.on_images
        return CLASS_TILE if last else self.sizes.units, self.sizes.depth if last and on_images else self.sizes.units

    def _forward(
        self, number: int, source: Tensor, out: Tensor, images: PixelBytes, *, step: int = 0, first: int | None = None
    ) -> None:
        site, layer, sizes = self.site, self.layers[number], self.sizes
        on_images = number == 0 and self.on_images
        evaluate, last = first is not None, number == len(self.layers) - 1
        rows = min(site.chunk, len(images)) if evaluate else site.rows
        units = CLASS_TILE if last else sizes.units
        lanes = site.lanes if evaluate else site.capacity
        dense_forward[(count_tiles(rows, sizes.rows), count_tiles(layer.outputs, units), lanes)](
            source, images.u, site.order, self.weights[number], self.biases[number], out, images.labels, site.wrong,
            site.table.whole, site.table.rates, site.table.keys, site.who, step, first or 0, len(images),
            LAYER=number, IMAGES=on_images, LAST=last, EVALUATE=evaluate,
            ACTIVATION=layer.activation, DROPOUT=layer.dropout, ROWS=site.chunk if evaluate else site.rows,
            SOURCE_ROW=images.u.shape[1] if on_images else source.shape[2], OUT_ROW=out.shape[2],
            IN=self.weights[number].shape[2], WEIGHTS=self.weights[number][0].numel(),
            BIASES=self.biases[number].shape[1], epoch_rows=site.order.shape[1], PIXEL=images.scale,
            PRECISION=site.precision, BM=sizes.rows, BN=units, BK=sizes.depth, num_warps=sizes.warps,
        )  # fmt: skip

    def _inputs(self, number: int, step: int) -> None:
        site, sizes = self.site, self.sizes
        below = self.layers[number - 1] if number > 0 else Layer(inputs=0, outputs=0, activation=0)
        out = self.gradients[number - 1] if number > 0 else self.feature_gradient
        grid = (count_tiles(site.rows, sizes.rows), count_tiles(self.layers[number].inputs, sizes.units), site.capacity)
        dense_inputs[grid](
            self.gradients[number], self.weights[number], self.inputs[number], out,
            site.table.whole, site.table.rates, step,
            LAYER=number, ACTIVATION=below.activation, DROPOUT=below.dropout, ROWS=site.rows,
            GRADIENT_ROW=self.gradients[number].shape[2], OUT_ROW=out.shape[2], IN=self.weights[number].shape[2],
            WEIGHTS=self.weights[number][0].numel(), PRECISION=site.precision,
            BM=sizes.rows, BN=sizes.units, BK=min(sizes.depth, round_up(self.layers[number].outputs, CLASS_TILE)),
            num_warps=sizes.warps,
        )  # fmt: skip

    def _update(self, number: int, step: int) -> None:
        site, sizes, layer = self.site, self.sizes, self.layers[number]
        on_images = number == 0 and self.on_images
        units, across = self._update_tile(number)
        source = self.inputs[number]
        dense_update[(count_tiles(layer.inputs, across), count_tiles(layer.outputs, units), site.capacity)](
            source, site.train.u, site.order, self.gradients[number], self.weights[number], self.biases[number],
            site.table.whole, site.table.rates, step,
            LAYER=number, IMAGES=on_images, ROWS=site.rows,
            SOURCE_ROW=site.train.u.shape[1] if on_images else source.shape[2],
            GRADIENT_ROW=self.gradients[number].shape[2], IN=self.weights[number].shape[2],
            WEIGHTS=self.weights[number][0].numel(), BIASES=self.biases[number].shape[1],
            epoch_rows=site.order.shape[1], PIXEL=site.train.scale, PRECISION=site.precision,
            BM=units, BN=across, BK=sizes.batch, num_warps=sizes.update_warps,
        )  # fmt: skip
