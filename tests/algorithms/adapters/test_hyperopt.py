"""Hyperopt through its adapter: what fmin tries, what the trials database holds, and conditional spaces."""

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from objectives.space import FIDELITY, Categorical, Condition, Ordinal, Space
from tests.algorithms.driving import proposals

pytest.importorskip("hyperopt", reason="hyperopt is not installed: make adapters")
from algorithms.adapters.hyperopt import ALGORITHMS, STATUS_FAIL, STATUS_OK, Hyperopt, hp, without_side_effects

with without_side_effects():
    from hyperopt import JOB_STATE_DONE, JOB_STATE_RUNNING, Trials, fmin, space_eval

SPACE = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "momentum": stats.uniform(0, 0.99),
        "layers": stats.randint(1, 4),
        "width_2": stats.randint(8, 65),
        "width_3": stats.randint(8, 65),
        "activation": Categorical(["relu", "tanh"]),
        "slope": stats.uniform(0, 1),
    },
    {
        "width_2": Condition(parent="layers", values=(2, 3)),
        "width_3": Condition(parent="layers", values=(3,)),
        "slope": Condition(parent="activation", values=("relu",)),
    },
)
DEFAULT = {"rate": 0.1, "momentum": 0.5, "layers": 2, "width_2": 32, "activation": "tanh"}
every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


def error_of(config):
    return abs(math.log10(config["rate"]) + 2) + config["layers"] / 10 + config.get("width_2", 64) / 100


def by_hand():
    """The space as a user of Hyperopt would nest it."""
    width_2, width_3 = (hp.quniform(name, 7.5, 64.5, 1) for name in ("width_2", "width_3"))
    return {
        "rate": hp.loguniform("rate", math.log(1e-4), math.log(1.0)),
        "momentum": hp.uniform("momentum", 0.0, 0.99),
        "layers": hp.choice(
            "layers",
            [
                {"layers": 1},
                {"layers": 2, "width_2": width_2},
                {"layers": 3, "width_2": width_2, "width_3": width_3},
            ],
        ),
        "activation": hp.choice(
            "activation", [{"activation": "relu", "slope": hp.uniform("slope", 0.0, 1.0)}, {"activation": "tanh"}]
        ),
    }


def flat(nested):
    """The configuration of what the nested space evaluates to."""
    values = {}
    for name, value in nested.items():
        values.update(value if isinstance(value, dict) else {name: value})
    return SPACE.check({k: int(v) if k.startswith("width") else v for k, v in values.items()})


@every_algorithm
@pytest.mark.parametrize("crash", [False, True])
def test_proposals_are_those_of_fmin(algorithm, crash):
    """The same configurations as fmin tries with the same random state, past TPE's start, failures included."""

    def error(config):
        return math.inf if crash and config["momentum"] < 0.3 else error_of(config)

    tried = []

    def evaluate(nested):
        tried.append(flat(nested))
        loss = error(tried[-1])
        return {"status": STATUS_OK, "loss": loss} if math.isfinite(loss) else {"status": STATUS_FAIL}

    fmin(
        evaluate,
        by_hand(),
        algo=ALGORITHMS[algorithm],
        max_evals=45,
        rstate=np.random.default_rng(3),
        verbose=False,
        show_progressbar=False,
    )
    searcher = Hyperopt(SPACE, rng=np.random.default_rng(3), algorithm=algorithm)
    assert proposals(searcher, 45, error) == tried


@every_algorithm
def test_the_default_is_what_points_to_evaluate_are(algorithm):
    """The default comes first and enters the database with the values that fmin's own points have there."""
    searcher = Hyperopt(SPACE, rng=np.random.default_rng(0), initial_config=DEFAULT, algorithm=algorithm)
    assert searcher.sample_configuration() == DEFAULT
    searcher.update({**DEFAULT, FIDELITY: 3}, 0.25)
    (trial,) = searcher.trials.trials
    assert trial["result"] == {"loss": 0.25, "status": STATUS_OK}
    values = {name: value[0] for name, value in trial["misc"]["vals"].items() if value}
    assert flat(space_eval(by_hand(), values)) == DEFAULT
    assert DEFAULT not in proposals(searcher, 30, error_of)


def test_tpe_learns_from_the_default():
    """After 19 results with the default first, what TPE proposes depends on the default's error."""
    proposed = []
    for error in (0.0, 9.0):
        searcher = Hyperopt(SPACE, rng=np.random.default_rng(0), initial_config=DEFAULT)
        searcher.sample_configuration()
        searcher.update(DEFAULT, error)
        proposed.append(proposals(searcher, 25, error_of))
    assert proposed[0][:19] == proposed[1][:19]
    assert proposed[0][19:] != proposed[1][19:]


def test_failed_trials_have_no_loss():
    """A crash is a failed trial in Hyperopt, without a loss that could be taken for a good one."""
    searcher = Hyperopt(SPACE, rng=np.random.default_rng(0))
    proposals(searcher, 3, lambda config: math.inf)
    assert searcher.trials.results == [{"status": STATUS_FAIL}] * 3
    best = proposals(searcher, 5, error_of)
    assert searcher.trials.best_trial["result"]["loss"] == min(map(error_of, best))


