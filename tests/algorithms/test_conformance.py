"""What every searcher and scheduler promises; a new entry of a registry is tested without a line here."""

import copy
import inspect
import json
import math
import pickle
import zlib

import numpy as np
import pytest
from scipy import stats

from algorithms import SCHEDULERS, SEARCHERS
from algorithms.roles import Scheduler, Searcher
from benchmark.tuner import Budget, Outcome, TuningLoop
from objectives.space import FIDELITY, Categorical, Condition, Space

MAX_EPOCHS = 9
EVALUATIONS = 40
SPACES = {
    "one": (Space({"rate": stats.loguniform(1e-4, 1)}), {"rate": 0.1}),
    "mixed": (
        Space(
            {
                "rate": stats.loguniform(1e-4, 1),
                "width": stats.randint(8, 65),
                "activation": Categorical(["relu", "tanh", "sigmoid"]),
            }
        ),
        {"rate": 0.1, "width": 32, "activation": "tanh"},
    ),
    "conditional": (
        Space(
            {
                "rate": stats.loguniform(1e-4, 1),
                "layers": stats.randint(1, 4),
                "width_1": stats.randint(8, 65),
                "width_2": stats.randint(8, 65),
                "width_3": stats.randint(8, 65),
            },
            {
                "width_2": Condition(parent="layers", values=(2, 3)),
                "width_3": Condition(parent="layers", values=(3,)),
            },
        ),
        {"rate": 0.1, "layers": 2, "width_1": 32, "width_2": 16},
    ),
    "constant": (
        Space({"width": stats.randint(3, 4), "activation": Categorical(["relu"]), "nesterov": Categorical([True])}),
        {"width": 3, "activation": "relu", "nesterov": True},
    ),
}


def takes_searcher(scheduler):
    return "searcher" in inspect.signature(SCHEDULERS[scheduler]).parameters


ALWAYS = ("random", "local", "grid")
"""Searchers that go with every scheduler: one that learns nothing, one that does, one that ends."""
THOROUGH = ("basic", "hyperband")
"""Schedulers that every searcher goes with: at the full fidelity, and at several."""
PAIRS = [
    (scheduler, searcher)
    for scheduler in SCHEDULERS
    for searcher in ((SEARCHERS if scheduler in THOROUGH else ALWAYS) if takes_searcher(scheduler) else [None])
]
on_every_space = pytest.mark.parametrize("space", SPACES)
every_searcher = pytest.mark.parametrize("name", SEARCHERS)
every_pair = pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: "+".join(filter(None, pair)))
by_workers = pytest.mark.parametrize("n_workers", [1, 3])


def make_searcher(name, space, seed=0, default=True):
    config_space, initial = SPACES[space]
    return SEARCHERS[name](
        config_space, rng=np.random.default_rng(seed), initial_config=dict(initial) if default else None
    )


def make_scheduler(pair, space, seed=0, default=True):
    """A scheduler, given by name whatever it takes of what a suite offers."""
    scheduler, searcher = pair
    config_space, initial = SPACES[space]
    offered = {
        "config_space": config_space,
        "initial_config": dict(initial) if default else None,
        "rng": np.random.default_rng(seed),
        "max_epochs": MAX_EPOCHS,
        "searcher": searcher and make_searcher(searcher, space, seed, default),
    }
    taken = inspect.signature(SCHEDULERS[scheduler]).parameters
    return SCHEDULERS[scheduler](**{name: value for name, value in offered.items() if name in taken})


def toy_error(config):
    """An error in [0, 1) that depends on every value, the fidelity included."""
    return zlib.crc32(repr(sorted(config.items())).encode()) / 2**32


def drive(scheduler, space, n_workers=1, error_of=toy_error, evaluations=EVALUATIONS):
    """Run the tuning loop on toy outcomes that end out of order; its jobs and why it stopped."""
    loop = TuningLoop(
        scheduler,
        check=SPACES[space][0].check,
        max_epochs=MAX_EPOCHS,
        budget=Budget(evaluations=evaluations),
        n_workers=n_workers,
    )
    jobs, steps = [], loop.run()
    try:
        job = next(steps)
        while True:
            jobs.append(job)
            end = job.start + 1 + job.index * 7 % 5
            job = steps.send(Outcome(error=error_of(job.suggestion), epochs=job.epochs, end=end))
    except StopIteration as stop:
        return jobs, stop.value


