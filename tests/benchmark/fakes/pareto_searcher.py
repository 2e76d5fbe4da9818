"""A small multi-objective searcher by dotted path: it varies a member of the front of what it has learned."""

from objectives.task import dominates


class ParetoSearcher:
    """Draws a configuration, or draws one hyperparameter of a member of its front again.

    Args:
        config_space: to draw from.
        rng: stream of the run.
        task: which metrics are optimised, and under which constraints.
    """

    def __init__(self, config_space, rng, task):
        if not task.is_multi_objective:
            raise ValueError(f"pareto takes two optimised metrics or more, the task has {len(task.optimised)}")
        self.space, self.rng, self.task = config_space, rng, task
        self.front = []
        self.infos = []

    def sample_configuration(self):
        if not self.front or self.rng.random() < 0.3:
            return self.space.sample(self.rng)
        _, config = self.front[self.rng.integers(len(self.front))]
        return self.space.resample(config, list(self.space)[self.rng.integers(len(self.space))], self.rng)

    def update(self, config, error, additional_info=None):
        self.infos.append(additional_info)
        values = additional_info.get("metrics")
        vector = None if values is None or not self.task.is_feasible(values) else self.task.errors(values)
        if vector is not None and not any(dominates(other, vector) for other, _ in self.front):
            kept = [(other, of_other) for other, of_other in self.front if not dominates(vector, other)]
            self.front = [*kept, (vector, config)]
