"""An invented library: its module, its entries, its distribution, and runs of what is in it."""

from algorithms.interop.optional_method import OptionalMethod
from benchmark.construction.objective_factory import build_objective
from benchmark.suite.parsing import parse
from benchmark.tuning.factory import build_scheduler

MODULE = '''
"""An invented library with a searcher and two schedulers that draw from the global generators."""

import random

import numpy as np

IMPORTED = True


class Wanderer:
    def __init__(self, config_space, *, rng, initial_config=None, stride=1.0):
        if not 0 < stride <= 1:
            raise ValueError(f"stride = {stride!r}: need a number in (0, 1]")
        self.space, self.rng, self.stride, self.told = config_space, rng, stride, []

    def sample_configuration(self):
        unit = [random.random() * np.random.random() * self.stride for _ in self.space]
        return self.space.decode(np.array(unit))

    def update(self, config, error, additional_info=None):
        self.told.append(additional_info)


class Fickle(Wanderer):
    @property
    def lacks(self):
        return {"pending": "its own word", "seed": "stride is a half"} if self.stride == 0.5 else {}


class Follower:
    lacks = {"tied": "a follower"}

    def __init__(self, searcher, *, max_epochs):
        self.searcher, self.max_epochs = searcher, max_epochs

    def suggest(self):
        return {**self.searcher.sample_configuration(), "max_epochs": self.max_epochs}

    def update(self, config, error, info=None):
        self.searcher.update(config, error, additional_info=info)


class Loner:
    def __init__(self, config_space, *, rng):
        self.space, self.rng = config_space, rng

    def suggest(self):
        return self.space.sample(self.rng)

    def update(self, config, error, info=None):
        pass
'''


def entry(name, **changes):
    """A registry's entry for a class of the invented library."""
    given = {"extra": "invented", "libraries": ("invented",), "summary": "An invented one, made for this test."}
    return OptionalMethod(f"invented_library.parts:{name}", **{**given, **changes})


SEARCHERS = {
    "wanderer": entry("Wanderer", lacks={"pending": "it looks at none", "conditions": "it knows none"}),
    "fickle": entry("Fickle", lacks={"pending": "it looks at none"}),
    "missing": entry("Wanderer", libraries=("invented", "never-published"), extra="never"),
    "absent": entry("Nobody"),
}
SCHEDULERS = {"follower": entry("Follower"), "loner": entry("Loner", libraries=("invented", "invented-too"))}


def publish(folder, version, name="invented"):
    """Put the metadata of a distribution into a folder, in the place of what other version is there."""
    written = name.replace("-", "_")  # As installers write it.
    for old in folder.glob(f"{written}-*.dist-info/METADATA"):
        old.unlink()
        old.parent.rmdir()
    info = folder / f"{written}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def run_of(algorithm, n_repetition=0):
    """A run of an algorithm on Branin."""
    table = {
        "repetitions": n_repetition + 1,
        "budget": {"trials": 4},
        "objectives": {"branin": {}},
        "algorithms": {"it": algorithm},
    }
    return list(parse("toy", table).runs())[n_repetition]


def made(algorithm, n_repetition=0):
    """A fresh scheduler for a run, as the suite builds it."""
    run = run_of(algorithm, n_repetition)
    return build_scheduler(run, build_objective(run.objective))
