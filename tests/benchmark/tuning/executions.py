"""The execution of one run, driven by hand."""

from benchmark.reproducibility.environment import describe_environment
from benchmark.suite import parsing as suites
from benchmark.tuning.execution import RunExecution, build_trainer
from benchmark.tuning.run_settings import RunSettings
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy

OBJECTIVE = "tests.benchmark.fakes.stacked_toy:StackedToy"


TABLE = {
    "seed": 5,
    "repetitions": 1,
    "clock": "measured",
    "budget": {"trials": 3},
    "algorithms": {"own": {"searcher": "random"}},
    "objectives": {"toy": {"name": OBJECTIVE}},
}


def run_of(**changes):
    """The first run of a suite on the toy objective."""
    return next(iter(suites.parse("toy", {**TABLE, **changes}).runs()))


def settings(folder, **changes):
    """The settings of runs in a folder, on this machine's CPU."""
    return RunSettings(folder=folder, machine=Machine(), environment=describe_environment("cpu", 1), **changes)


def drive_execution(run, where, fatal=None, train=None):
    """Drive an execution to its end; returns its report and the indices of the jobs that it asked for."""
    trainer = build_trainer(run, StackedToy(), Machine())
    steps = RunExecution(run, StackedToy(), where, "reference", fatal).steps({"toy": "0" * 64})
    asked = []
    try:
        job = next(steps)
        while True:
            asked.append(job.index)
            job = steps.send((train or trainer.train)(job))
    except StopIteration as stop:
        return stop.value, asked