def proposals(searcher, count, error_of=toy_error):
    """What a searcher proposes when it is told every result at once."""
    proposed = []
    for _ in range(count):
        proposed.append(searcher.sample_configuration())
        if proposed[-1] is not None:
            searcher.update(dict(proposed[-1]), error_of(proposed[-1]))
    return proposed


def step(scheduler, count):
    """What a scheduler suggests when two evaluations are always under way."""
    suggested, pending = [], []
    for _ in range(count):
        suggestion = scheduler.suggest()
        suggested.append(copy.deepcopy(suggestion))
        if suggestion is not None:
            pending.append(suggestion)
        if pending and (suggestion is None or len(pending) > 2):
            config = pending.pop(0)
            scheduler.update(config, toy_error(config))
    for config in pending:
        scheduler.update(config, toy_error(config))
    return suggested


def suggestions(jobs):
    return [job.suggestion for job in jobs]


def all_sequences():
    """What every searcher and every pair does on every space, as JSON turns it round."""
    sequences = {}
    for space in SPACES:
        for name in SEARCHERS:
            sequences[f"{name} {space}"] = proposals(make_searcher(name, space), EVALUATIONS)
        for pair in PAIRS:
            for n_workers in (1, 3):
                jobs, _ = drive(make_scheduler(pair, space), space, n_workers)
                sequences[f"{pair} {space} {n_workers}"] = suggestions(jobs)
    return json.loads(json.dumps(sequences))


@pytest.fixture(scope="module")
def elsewhere(in_fresh_process):
    """The same sequences from a fresh process with other hash seeds."""
    return in_fresh_process(__file__, "all_sequences")


def test_a_fresh_process_proposes_the_same(elsewhere):
    """Nothing of this process is in a search: not its history, nor its hash seed."""
    assert all_sequences() == elsewhere


# Searchers


@every_searcher
def test_searchers_have_their_role(name):
    """A registered searcher has the two methods of its role."""
    assert isinstance(make_searcher(name, "mixed"), Searcher)


@every_searcher
@on_every_space
def test_proposals_are_in_the_space(name, space):
    """Every proposal is complete, in range and of Python's own types."""
    config_space = SPACES[space][0]
    for config in filter(None, proposals(make_searcher(name, space), EVALUATIONS)):
        checked = config_space.check(config)
        assert checked == config
        assert set(config) == set(config_space.active(config))
        assert [type(config[key]) for key in checked] == [type(value) for value in checked.values()]


@every_searcher
@on_every_space
def test_the_default_comes_first(name, space):
    """The default configuration is the first proposal, and without one there still is a first."""
    assert proposals(make_searcher(name, space), 1) == [SPACES[space][1]]
    assert proposals(make_searcher(name, space, default=False), 1) != [None]


@every_searcher
@on_every_space
def test_a_search_is_a_function_of_its_generator(name, space):
    """The same seed proposes the same, another seed something else where there is a choice."""
    one, two, other = (proposals(make_searcher(name, space, seed), EVALUATIONS) for seed in (1, 1, 2))
    assert one == two
    assert (one != other) == (space != "constant")


@every_searcher
@on_every_space
def test_an_exhausted_searcher_stays_exhausted(name, space):
    """After the first None there is nothing for ever, whatever results still come in."""
    searcher = make_searcher(name, space)
    proposed = proposals(searcher, 400)
    if None in proposed:
        assert set(map(str, proposed[proposed.index(None) :])) == {"None"}
        searcher.update(dict(SPACES[space][1]), 0.0)
        assert proposals(searcher, 20) == [None] * 20


