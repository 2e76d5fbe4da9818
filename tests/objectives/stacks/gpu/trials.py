"""Small trials for the tests: excerpts of real digits, configurations, and the reference loop's results."""

from functools import cache

import numpy as np
import torch

from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stacks.gpu import gpu_stack
from objectives.training.counter_rng import trial_key
from objectives.training.data import Images, Split, load_splits
from objectives.training.reference_loop import train

OBJECTIVES = {"softmax": SoftmaxRegression, "lenet": LeNet, "dropout_mlp": DropoutMLP}
SIZES = {"softmax": (75, 40, 30), "lenet": (13, 5, 4), "dropout_mlp": (45, 20, 17)}
CONFIGS = {
    "softmax": [{"learning_rate": rate} for rate in (0.5, 0.03, 0.2, 0.001)],
    "lenet": [{"learning_rate": rate, "batch_size": batch} for rate, batch in ((0.3, 7), (0.9, 13), (0.05, 40))],
    "dropout_mlp": [
        {"num_hiddens_1": a, "num_hiddens_2": b, "dropout_1": p, "dropout_2": q, "lr": rate, "batch_size": batch}
        for a, b, p, q, rate, batch in (
            (70, 11, 0.3, 0.0, 0.5, 17),
            (9, 65, 0.0, 0.6, 0.1, 44),
            (33, 16, 0.5, 0.25, 0.05, 20),
            (8, 100, 0.9, 0.1, 0.3, 16),
        )
    ],
}


@cache
def excerpt(name):
    """A few of the digits: not a multiple of any batch."""
    full = load_splits("digits", "standard", None, Machine())[0]
    sizes = SIZES[name]
    parts = (full.train, full.valid, full.test)
    train_part, valid, test = (part.take(np.arange(size)) for part, size in zip(parts, sizes, strict=True))
    return Split(train=train_part, valid=valid, test=test)


def drawn(count, seed):
    """Images of 28x28 whose class can be seen: a bright bar over noise."""
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, 10, count)
    pixels = generator.integers(0, 64, (count, 1, 28, 28))
    for image, label in zip(pixels, labels, strict=True):
        image[0, 2 * label : 2 * label + 3] = 255
    return Images(x=torch.from_numpy((pixels / 255.0).astype(np.float32)), y=torch.from_numpy(labels))


def fashionable(train_size, valid_size, test_size):
    """A split of Fashion-MNIST's shape."""
    return Split(train=drawn(train_size, 0), valid=drawn(valid_size, 1), test=drawn(test_size, 2))


def seed_of(number):
    return np.random.SeedSequence(7, spawn_key=(number,))


def stack_of(name, capacity, **options):
    return gpu_stack(OBJECTIVES[name](), Machine(), capacity, split=excerpt(name), **options)


def curves(stack, trials, epochs, *, pause_at=()):
    """Errors of every trial, epoch by epoch, trained through the stack with refills.

    Args:
        stack: an empty one.
        trials: (number, configuration) in order of admission; the number gives ticket and seed.
        epochs: of each trial.
        pause_at: epochs after which every trial is paused and goes to the end of the queue.

    Returns:
        Errors by number, and the last weights by number.
    """
    queue = [(number, config, None) for number, config in trials]
    configs = dict(trials)
    errors, weights = {number: [] for number, _ in trials}, {}
    while queue or stack.free < stack.capacity:
        while queue and stack.free:
            number, config, saved = queue.pop(0)
            stack.admit(number, config, seed_of(number), saved)
        for number, epoch in stack.advance():
            errors[number].append((epoch.valid_error, epoch.test_error, epoch.diverged))
            done = len(errors[number])
            if epoch.diverged:
                continue
            if done == epochs:
                weights[number] = stack.pause(number).parameters
            elif done in pause_at:
                queue.append((number, configs[number], stack.pause(number)))
    return errors, weights


def reference(name, number, config, epochs, *, objective=None, split=None):
    """The same of the reference loop: [(valid error, test error, diverged)] and the weights."""
    objective, split = objective or OBJECTIVES[name](), split or excerpt(name)
    key = trial_key(seed_of(number), 0)
    network = objective.start(config, split, key, "cpu")
    loop = train(
        network,
        split,
        learning_rate=objective.learning_rate(config),
        batch_size=objective.batch_size(config),
        key=key,
    )
    errors = []
    for _ in range(epochs):
        counts = next(loop)
        errors.append((counts.valid_wrong / len(split.valid), counts.test_wrong / len(split.test), not counts.finite))
    return errors, [parameter.detach() for parameter in network.parameters()]


def same_bits(one, other):
    """Whether two lists of tensors are equal to the bit, NaN included."""
    return all(torch.equal(a.view(torch.int32), b.view(torch.int32)) for a, b in zip(one, other, strict=True))


def greatest_difference(one, other):
    return max(float((a - b).abs().max()) for a, b in zip(one, other, strict=True))
