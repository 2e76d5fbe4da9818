"""Other ways of training several networks on a GPU: torch.func in padded waves, and cuBLAS's batched products."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from objectives.space import Config
from objectives.training.data import Images
from tests.perf import tight


class Wave:
    """Trials side by side by `torch.func.vmap`, padded to the greatest batch and widths of the space.

    Own learning rate, minibatches, dropout rates and batch size (rows of weight 0) for every trial; padded
    units have zero weights, which ReLU keeps so. A wave lasts as long as its longest trial.

    Args:
        name: "softmax", "lenet" or "dropout_mlp".
        configs: one for each trial.
        most: the configuration of the greatest widths and batch.
        images: training images on the device.
    """

    def __init__(self, name: str, configs: list[Config], most: Config, images: Images) -> None:
        self.images, device = images, images.y.device
        generator = torch.Generator(device).manual_seed(0)
        self.module: nn.Module = tight.network_of(name, most, images.x.shape[-1]).to(device)
        self.convolutional = name == "lenet"
        self.module.eval()  # Dropout is drawn below, at each trial's own rate.
        self.parameters: dict[str, Tensor] = {
            key: torch.randn((len(configs), *p.shape), generator=generator, device=device) * 0.05
            for key, p in self.module.named_parameters()
        }
        for slot, config in enumerate(configs):
            self._cut(slot, config)
        self.batch = max(batch_of(config) for config in configs)
        batches = torch.tensor([batch_of(config) for config in configs], device=device)
        rows = torch.arange(int(most.get("batch_size", self.batch)), device=device)
        self.weights = (rows < batches[:, None]).float() / batches[:, None]
        self.rates = torch.tensor([rate_of(config) for config in configs], device=device)
        self.keep = torch.tensor([[1 - float(config.get(f"dropout_{i}", 0)) for i in (1, 2)] for config in configs])
        self.keep = self.keep.to(device)
        self.generator = generator
        self.gradients = vmap(grad(self._loss), randomness="different")

    def step(self) -> None:
        """One minibatch of every trial."""
        shape, device = self.weights.shape, self.weights.device
        index = torch.randint(len(self.images), shape, generator=self.generator, device=device)
        found = self.gradients(self.parameters, self.images.x[index], self.images.y[index], self.weights, self.keep)
        for key, parameter in self.parameters.items():
            rates = self.rates.view(-1, *[1] * (parameter.dim() - 1))
            parameter.sub_(found[key] * rates)

    def _loss(self, parameters: Mapping[str, Tensor], x: Tensor, y: Tensor, weights: Tensor, keep: Tensor) -> Tensor:
        if self.convolutional:
            scores = functional_call(self.module, dict(parameters), (x,))
        else:
            scores = self._dense(parameters, x, keep)
        losses = functional.cross_entropy(scores, y, reduction="none")
        return (losses * weights).sum()

    def _dense(self, parameters: Mapping[str, Tensor], x: Tensor, keep: Tensor) -> Tensor:
        hidden, pairs = x.flatten(1), list(parameters.values())
        for layer in range(len(pairs) // 2):
            hidden = functional.linear(hidden, pairs[2 * layer], pairs[2 * layer + 1])
            if layer < len(pairs) // 2 - 1:
                kept = torch.rand_like(hidden) < keep[layer]
                hidden = functional.relu(hidden) * kept / keep[layer]
        return hidden

    def _cut(self, slot: int, config: Config) -> None:
        """Zero the weights of the units beyond a trial's own widths."""
        widths = [int(config[key]) for key in ("num_hiddens_1", "num_hiddens_2") if key in config]
        for layer, width in enumerate(widths):
            weight, bias, outgoing = list(self.parameters)[2 * layer : 2 * layer + 3]
            self.parameters[weight][slot, width:] = 0
            self.parameters[bias][slot, width:] = 0
            self.parameters[outgoing][slot, :, width:] = 0


class Batched:
    """Equal dense networks by cuBLAS's batched products, with a gradient by hand: no ragged trial fits in.

    Args:
        widths: from the pixels to the classes.
        batch: rows.
        slots: networks.
        images: training images as bytes (n, pixels) and labels (n,).
    """

    def __init__(self, widths: list[int], batch: int, slots: int, u: Tensor, labels: Tensor) -> None:
        device = u.device
        self.u, self.labels, self.batch = u, labels.long(), batch
        pairs = list(itertools.pairwise(widths))
        generator = torch.Generator(device).manual_seed(0)
        self.weights = [torch.randn((slots, i, o), generator=generator, device=device) * 0.05 for i, o in pairs]
        self.biases = [torch.zeros((slots, 1, o), device=device) for _, o in pairs]
        self.order = torch.randint(len(labels), (slots, batch), generator=generator, device=device)

    def step(self) -> None:
        """One minibatch of every network; dropout of one half behind each hidden layer."""
        x = [self.u[self.order].float() / 255]
        last = len(self.weights) - 1
        for layer, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            z = torch.baddbmm(bias, x[-1], weight)
            x.append(z if layer == last else z.relu_().mul_((torch.rand_like(z) < 0.5).float().mul_(2)))
        d = x[-1].softmax(2)
        d.scatter_add_(2, self.labels[self.order].unsqueeze(2), d.new_full((*d.shape[:2], 1), -1.0))
        d.mul_(1 / self.batch)
        for layer in range(last, -1, -1):
            below = torch.bmm(d, self.weights[layer].mT).mul_((x[layer] > 0).float().mul_(2)) if layer > 0 else d
            self.weights[layer].baddbmm_(x[layer].mT, d, alpha=-0.01)
            self.biases[layer].sub_(d.sum(1, keepdim=True), alpha=0.01)
            d = below


class Tight:
    """The tight loop of `tests.perf.tight`, a number of steps at a time."""

    def __init__(self, name: str, config: Config, images: Images) -> None:
        self.images, self.batch, self.rate = images, batch_of(config), rate_of(config)
        self.network = tight.network_of(name, config, images.x.shape[-1]).to(images.y.device).train()
        self.parameters = list(self.network.parameters())

    def steps(self, most: int) -> int:
        """Train on a fresh order, for at most that many steps of an epoch; returns how many."""
        order = torch.randperm(len(self.images), device=self.images.y.device).split(self.batch)  # type: ignore[no-untyped-call]
        for index in order[:most]:
            loss = functional.cross_entropy(self.network(self.images.x[index]), self.images.y[index])
            gradients = torch.autograd.grad(loss, self.parameters)
            with torch.no_grad():
                for parameter, gradient in zip(self.parameters, gradients, strict=True):
                    parameter.sub_(gradient, alpha=self.rate)
        return len(order[:most])


def batch_of(config: Config) -> int:
    return int(config.get("batch_size", 16))


def rate_of(config: Config) -> float:
    return float(config["lr"] if "lr" in config else config["learning_rate"])