@every_searcher
@on_every_space
@pytest.mark.parametrize("error", [math.inf, 0.9, 0.0, -3.0])
def test_results_that_tell_nothing_are_survived(name, space, error):
    """All trials crashed, or all equal: the search goes on inside the space."""
    config_space = SPACES[space][0]
    for config in filter(None, proposals(make_searcher(name, space), EVALUATIONS, lambda config: error)):
        config_space.check(config)


@every_searcher
@on_every_space
def test_a_searcher_changes_no_argument(name, space):
    """The default, the configuration told, and its fidelity stay as they were."""
    config_space, initial = SPACES[space]
    default = dict(initial)
    searcher = SEARCHERS[name](config_space, rng=np.random.default_rng(0), initial_config=default)
    for _ in range(20):
        config = searcher.sample_configuration()
        if config is None:
            break
        told = {**config, FIDELITY: 3}
        before = copy.deepcopy(told)
        searcher.update(told, toy_error(told), additional_info={"epochs": 3})
        assert told == before
    assert default == initial


@every_searcher
@on_every_space
def test_what_a_caller_does_to_a_proposal_does_not_matter(name, space):
    """Proposals and told configurations may be changed by whoever holds them, as the book's code does."""
    expected = proposals(make_searcher(name, space), EVALUATIONS)
    searcher, proposed = make_searcher(name, space), []
    for _ in range(EVALUATIONS):
        config = searcher.sample_configuration()
        proposed.append(copy.deepcopy(config))
        if config is not None:
            told = dict(config)
            config["max_epochs"] = 1
            searcher.update(told, toy_error(proposed[-1]))
            told.clear()
            config.clear()
    assert proposed == expected


@every_searcher
@on_every_space
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda searcher: pickle.loads(pickle.dumps(searcher))])
def test_a_copied_searcher_goes_on_alike(name, space, clone):
    """A copy made in the middle of a search, generator included, proposes what the original does."""
    searcher = make_searcher(name, space)
    proposals(searcher, 8)
    twin = clone(searcher)
    assert proposals(twin, 20) == proposals(searcher, 20)


@every_searcher
@on_every_space
def test_searchers_leave_global_generators_alone(name, space, global_state, move_global_generators):
    """A search neither reads nor moves the global generators."""
    expected = proposals(make_searcher(name, space), EVALUATIONS)
    move_global_generators()
    before = global_state()
    assert proposals(make_searcher(name, space), EVALUATIONS) == expected
    assert global_state() == before


# Schedulers


@every_pair
def test_schedulers_have_their_role(pair):
    """A registered scheduler has the two methods of its role."""
    assert isinstance(make_scheduler(pair, "mixed"), Scheduler)


@every_pair
@on_every_space
@by_workers
def test_suggestions_are_in_the_space(pair, space, n_workers):
    """Every suggestion is complete, in range, of Python's own types, with a fidelity the objective has."""
    jobs, stopped = drive(make_scheduler(pair, space), space, n_workers)
    assert stopped in ("budget", "exhausted")
    assert jobs
    for job in jobs:
        bare = {name: value for name, value in job.suggestion.items() if name != FIDELITY}
        assert SPACES[space][0].check(bare) == bare
        assert 1 <= job.suggestion.get(FIDELITY, MAX_EPOCHS) <= MAX_EPOCHS


@every_pair
@on_every_space
def test_suggestions_are_native_before_they_are_checked(pair, space):
    """A scheduler's own dictionaries hold Python's own types, the fidelity included."""
    allowed = {type(value) for value in SPACES[space][1].values()} | {int}
    for suggestion in filter(None, step(make_scheduler(pair, space), EVALUATIONS)):
        assert {type(value) for value in suggestion.values()} <= allowed
        assert set(suggestion) - {FIDELITY} == set(SPACES[space][0].active(suggestion))


@every_pair
@on_every_space
@by_workers
def test_the_default_is_evaluated_first(pair, space, n_workers):
    """The first job of a run is the default configuration, and without one there still is a first."""
    jobs, _ = drive(make_scheduler(pair, space), space, n_workers)
    assert jobs[0].config == SPACES[space][1]
    assert drive(make_scheduler(pair, space, default=False), space, n_workers)[0]


