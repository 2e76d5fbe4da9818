"""Schedulers that follow a script, and a tuning loop driven by hand."""

from scipy import stats

from benchmark.suite.model import Budget
from benchmark.tuning.tuner import Outcome, TuningLoop
from objectives.space import Categorical, Space

SPACE = Space({"x": stats.uniform(0, 1), "n": stats.randint(1, 10), "kind": Categorical(["a", "b"])})


def config(x=0.5, n=3, kind="a", **fidelity):
    """A configuration of the toy space."""
    return {"x": x, "n": n, "kind": kind, **fidelity}


class Script:
    """A scheduler that suggests a list of things, then nothing, and remembers its updates."""

    def __init__(self, *suggestions):
        self.suggestions = list(suggestions)
        self.asked, self.updates = 0, []

    def suggest(self):
        self.asked += 1
        return self.suggestions.pop(0) if self.suggestions else None

    def update(self, config, error, info=None):
        self.updates.append((config, error))


class Endless:
    """A scheduler that never runs out of new configurations."""

    def __init__(self):
        self.asked = 0

    def suggest(self):
        self.asked += 1
        return config(x=self.asked / 1000)

    def update(self, config, error, info=None):
        """Learns nothing."""


def loop(scheduler, *, max_epochs=8, n_workers=1, resume=True, check=SPACE.check, **budget):
    """A tuning loop over the toy space."""
    return TuningLoop(
        scheduler, check=check, max_epochs=max_epochs, budget=Budget(**budget), n_workers=n_workers, resume=resume
    )


def drive(tuning, outcome=None):
    """Run a loop to its end; returns its jobs and its reason. An epoch costs a second unless told otherwise."""

    def trained(job):
        return Outcome(error=job.config["x"], epochs=job.epochs, end=job.start + job.epochs - job.start_epoch)

    steps, jobs = tuning.run(), []
    try:
        jobs.append(next(steps))
        while True:
            jobs.append(steps.send((outcome or trained)(jobs[-1])))
    except StopIteration as stop:
        return jobs, stop.value
