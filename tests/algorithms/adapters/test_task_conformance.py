"""What every method promises on the tasks that its registry entry names: several metrics, constraints, or both."""

import pytest

from benchmark.checking.subject import without_fidelity
from benchmark.checking.toy_objective import SPACES
from benchmark.checking.toy_tasks import TASKS, flipped_values, toy_values
from benchmark.errors import BadInput
from tests.algorithms.adapters.subjects import installed, little_effort, subjects
from tests.algorithms.tasks import search

COUNT = 7
SPACE = SPACES["mixed"][0]
CASES = [
    pytest.param(
        subject, kind, id=f"{subject.label} {kind}", marks=() if subject.representative else pytest.mark.faults
    )
    for subject in subjects()
    for kind in subject.tasks
    if kind != "one"
]
every_case = pytest.mark.parametrize(("subject", "kind"), CASES)
several = pytest.mark.parametrize(("subject", "kind"), [case for case in CASES if "several" in case.values[1]])


@pytest.fixture(autouse=True)
def _pinned(one_thread):
    """One thread, as in a run."""
    with little_effort():
        yield


@pytest.fixture(autouse=True)
def _installed(request):
    subject = request.getfixturevalue("subject") if "subject" in request.fixturenames else None
    if subject is not None and not installed(subject):
        pytest.skip(f"{subject.entry.extra} is not installed")


def proposed(subject, kind, values_of=toy_values, outstanding=2, seed=0):
    """What a fresh search proposes; every proposal is in the space."""
    configs = search(subject.scheduler("mixed", seed, kind=kind), TASKS[kind], values_of, COUNT, outstanding)
    for config in filter(None, configs):
        assert SPACE.check(without_fidelity(config)) == without_fidelity(config)
    return configs


@every_case
def test_directions_do_not_matter(subject, kind):
    """Metrics, bounds and values declared the other way round give the same proposals."""
    there = proposed(subject, kind)
    back = proposed(subject, f"flipped {kind}", lambda config: flipped_values(toy_values(config)))
    assert there == back


@every_case
def test_a_search_repeats_with_its_seed(subject, kind):
    """Equal seeds propose the same, others do not."""
    assert proposed(subject, kind, seed=1) == proposed(subject, kind, seed=1) != proposed(subject, kind, seed=2)


@every_case
@pytest.mark.parametrize(
    "values_of",
    [
        lambda config: None,
        lambda config: None if toy_values(config)["loss"] < 0.5 else toy_values(config),
        lambda config: {**toy_values(config), "latency": None},
        lambda config: {**toy_values(config), "gain": None},
        lambda config: {**toy_values(config), "latency": 9.0},
        lambda config: {"loss": 0.9, "gain": -0.9, "latency": 0.5},
        lambda config: {"loss": 5.0, "gain": -5.0, "latency": 0.1},
    ],
    ids=["all-crashed", "half-crashed", "no-latency", "no-gain", "infeasible", "tied", "beyond-the-reference"],
)
def test_hard_outcomes_are_survived(subject, kind, values_of):
    """The search goes on inside the space, whatever its trials come to."""
    assert len(list(filter(None, proposed(subject, kind, values_of)))) == COUNT


@several
def test_three_metrics_are_taken(subject, kind):
    """With a third optimised metric the search goes on as with two."""
    configs = proposed(subject, "three")
    assert len(list(filter(None, configs))) == COUNT


REFUSED = [
    ("qlognehvi", "one", "qlognehvi takes 2 to 4 optimised metrics, and the task has 1: error"),
    ("qlognehvi", "constrained", "qlognehvi takes 2 to 4 optimised metrics, and the task has 1: loss"),
    ("parego", "one", "parego takes 2 or more optimised metrics, and the task has 1: error"),
    ("qlognei", "several constrained", "qlognei takes 1 optimised metric, and the task has 2: loss, gain"),
    ("qlognei", "one", "qlognei takes a task with constraints, and this one has none: use gp"),
    ("smac_parego", "one", "smac with multi_objective takes 2 or more optimised metrics"),
    ("smac_parego", "several constrained", "takes no constraints, and the task constrains latency"),
]


@pytest.mark.parametrize(("name", "kind", "message"), REFUSED)
def test_tasks_that_a_method_cannot_do_are_refused(name, kind, message):
    """Before anything runs, with what the method takes and what the task has."""
    subject = next(each for each in subjects() if each.name == name)
    if not installed(subject):
        pytest.skip(f"{subject.entry.extra} is not installed")
    with pytest.raises(BadInput, match=message):
        subject.scheduler("mixed", kind=kind)


def test_a_pruner_over_several_metrics_is_refused():
    """Optuna's pruners look at one error."""
    subject = next(each for each in subjects() if each.name == "nsga2")
    if not installed(subject):
        pytest.skip("optuna is not installed")
    with pytest.raises(BadInput, match="optuna's pruner takes 1 optimised metric"):
        subject.scheduler("mixed", kind="several", under={"name": "optuna"})
