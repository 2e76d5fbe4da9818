"""The suites that ship, and every part of the registries in a suite: all are parsed and built."""

import itertools
import json
from importlib.util import find_spec

import pytest

from algorithms.interop.optional_method import OptionalMethod
from benchmark.construction.objective_factory import build_objective
from benchmark.errors import parameters_of
from benchmark.suite.model import Budget
from benchmark.suite.parsing import load, parse, suite_names
from benchmark.tables.names import table_names
from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS, build_scheduler, check_suite, library_parts
from objectives import OBJECTIVES
from tests import ROOT
from tests.benchmark.suite.toy_table import TABLE
from tests.objectives.external.programs import OPTIONS


@pytest.mark.libraries
@pytest.mark.parametrize("name", suite_names())
def test_a_shipped_suite_parses_and_builds(loaded, name):
    """Every suite that comes with the harness has a title and builds all its parts."""
    suite = load(name)
    if name == "frameworks_digits" and not all((ROOT / ".external" / part).exists() for part in ("jax", "mxnet")):
        pytest.skip("needs the environments of the frameworks: make frameworks")
    if name == "arena" and "fcnet:slice_localization" not in table_names():
        pytest.skip("needs the published tables: make tables")
    if name == "bbob":
        pytest.importorskip("cocoex", reason="coco-experiment is not installed: make adapters")
    for part in itertools.chain.from_iterable(map(library_parts, suite.algorithms)):
        loaded(part)

    objectives = check_suite(suite)

    assert suite.name == name
    assert len(suite.title) > 20
    assert list(objectives) == [entry.label for entry in suite.objectives]
    assert suite.device in ("auto", "cpu", "cuda")


def test_the_default_suite_is_the_comparison_it_is_said_to_be():
    """Two algorithms on three networks, 50 repetitions of 20 trials, on digits."""
    suite = load("digits")

    assert {entry.part.name for entry in suite.objectives} == {"softmax", "lenet", "dropout_mlp"}
    assert {entry.label for entry in suite.algorithms} == {"random", "local"}
    assert (suite.repetitions, suite.budget) == (50, Budget(trials=20))
    assert len(list(suite.runs())) == 300


HERE = [name for name in OBJECTIVES if name != "bbob" or find_spec("cocoex")]
"""Objectives whose library is installed."""


def ways(registry):
    """Every entry of a registry with every variant of its options: pairs of name and options."""
    for name, made in registry.items():
        variants = made.variants if isinstance(made, OptionalMethod) else {"": {"levels": 1} if name == "grid" else {}}
        for variant, options in variants.items():
            yield pytest.param(name, dict(options), id="-".join(filter(None, (name, variant))))


@pytest.mark.libraries
@pytest.mark.parametrize(("name", "options"), list(ways(ALL_SEARCHERS)))
def test_every_searcher_builds_on_every_objective(loaded, name, options):
    """The registries cross: no searcher, ours or a library's, refuses an objective of its kinds with its defaults."""
    loaded(ALL_SEARCHERS[name])
    entry, kinds = {"searcher": {"name": name, **options}}, ALL_SEARCHERS.entries[name].tasks
    whole = parse("all", {**TABLE, "objectives": {label: OPTIONS.get(label, {}) for label in HERE}})
    labels = [one.label for one in whole.objectives if "one" in kinds or kind_of(build_objective(one).task) in kinds]
    objectives = {label: OPTIONS.get(label, {}) for label in labels} or {"branin": CONSTRAINED}
    table = {**TABLE, "objectives": objectives, "algorithms": {"a": entry}}

    assert len(check_suite(parse("all", table))) == len(objectives)


CONSTRAINED = {"constraints": {"error": {"upper": 50.0}}}


def kind_of(task):
    """How the registries call such a task."""
    named = "several" if task.is_multi_objective else "one"
    return f"{named} constrained".removeprefix("one ") if task.constraints else named


@pytest.mark.libraries
@pytest.mark.parametrize(("name", "options"), list(ways(ALL_SCHEDULERS)))
def test_every_scheduler_builds_on_every_objective(loaded, name, options):
    """Likewise the schedulers, over random search where they take a searcher."""
    takes_searcher = "searcher" in parameters_of(name, loaded(ALL_SCHEDULERS[name]))
    entry = {"scheduler": {"name": name, **options}, **({"searcher": "random"} if takes_searcher else {})}
    table = {**TABLE, "objectives": {label: OPTIONS.get(label, {}) for label in HERE}, "algorithms": {"a": entry}}

    assert len(check_suite(parse("all", table))) == len(HERE)


def test_defaults_are_few_and_plain():
    """A suite needs objectives, algorithms and a budget; the rest has defaults."""
    suite = parse("tiny", {key: TABLE[key] for key in ("budget", "objectives", "algorithms")})

    assert (suite.title, suite.seed, suite.repetitions, suite.clock) == ("tiny", 0, 1, "measured")
    assert (suite.n_workers, suite.resume, suite.device) == (1, True, "auto")


def test_building_does_not_touch_the_table():
    """Parsing and building leave what TOML gave as it was."""
    before = json.dumps(TABLE)

    suite = parse("toy", TABLE)
    check_suite(suite)

    assert json.dumps(TABLE) == before


def test_schedulers_of_two_runs_share_nothing():
    """Each run gets fresh objects, and the same ones (in effect) when asked again."""
    suite = parse("toy", TABLE)
    objectives = {entry.label: build_objective(entry) for entry in suite.objectives}
    runs = list(suite.runs())
    proposed = [build_scheduler(run, objectives[run.objective.label]).suggest() for run in runs]

    again = [build_scheduler(run, objectives[run.objective.label]).suggest() for run in reversed(runs)]

    assert again[::-1] == proposed
    assert len({json.dumps(config) for config in proposed}) == len(runs)
