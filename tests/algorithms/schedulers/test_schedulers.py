"""What every scheduler promises, alone or over searchers; a new entry of a registry is tested without a line here."""

import copy
import math
import pickle

import pytest

from algorithms.roles import Scheduler
from benchmark.checking.subject import suggestions
from benchmark.checking.toy_tasks import toy_error
from objectives.space import FIDELITY
from tests import ROOT
from tests.algorithms.driving import proposals
from tests.algorithms.subjects import (
    EVALUATIONS,
    MAX_EPOCHS,
    SPACES,
    all_sequences,
    by_workers,
    drive,
    every_pair,
    make_scheduler,
    make_searcher,
    on_every_space,
    step,
)


@pytest.fixture(scope="module")
def elsewhere(in_fresh_process):
    """What all of them do in a fresh process with other hash seeds."""
    return in_fresh_process(ROOT / "tests/algorithms/subjects.py", "all_sequences")


@pytest.mark.slow
def test_a_fresh_process_proposes_the_same(elsewhere):
    """Nothing of this process is in a search: not its history, nor its hash seed."""
    assert all_sequences() == elsewhere


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
    allowed = {type(value) for value in SPACES[space][1].values()} | {int, type(None)}
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
