"""A searcher that says what a list says, and schedulers that are asked and told by hand."""

from objectives.space import FIDELITY


class Listed:
    """A searcher that proposes a list's configurations in order and keeps what it is told."""

    def __init__(self, values):
        self.ahead = iter([{"x": value} for value in values])
        self.told = []

    def sample_configuration(self):
        return next(self.ahead, None)

    def update(self, config, error, additional_info=None):
        self.told.append((config["x"], config[FIDELITY], error, additional_info))


def started(scheduler, count):
    """The next suggestions, (x, epochs), while nothing is told."""
    jobs = [scheduler.suggest() for _ in range(count)]
    return [job and (job["x"], job[FIDELITY]) for job in jobs]


def tell(scheduler, x, epochs, error, info=None):
    scheduler.update({"x": x, FIDELITY: epochs}, error, info)


def run(scheduler, count, error_of):
    """The next jobs of one worker, (x, epochs), with the error that is a function of both."""
    jobs = []
    for _ in range(count):
        (job,) = started(scheduler, 1)
        if job is None:
            break
        jobs.append(job)
        tell(scheduler, *job, error_of(*job))
    return jobs