@every_algorithm
@pytest.mark.parametrize("error", [math.inf, 0.9, 0.0, -3.0])
def test_uninformative_results_are_survived(algorithm, error):
    """All trials crashed, or all equal: the search goes on inside the space, beyond TPE's start."""
    searcher = Hyperopt(SPACE, rng=np.random.default_rng(0), algorithm=algorithm)
    for config in proposals(searcher, 30, lambda config: error):
        assert SPACE.check(config) == config


def test_outstanding_trials_are_running_and_matched():
    """Proposals without a result are running jobs; results out of order reach their own trials, once."""
    searcher = Hyperopt(SPACE, rng=np.random.default_rng(0))
    configs = [searcher.sample_configuration() for _ in range(6)]
    assert [trial["state"] for trial in searcher.trials.trials] == [JOB_STATE_RUNNING] * 6
    for config in reversed(configs):
        searcher.update({**config, FIDELITY: 1}, error_of(config))
        searcher.update({**config, FIDELITY: 3}, 0.0)
    searcher.update(DEFAULT, 0.0)
    assert [trial["state"] for trial in searcher.trials.trials] == [JOB_STATE_DONE] * 6
    assert searcher.trials.losses() == [error_of(config) for config in configs]


def test_tpe_knows_of_running_trials():
    """With another trial outstanding TPE proposes something else than without it."""
    proposed = []
    for outstanding in (0, 6):
        searcher = Hyperopt(SPACE, rng=np.random.default_rng(0), n_startup_jobs=5)
        proposals(searcher, 12, error_of)
        for _ in range(outstanding):
            searcher.sample_configuration()
        searcher.rng = np.random.default_rng(1)
        proposed.append(searcher.sample_configuration())
    assert proposed[0] != proposed[1]


def test_the_ends_of_whole_numbers_are_as_likely():
    """Each of four values, first and last too, is drawn about a quarter of the time."""
    space = Space({"layers": stats.randint(1, 5)})
    searcher = Hyperopt(space, rng=np.random.default_rng(0), algorithm="rand")
    drawn = [config["layers"] for config in proposals(searcher, 800, lambda config: 0.5)]
    counts = [drawn.count(value) for value in (1, 2, 3, 4)]
    assert sum(counts) == 800
    assert stats.chisquare(counts).pvalue > 0.01


def test_nested_and_wide_parents():
    """A child's child is nested; what depends on a number of a thousand values is drawn always, and dropped."""
    space = Space(
        {
            "batch_size": Ordinal([16, 32, 64]),
            "depth": stats.randint(1, 4),
            "deep": stats.norm(0, 1),
            "steps": stats.randint(0, 1000),
            "warm": stats.uniform(0, 1),
        },
        {
            "depth": Condition(parent="batch_size", values=(32, 64)),
            "deep": Condition(parent="depth", values=(2, 3)),
            "warm": Condition(parent="steps", values=tuple(range(500))),
        },
    )
    default = {"batch_size": 16, "steps": 700}
    searcher = Hyperopt(space, rng=np.random.default_rng(0), initial_config=default)
    proposed = proposals(searcher, 60, lambda config: config["steps"] / 1000)
    assert proposed[0] == default
    assert all(space.check(config) == config for config in proposed)
    assert {tuple(config) for config in proposed} >= {
        ("batch_size", "steps"),
        ("batch_size", "depth", "steps", "warm"),
        ("batch_size", "depth", "deep", "steps", "warm"),
    }
    for trial, config in zip(searcher.trials.trials, proposed, strict=True):
        drawn = {name for name, value in trial["misc"]["vals"].items() if value}
        assert drawn == set(config) | {"warm"}


def test_a_constant_space():
    """Without anything to choose the one configuration is proposed again and again."""
    space = Space({"three": stats.randint(3, 4), "only": Categorical([True])})
    searcher = Hyperopt(space, rng=np.random.default_rng(0), initial_config={"three": 3, "only": True})
    assert proposals(searcher, 3, lambda config: 0.5) == [{"three": 3, "only": True}] * 3
    assert isinstance(searcher.trials, Trials)


def sequences():
    searchers = [Hyperopt(SPACE, rng=np.random.default_rng(0), algorithm=name) for name in ALGORITHMS]
    return [proposals(searcher, 30, error_of) for searcher in searchers]


def test_a_fresh_process_proposes_the_same(in_fresh_process):
    """Nothing but the generator given is in a search."""
    assert in_fresh_process(Path(__file__), "sequences") == sequences()


@pytest.mark.parametrize(
    ("option", "value"),
    [("algorithm", "atpe"), ("n_startup_jobs", 0), ("n_candidates", True), ("gamma", 0), ("gamma", math.nan)],
)
def test_bad_options(option, value):
    """A bad option is refused by its name and value."""
    with pytest.raises(ValueError, match=f"{option} = {value!r}: "):
        Hyperopt(SPACE, rng=np.random.default_rng(0), **{option: value})


def test_options_of_tpe_alone():
    """An option that would do nothing is refused."""
    with pytest.raises(ValueError, match="algorithm = 'rand': "):
        Hyperopt(SPACE, rng=np.random.default_rng(0), algorithm="rand", gamma=0.5)
