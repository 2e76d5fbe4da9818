"""Searchers and schedulers. These literals are the registry: a new method is one file and one line."""

from collections.abc import Callable, Mapping

from algorithms.asha import ASHA
from algorithms.basic import BasicScheduler
from algorithms.grid_search import GridSearch
from algorithms.hyperband import Hyperband
from algorithms.kde import KernelDensity
from algorithms.local_search import LocalSearch
from algorithms.median_stopping import MedianStopping
from algorithms.random_search import RandomSearch
from algorithms.regularized_evolution import RegularizedEvolution
from algorithms.roles import Scheduler, Searcher
from algorithms.sobol import Sobol
from algorithms.successive_halving import SuccessiveHalving

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
