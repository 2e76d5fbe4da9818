"""The stack's training, held against the reference loop with the same keys."""

import pytest

from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import PRECISIONS, Machine
from objectives.stacks.gpu import gpu_stack
from tests.objectives.stacks.gpu.trials import CONFIGS, curves, fashionable, greatest_difference, reference, stack_of

slow = pytest.mark.slow
NAMES = ["softmax", pytest.param("lenet", marks=slow), pytest.param("dropout_mlp", marks=slow)]
"""The quick tests look at one network; interpreted kernels take seconds."""
TOLERANCE = 1e-5
"""Of a weight after a few steps; sums run in another order."""


@pytest.mark.parametrize("name", NAMES)
def test_trials_agree_with_the_reference_loop(name):
    """Two epochs with a short last batch: the same wrong answers, weights within TOLERANCE."""
    trials = list(enumerate(CONFIGS[name]))[:3]
    errors, weights = curves(stack_of(name, 3), trials, 2)

    for number, config in trials:
        expected, parameters = reference(name, number, config, 2)
        assert errors[number] == expected
        assert greatest_difference(weights[number], parameters) < TOLERANCE


@slow
@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_other_precisions_take_the_same_path(precision):
    """The other tile sizes and three bfloat16 parts compute the same; the interpreter's TF32 is float32."""
    trials = list(enumerate(CONFIGS["dropout_mlp"]))[:2]
    stack = stack_of("dropout_mlp", 2, precision=precision)
    errors, weights = curves(stack, trials, 1)

    assert stack.route == f"triton-{precision}"
    for number, config in trials:
        expected, parameters = reference("dropout_mlp", number, config, 1)
        assert errors[number] == expected
        assert greatest_difference(weights[number], parameters) < TOLERANCE


@slow
@pytest.mark.parametrize("number", [0, 1, 2])
def test_large_images_agree_with_the_reference_loop(number):
    """The same on images of 28x28, for which LeNet has other kernels and sigmoids."""
    objective = [SoftmaxRegression, LeNet, DropoutMLP][number](data="fashion_mnist")
    config = [
        {"learning_rate": 0.3},
        {"learning_rate": 0.5, "batch_size": 32},
        {**CONFIGS["dropout_mlp"][0], "num_hiddens_2": 80},
    ][number]
    split = fashionable(*[(20, 9, 7), (5, 3, 2), (20, 9, 7)][number])
    errors, weights = curves(gpu_stack(objective, Machine(), 1, split=split), [(number, config)], 1)
    expected, parameters = reference("", number, config, 1, objective=objective, split=split)

    assert errors[number] == expected
    assert greatest_difference(weights[number], parameters) < TOLERANCE
