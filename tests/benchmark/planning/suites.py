"""Two tiny suites, each the `tiny.toml` of its folder, and the command that runs one or a shard of it."""

from benchmark.cli.main import main

TINY = """
seed = 3
repetitions = 3
clock = "modelled"
calibration = "epyc"
budget.epochs = 12
objectives.branin = { noise = 1.0, epochs = 4 }
objectives.hartmann6 = { noise = 0.05, epochs = 4 }
algorithms.random.searcher = "random"
algorithms.local.searcher = { name = "local", num_init_random = 2 }
algorithms.halving = { scheduler = { name = "successive_halving", eta = 2 }, searcher = "random" }
"""
"""Functions under published prices: 18 runs."""

TOY = """
seed = 3
repetitions = 3
clock = "modelled"
calibration = "prices.toml"
budget.epochs = 9
objectives.branin = { noise = 1.0, epochs = 3 }
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = { name = "successive_halving", eta = 2 }, searcher = "random" }
[objectives.toy]
name = "tests.benchmark.fakes.stacked_toy:StackedToy"
choices = 4
epochs = 3
"""
"""A function and a toy of four choices, whose trials algorithms share, under invented prices: `RUNS` runs."""

RUNS = 12
RUN = ["run", "tiny.toml", "--jobs", "1", "--device", "cpu", "--quiet"]


def run(results, *options):
    """Run the suite, or a shard of it, in this process."""
    assert main([*RUN, "--results", str(results), *options]) == 0
