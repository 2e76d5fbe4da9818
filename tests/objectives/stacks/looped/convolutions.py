"""What the layers that stand for a convolution, an activation and a pooling are held against."""

import numpy as np
import torch
from torch import nn

from objectives.training import counter_rng

KEY = np.array([5, 6], dtype=np.uint64)


def numbers(*shape, index):
    return torch.from_numpy(counter_rng.uniform(KEY, index, int(np.prod(shape)))).view(shape) * 4 - 2


def by_modules(convolution, activation, x, gradient):
    """Output and gradients of input, weights and biases by autograd, in double precision."""
    double = nn.Sequential(
        nn.Conv2d(*convolution.weight.shape[1::-1], convolution.kernel_size, padding=convolution.padding, device="meta")
        .to_empty(device="cpu")
        .double(),
        activation,
        nn.AvgPool2d(2),
    )
    double[0].load_state_dict({name: value.double() for name, value in convolution.state_dict().items()})
    given_x = x.double().requires_grad_()
    out = double(given_x)
    return [out.detach(), *torch.autograd.grad(out, [given_x, *double.parameters()], gradient.double())]
