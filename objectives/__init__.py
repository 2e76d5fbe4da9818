"""Objectives to minimise. `OBJECTIVES` is the whole registry: a new objective is one file and one line."""

from objectives.objective import Objective
from objectives.registry import Entry, Registry

OBJECTIVES: Registry[type[Objective]] = Registry(
    {
        "softmax": Entry(
            "objectives.classification.softmax:SoftmaxRegression",
            "Softmax regression, batches of 16: the learning rate (1-d), on digits or Fashion-MNIST.",
        ),
        "lenet": Entry(
            "objectives.classification.lenet:LeNet",
            "LeNet: learning rate and batch size (2-d); sigmoid on Fashion-MNIST, tanh and 8x8 on digits.",
        ),
        "dropout_mlp": Entry(
            "objectives.classification.dropout_mlp:DropoutMLP",
            "Two hidden layers with dropout: widths, dropout rates, learning rate, batch size (6-d).",
        ),
        "mlp": Entry(
            "objectives.classification.mlp:MLP",
            "One to four hidden layers of own widths, one dropout rate: 5-d to 8-d, as many widths as layers.",
        ),
        "resnet": Entry(
            "objectives.resnet.objective:ResNet",
            "ResNet-18 on CIFAR-10: learning rate, batch size, weight decay, momentum, label smoothing, width (6-d).",
        ),
        "sklearn": Entry(
            "objectives.scikit.objective:SklearnModel",
            "A model of scikit-learn on a data set that it brings along: 2 to 6 hyperparameters, cross-validated.",
        ),
        "branin": Entry(
            "objectives.closed_form.functions:Branin",
            "Branin's function on [-5, 10] x [0, 15] (2-d): three global minima of 0.397887, no training.",
        ),
        "hartmann6": Entry(
            "objectives.closed_form.functions:Hartmann6",
            "Hartmann's function on the unit cube (6-d): six local minima, the least -3.32237, no training.",
        ),
        "jax_softmax": Entry(
            "objectives.external.jax_objective:JaxSoftmax",
            "Softmax regression in JAX and Flax, in this process: the learning rate (1-d); needs the extra `jax`.",
        ),
        "external": Entry(
            "objectives.external.external_objective:ExternalObjective",
            "Another program's objective: space, metrics and training in a process of its own, by JSON lines.",
        ),
    }
)
