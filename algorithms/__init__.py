"""Searchers and schedulers. These literals are the registry: a new method is one file and one line."""

from collections.abc import Callable, Mapping

from algorithms.basic import BasicScheduler
from algorithms.grid_search import GridSearch
from algorithms.local_search import LocalSearch
from algorithms.random_search import RandomSearch
from algorithms.roles import Scheduler, Searcher
from algorithms.successive_halving import SuccessiveHalving

SEARCHERS: Mapping[str, Callable[..., Searcher]] = {
    "random": RandomSearch,
    "local": LocalSearch,
    "grid": GridSearch,
}

SCHEDULERS: Mapping[str, Callable[..., Scheduler]] = {
    "basic": BasicScheduler,
    "successive_halving": SuccessiveHalving,
}
