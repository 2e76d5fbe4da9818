"""What is optimised. `OBJECTIVES` is the whole registry: a new objective is one file and one line."""

from collections.abc import Mapping

from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.mlp import MLP
from objectives.classification.softmax import SoftmaxRegression
from objectives.closed_form import Branin, Hartmann6
from objectives.objective import Objective

OBJECTIVES: Mapping[str, type[Objective]] = {
    "softmax": SoftmaxRegression,
    "lenet": LeNet,
    "dropout_mlp": DropoutMLP,
    "mlp": MLP,
    "branin": Branin,
    "hartmann6": Hartmann6,
}
