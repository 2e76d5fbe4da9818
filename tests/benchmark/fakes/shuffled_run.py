"""`python -m tests.benchmark.fakes.shuffled_run SUITE RESULTS BACKEND JOBS SEED`: run a suite in a drawn order.

The command line has no such option: the order is for the runner to choose, and nothing may depend on it. The seed
`none` stands for the order of the suite itself.
"""

import random
import sys
from pathlib import Path

import torch

from benchmark.backends import factory
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.suite import parsing as suites
from objectives.objective import Machine


def main():
    """Run the suite, and tell how many threads this process would use by itself."""
    name, results, backend, jobs, seed = sys.argv[1:]
    suite, number = suites.load(name), int(jobs)
    order = list(suite.runs())
    if seed != "none":
        random.Random(int(seed)).shuffle(order)
    spread = factory.build_backend(backend, number, number, None, None)
    Runner(suite, Path(results), jobs=number, machine=Machine(), listener=Quiet(), backend=spread).run(order)
    print(f"{torch.get_num_threads()} threads outside of trials")


if __name__ == "__main__":
    main()
