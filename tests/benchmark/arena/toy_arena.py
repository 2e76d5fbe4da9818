"""A toy arena: closed forms with noise under a budget in nominal seconds, and the commands in this process."""

from benchmark.arena.commands import COMMANDS
from benchmark.cli.main import main

HEAD = """
title = "toy"
seed = 3
repetitions = {repetitions}
clock = "tabulated"
device = "cpu"
control = "random"
budget = {{ runtime = {runtime}, trials = 100 }}
"""
ALGORITHMS = """
algorithms.random.searcher = "random"
algorithms.local = { searcher = { name = "local", num_init_random = 3 }, label = "Local search" }
algorithms.sobol.searcher = "sobol"
"""
TASKS = {
    "branin": '{ name = "branin", noise = 1.0 }',
    "hartmann": '{ name = "hartmann6", noise = 0.05 }',
    "steep": '{ name = "branin", noise = 20.0 }',
    "rough": '{ name = "hartmann6", noise = 0.4 }',
}


def write_suite(folder, *, tasks=2, repetitions=3, runtime=6.0, algorithms=ALGORITHMS, name="toy"):
    """Write a suite of toy tasks; returns its path as commands take it."""
    objectives = "".join(f"objectives.{label} = {entry}\n" for label, entry in list(TASKS.items())[:tasks])
    text = HEAD.format(repetitions=repetitions, runtime=runtime) + objectives + algorithms
    (folder / f"{name}.toml").write_text(text)
    return f"./{name}.toml"


def call(*words):
    """Run a command of `python -m benchmark` in this process; returns its exit code."""
    return main([str(word) for word in words], further=COMMANDS)


def make_field(folder, **options):
    """Run a toy suite in the current folder, which is `folder`, and pack its field; returns the suite's path."""
    suite = write_suite(folder, **options)
    assert call("run", suite, "--jobs", "1", "--quiet") == 0
    assert call("field", "pack", suite, "--out", "field.npz") == 0
    return suite