@every_pair
@on_every_space
@by_workers
def test_a_run_is_a_function_of_its_generator(pair, space, n_workers):
    """The same seed runs the same, another seed otherwise where there is a choice."""
    one, two, other = (suggestions(drive(make_scheduler(pair, space, seed), space, n_workers)[0]) for seed in (1, 1, 2))
    assert one == two
    assert (one != other) == (space != "constant")


@every_pair
@on_every_space
@by_workers
@pytest.mark.parametrize("error", [math.inf, 0.9])
def test_runs_without_information_end(pair, space, n_workers, error):
    """All trials crashed, or all equal: the run still spends its budget or exhausts the space."""
    jobs, stopped = drive(make_scheduler(pair, space), space, n_workers, lambda config: error)
    assert stopped == "exhausted" or len(jobs) == EVALUATIONS


@every_pair
@on_every_space
@by_workers
def test_no_deadlock(pair, space, n_workers):
    """A run ends early only for a searcher that has nothing left, and then for good."""
    scheduler = make_scheduler(pair, space)
    jobs, stopped = drive(scheduler, space, n_workers, evaluations=400)
    if stopped == "exhausted":
        assert [scheduler.suggest() for _ in range(30)] == [None] * 30
        assert pair[1] is not None
        assert None in proposals(make_searcher(pair[1], space), 400)
    else:
        assert len(jobs) == 400


@every_pair
@on_every_space
def test_a_scheduler_changes_no_argument(pair, space):
    """A configuration told to a scheduler stays as it was, and so does the default."""
    scheduler = make_scheduler(pair, space)
    for _ in range(EVALUATIONS):
        suggestion = scheduler.suggest()
        if suggestion is None:
            break
        before = copy.deepcopy(suggestion)
        scheduler.update(suggestion, toy_error(suggestion), info={"epochs": 1})
        assert suggestion == before


@every_pair
@on_every_space
def test_what_a_caller_does_to_a_suggestion_does_not_matter(pair, space):
    """Suggestions and told configurations may be changed by whoever holds them."""

    def run(spoil):
        scheduler, suggested = make_scheduler(pair, space), []
        for _ in range(EVALUATIONS):
            suggestion = scheduler.suggest()
            suggested.append(copy.deepcopy(suggestion))
            if suggestion is not None:
                told = dict(suggestion)
                spoil(suggestion)
                scheduler.update(told, toy_error(suggested[-1]))
                spoil(told)
        return suggested

    assert run(dict.clear) == run(dict)


@every_pair
@on_every_space
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda scheduler: pickle.loads(pickle.dumps(scheduler))])
@pytest.mark.parametrize("steps", [0, 5, 13])
def test_a_copied_scheduler_goes_on_alike(pair, space, clone, steps):
    """A copy made in the middle of a run suggests what the original does."""
    scheduler = make_scheduler(pair, space)
    step(scheduler, steps)
    waiting = scheduler.suggest()
    twin = clone(scheduler)
    continued = []
    for each in (twin, scheduler):
        if waiting is not None:
            each.update(dict(waiting), toy_error(waiting))
        continued.append(step(each, 25))
    assert continued[0] == continued[1]


@every_pair
@on_every_space
def test_schedulers_leave_global_generators_alone(pair, space, global_state, move_global_generators):
    """A run neither reads nor moves the global generators."""
    expected = suggestions(drive(make_scheduler(pair, space), space, 3)[0])
    move_global_generators()
    before = global_state()
    assert suggestions(drive(make_scheduler(pair, space), space, 3)[0]) == expected
    assert global_state() == before


@every_pair
@on_every_space
def test_a_run_may_stop_in_the_middle(pair, space):
    """A shorter budget gives the beginning of the longer run."""
    short, long = (drive(make_scheduler(pair, space), space, evaluations=count)[0] for count in (11, EVALUATIONS))
    assert suggestions(short) == suggestions(long)[: len(short)]
