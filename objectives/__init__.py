"""What is optimised. `OBJECTIVES` is the whole registry: a new objective is one file and one line."""

from collections.abc import Mapping

from objectives.closed_form import Branin, Hartmann6
from objectives.dropout_mlp import DropoutMLP
from objectives.lenet import LeNet
from objectives.mlp import MLP
from objectives.objective import Objective
from objectives.softmax import SoftmaxRegression

OBJECTIVES: Mapping[str, type[Objective]] = {
    "softmax": SoftmaxRegression,
    "lenet": LeNet,
    "dropout_mlp": DropoutMLP,
    "mlp": MLP,
    "branin": Branin,
    "hartmann6": Hartmann6,
}
