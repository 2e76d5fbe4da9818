"""What a trial costs, counted instead of timed: steps, rows, multiply-adds.

A calibration (`benchmark/calibration.py`) holds the seconds that one of each takes on some device, so
that a trial has a price that is the same on every machine and in every stack. Counts are taken from
the shapes of a network that is built without storage; nothing here trains or loads data.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from objectives.data import Images, Split
from objectives.networks import Dropout, padded_dropout
from objectives.objective import CostTerms, Epoch
from objectives.training import EVALUATION_BATCH
