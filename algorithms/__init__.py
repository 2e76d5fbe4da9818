"""Searchers and schedulers. These literals are the registry: a new method is one file and one line."""

from collections.abc import Callable, Mapping

from algorithms.roles import Scheduler, Searcher
from algorithms.schedulers.asha import ASHA
from algorithms.schedulers.basic import BasicScheduler
from algorithms.schedulers.hyperband import Hyperband
from algorithms.schedulers.median_stopping import MedianStopping
from algorithms.schedulers.successive_halving import SuccessiveHalving
from algorithms.searchers.grid_search import GridSearch
from algorithms.searchers.kde import KernelDensity
from algorithms.searchers.local_search import LocalSearch
from algorithms.searchers.random_search import RandomSearch
from algorithms.searchers.regularized_evolution import RegularizedEvolution
from algorithms.searchers.sobol import Sobol

SEARCHERS: Mapping[str, Callable[..., Searcher]] = {
    "random": RandomSearch,
    "local": LocalSearch,
    "grid": GridSearch,
    "sobol": Sobol,
    "evolution": RegularizedEvolution,
    "kde": KernelDensity,
}

SCHEDULERS: Mapping[str, Callable[..., Scheduler]] = {
    "basic": BasicScheduler,
    "successive_halving": SuccessiveHalving,
    "hyperband": Hyperband,
    "asha": ASHA,
    "median_stopping": MedianStopping,
}
