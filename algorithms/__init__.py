"""Searchers and schedulers. These literals are the registry: a new method is one file and one line."""

from collections.abc import Callable

from algorithms.roles import Scheduler, Searcher
from objectives.registry import Entry, Registry

SEARCHERS: Registry[Callable[..., Searcher]] = Registry(
    {
        "random": Entry(
            "algorithms.searchers.random_search:RandomSearch",
            "Draw every configuration at random from the space; try the default configuration first, if there is one.",
        ),
        "local": Entry(
            "algorithms.searchers.local_search:LocalSearch",
            "Random search at first; then mostly the best configuration with one hyperparameter drawn again.",
        ),
        "grid": Entry(
            "algorithms.searchers.grid_search:GridSearch",
            "Every combination of `levels` values of each hyperparameter, in random order.",
        ),
        "sobol": Entry(
            "algorithms.searchers.sobol:Sobol",
            "The points of a scrambled Sobol' sequence, in their order.",
        ),
        "evolution": Entry(
            "algorithms.searchers.regularized_evolution:RegularizedEvolution",
            "Mutate the best of a few members of a population, whose oldest member is always replaced.",
        ),
        "kde": Entry(
            "algorithms.searchers.kde:KernelDensity",
            "Propose configurations where the density of good results is high relative to that of bad ones.",
        ),
    }
)

SCHEDULERS: Registry[Callable[..., Scheduler]] = Registry(
    {
        "basic": Entry(
            "algorithms.schedulers.basic:BasicScheduler",
            "Start a new configuration whenever a worker is free, and train it to the end.",
        ),
        "successive_halving": Entry(
            "algorithms.schedulers.successive_halving:SuccessiveHalving",
            "Train many configurations briefly, the best 1 / eta of them eta times longer, and so on.",
        ),
        "hyperband": Entry(
            "algorithms.schedulers.hyperband:Hyperband",
            "Successive halving in brackets, from many short trainings (s = s_max) to few full ones (s = 0).",
        ),
        "asha": Entry(
            "algorithms.schedulers.asha:ASHA",
            "Asynchronous successive halving: continue the good trials at once, otherwise start a new one.",
        ),
        "moasha": Entry(
            "algorithms.multi_objective.moasha:MOASHA",
            "Asynchronous successive halving that ranks a rung's trials by all metrics.",
            tasks=("several", "several constrained", "one", "constrained"),
        ),
        "median_stopping": Entry(
            "algorithms.schedulers.median_stopping:MedianStopping",
            "Stop a trial whose best error is worse than the median of the other trials' averages up to that epoch.",
        ),
    }
)
