"""Learning curves on a small space, where libraries that are told every epoch are compared with their adapters."""

import math

from scipy import stats

from benchmark.checking import subject
from benchmark.suite.model import Budget
from objectives.space import FIDELITY, Categorical, Ordinal, Space

MAX_EPOCHS = 9
SPACE = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "momentum": stats.uniform(0, 1),
        "width": stats.randint(8, 65),
        "activation": Categorical(["relu", "tanh", "sigmoid"]),
        "batch_size": Ordinal([16, 32, 64, 128]),
    }
)
DEFAULT = {"rate": 0.1, "momentum": 0.5, "width": 32, "activation": "tanh", "batch_size": 64}


def error_of(config, epochs=MAX_EPOCHS):
    """A smooth error that falls with training."""
    place = abs(math.log10(config["rate"]) + 2) / 4 + abs(config["momentum"] - 0.3) + config["width"] / 640
    return place + (config["activation"] != "relu") / 10 + math.exp(-epochs * (1 - config["momentum"]))


def trained(scheduler, trials, tell=error_of):
    """(configuration, epochs trained) of each trial, in the order started, and the number of reports."""
    found, reports, running = [], 0, None
    while True:
        suggestion = scheduler.suggest()
        epochs = suggestion.pop(FIDELITY)
        if suggestion != running or epochs <= found[-1][1]:
            if len(found) == trials:
                return found, reports
            found.append((suggestion, epochs))
        running, found[-1] = suggestion, (suggestion, epochs)
        reports += 1
        scheduler.update({**suggestion, FIDELITY: epochs}, tell(suggestion, epochs))


def drive(scheduler, tell, n_workers, evaluations):
    """The jobs of a run whose results come out of order."""
    options = {"max_epochs": MAX_EPOCHS, "budget": Budget(evaluations=evaluations), "n_workers": n_workers}
    return subject.drive(scheduler, SPACE, lambda job: tell(job.config, job.epochs), **options)[0]
