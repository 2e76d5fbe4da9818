"""A suite of three algorithms on the stacked toy, run in this process."""

from dataclasses import replace

from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.suite import parsing as suites
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy, invented_calibration
from tests.benchmark.tuning.cached_trials import OBJECTIVE

ALGORITHMS = {
    "random": {"searcher": "random"},
    "local": {"searcher": {"name": "local", "num_init_random": 1, "probab_local": 0.7}},
    "halving": {"scheduler": "successive_halving", "searcher": "random"},
}


def suite_of(folder, options=None, **changes):
    """A suite on the toy objective; its log is in the folder."""
    log = {"log": str(folder / "log")}
    table = {
        "seed": 5,
        "repetitions": 2,
        "clock": "modelled",
        "budget": {"trials": 5},
        "algorithms": ALGORITHMS,
        "objectives": {"toy": {"name": OBJECTIVE, **log, **(options or {})}},
        **changes,
    }
    return replace(suites.parse("toy", table), calibration=invented_calibration({OBJECTIVE: StackedToy()}))


def run(suite, results, **options):
    """Run a suite in this process's name and return its reports."""
    return Runner(suite, results, jobs=1, machine=Machine(), listener=Quiet(), **options).run()
