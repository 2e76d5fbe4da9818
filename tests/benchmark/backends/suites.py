"""Suites that a cluster runs, and a port for one."""

import json
import socket

DIGITS = """
seed = 7
repetitions = 2
clock = "measured"
calibration = "prices.toml"
budget.trials = 3
objectives.softmax = { epochs = 2 }
objectives.lenet = { epochs = 2 }
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = "successive_halving", searcher = "random" }
"""
TOY = """
seed = 3
repetitions = {repetitions}
budget.trials = {trials}
algorithms.random.searcher = "random"
[objectives.toy]
name = "tests.benchmark.fakes.{name}"
{options}
"""


def toy(name, repetitions=4, trials=5, **options):
    """The text of a suite of random search on a toy objective."""
    text = "\n".join(f"{key} = {json.dumps(value)}" for key, value in options.items())
    return TOY.format(name=name, repetitions=repetitions, trials=trials, options=text)


def free_port():
    """A port of this machine at which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]
