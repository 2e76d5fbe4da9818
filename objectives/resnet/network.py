"""ResNet-18 for 32x32 images (He, Zhang, Ren and Sun, 2016): the stem is one 3x3 convolution, without pooling."""

from __future__ import annotations

import torch
from torch import Tensor, nn

BLOCKS = (2, 2, 2, 2)
"""Residual blocks of each stage; every stage but the first halves the image and doubles the channels."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation, and the input added before the last rectifier (figure 2)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(self.norm2(self.conv2(inner)) + self.shortcut(x))


def resnet18(width: int, classes: int) -> nn.Module:
    """Return the network; the original has `width` 64."""
    stages: list[nn.Module] = []
    inputs = width
    for stage, blocks in enumerate(BLOCKS):
        outputs = width * 2**stage
        for block in range(blocks):
            stages.append(ResidualBlock(inputs, outputs, stride=2 if stage and not block else 1))
            inputs = outputs
    stem = [nn.Conv2d(3, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
    return nn.Sequential(*stem, *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes))
