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
        "zdt1": Entry(
            "objectives.closed_form.zdt:ZDT1",
            "ZDT1 on the unit cube: two metrics, a convex front.",
        ),
        "zdt2": Entry(
            "objectives.closed_form.zdt:ZDT2",
            "ZDT2 on the unit cube: two metrics, a concave front.",
        ),
        "zdt3": Entry(
            "objectives.closed_form.zdt:ZDT3",
            "ZDT3 on the unit cube: two metrics, a front in five pieces.",
        ),
        "zdt4": Entry(
            "objectives.closed_form.zdt:ZDT4",
            "ZDT4, x1 in [0, 1] and the others in [-5, 5]: two metrics, the front of ZDT1 behind 21^9 local ones.",
        ),
        "zdt6": Entry(
            "objectives.closed_form.zdt:ZDT6",
            "ZDT6 on the unit cube: two metrics, a concave front whose points are unevenly hard to find.",
        ),
        "dtlz1": Entry(
            "objectives.closed_form.dtlz:DTLZ1",
            "DTLZ1 on the unit cube, any number of metrics: a flat front behind many local ones.",
        ),
        "dtlz2": Entry(
            "objectives.closed_form.dtlz:DTLZ2",
            "DTLZ2 on the unit cube, any number of metrics: the front is a part of the unit sphere.",
        ),
        "dtlz7": Entry(
            "objectives.closed_form.dtlz:DTLZ7",
            "DTLZ7 on the unit cube, any number of metrics m: a front in 2^(m - 1) pieces.",
        ),
        "c2_dtlz2": Entry(
            "objectives.closed_form.dtlz:C2DTLZ2",
            "C2-DTLZ2 on the unit cube, any number of metrics: feasible within spheres about parts of DTLZ2's front.",
        ),
        "bnh": Entry(
            "objectives.closed_form.constrained:BNH",
            "BNH (2-d), two metrics and two constraints, which hold almost everywhere: a convex front.",
        ),
        "srn": Entry(
            "objectives.closed_form.constrained:SRN",
            "SRN (2-d), two metrics and two constraints, which hold on a sixth of the space: a front along both.",
        ),
        "osy": Entry(
            "objectives.closed_form.constrained:OSY",
            "OSY (6-d), two metrics and six constraints, which hold on 3 % of the space: a front in five parts.",
        ),
        "constrained_branin_currin": Entry(
            "objectives.closed_form.constrained:ConstrainedBraninCurrin",
            "Branin's and Currin's functions on the unit square (2-d), feasible within a disk; the front is not known.",
        ),
        "bbob": Entry(
            "objectives.bbob.objective:Bbob",
            "A function of COCO's bbob suites by number, dimension and instance; needs the extra `coco`.",
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
