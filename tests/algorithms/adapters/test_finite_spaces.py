"""Every searcher and scheduler on finite spaces: members are trained, and each method learns of its own proposals."""

import numpy as np
import pytest
from scipy import stats

from benchmark.checking.subject import drive, without_fidelity
from benchmark.checking.toy_objective import ALL_SPACES, MAX_EPOCHS
from benchmark.checking.toy_tasks import toy_error
from benchmark.suite.model import Budget
from objectives.finite.finite_space import FiniteSpace, encode_members
from objectives.space import FIDELITY, Categorical, Integer, Ordinal, Space
from tests.algorithms.adapters.subjects import installed, subjects

BOX = Space({"rate": stats.loguniform(1e-4, 1.0), "width": Integer(1, 64), "kind": Categorical(["a", "b"])})
LEVELS = {"rate": Ordinal([1e-3, 1e-2, 0.1]), "kind": Categorical(["a", "b"]), "width": Ordinal([8, 16, 32, 64])}
EVALUATIONS = 8


def pool():
    """Forty configurations of a continuous space."""
    rng = np.random.default_rng(2)
    configs = [BOX.sample(rng) for _ in range(40)]
    return FiniteSpace({name: BOX[name] for name in BOX}, codes=encode_members(BOX, configs))


class Listener:
    """A scheduler that keeps what another one suggests and learns of."""

    def __init__(self, scheduler):
        self.scheduler, self.suggested, self.learned = scheduler, [], []

    def suggest(self):
        suggestion = self.scheduler.suggest()
        if suggestion is not None:
            self.suggested.append(without_fidelity(suggestion))
        return suggestion

    def update(self, config, error, info=None):
        self.learned.append(without_fidelity(config))
        self.scheduler.update(config, error, info)


def every_subject():
    """The first variant of every method: ours every time, the libraries' where they are installed."""
    for subject in subjects():
        marks = [pytest.mark.slow] if subject.entry is None else [pytest.mark.slow, pytest.mark.libraries]
        if subject.representative and subject.tasks[0] == "one":
            yield pytest.param(subject, marks=marks, id=subject.label.replace(" ", "-"))


@pytest.mark.parametrize("name", ["grid", "pool"])
@pytest.mark.parametrize("subject", list(every_subject()))
def test_members_are_trained_and_the_method_learns_of_its_own(subject, name, monkeypatch):
    """The trained configuration is the member nearest to the proposed one, and updates are of proposals."""
    if not installed(subject):
        pytest.skip(f"{subject.entry.extra} is not installed")
    space = FiniteSpace(LEVELS) if name == "grid" else pool()
    monkeypatch.setitem(ALL_SPACES, name, (space, space.member(0)))
    listener = Listener(subject.scheduler(name))

    jobs, *_ = drive(
        listener,
        space,
        lambda job: toy_error(job.config),
        max_epochs=MAX_EPOCHS,
        budget=Budget(evaluations=EVALUATIONS),
    )

    assert len(jobs) > 3
    for job, suggested in zip(jobs, listener.suggested, strict=False):
        assert space.row(job.config) is not None
        assert job.config == space.nearest(space.check_proposal(suggested))
        assert without_fidelity(job.suggestion) == space.check_proposal(suggested)
        assert 1 <= job.suggestion.get(FIDELITY, MAX_EPOCHS) <= MAX_EPOCHS
    proposed = [without_fidelity(job.suggestion) for job in jobs]
    assert all(config in proposed for config in listener.learned)
