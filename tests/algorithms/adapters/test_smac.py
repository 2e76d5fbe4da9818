"""SMAC3 through its adapters: what it proposes alone, what it is told, and what it leaves behind."""

import math
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from objectives.space import FIDELITY, Categorical, Condition, Ordinal, Space

pytest.importorskip("smac", reason="smac is not installed: make adapters")
from ConfigSpace import Categorical as Choice
from ConfigSpace import ConfigurationSpace, Float, Integer
from smac import HyperbandFacade, HyperparameterOptimizationFacade, RandomFacade, Scenario
from smac.runhistory import StatusType, TrialValue

from algorithms.adapters.smac import Smac
from algorithms.adapters.smac_multi_fidelity import SmacMultiFidelity

PLAIN = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "width": stats.randint(8, 65),
        "activation": Categorical(["relu", "sigmoid", "tanh"]),
    }
)
CONDITIONAL = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "layers": stats.randint(1, 4),
        "width_2": stats.randint(8, 65),
        "batch_size": Ordinal([16, 32, 64]),
    },
    {"width_2": Condition(parent="layers", values=(2, 3))},
)
DEFAULT = {"rate": 0.1, "layers": 2, "width_2": 32, "batch_size": 32}
SEED = 5


def error_of(config):
    bare = {name: value for name, value in config.items() if name != FIDELITY}
    return round(abs(math.log10(bare["rate"]) + 2) + bare.get("width", bare.get("width_2", 0)) / 100, 6)


def seed():
    """What the adapter draws for SMAC's seed."""
    return int(np.random.default_rng(SEED).integers(2**31 - 1))


def smac_alone(facade, folder, parts, **scenario):
    """A facade over the plain space, declared by hand."""
    space = ConfigurationSpace()
    space.add(
        Float("rate", (1e-4, 1.0), log=True),
        Integer("width", (8, 64)),
        Choice("activation", ["relu", "sigmoid", "tanh"]),
    )
    declared = Scenario(space, output_directory=folder, deterministic=True, seed=seed(), **scenario)
    return facade(declared, overwrite=True, logging_level=False, **parts(declared))


def in_order(maximizer):
    """The one thing in which the adapter differs: SMAC's starting points come from a set, by the hash of their text."""
    local, found = maximizer._local_search, maximizer._local_search._get_init_points_from_previous_configs
    local._get_init_points_from_previous_configs = lambda *given: sorted(found(*given), key=repr)
    return maximizer


@pytest.mark.filterwarnings("ignore")
def test_the_random_forest_proposes_what_smac_proposes_alone(tmp_path):
    """Sobol design, forest, acquisition and random draws: the same configurations as a loop over SMAC itself."""
    facade = HyperparameterOptimizationFacade
    alone = smac_alone(
        facade,
        tmp_path,
        lambda scenario: {
            "initial_design": facade.get_initial_design(scenario, n_configs=4),
            "intensifier": facade.get_intensifier(scenario, max_config_calls=1),
            "acquisition_maximizer": in_order(facade.get_acquisition_maximizer(scenario)),
        },
    )
    searcher = Smac(PLAIN, rng=np.random.default_rng(SEED), n_initial=4)
    for _ in range(14):  # Past the second fit, which comes after eight proposals.
        trial, config = alone.ask(), searcher.sample_configuration()
        assert {name: pytest.approx(value) for name, value in dict(trial.config).items()} == config
        alone.tell(trial, TrialValue(cost=error_of(config)), save=False)
        searcher.update(config, error_of(config))


@pytest.mark.filterwarnings("ignore")
def test_the_random_facade_proposes_what_smac_proposes_alone(tmp_path):
    """SMAC's random search, untouched, from the same seed."""
    parts = {"max_config_calls": 1}
    alone = smac_alone(RandomFacade, tmp_path, lambda s: {"intensifier": RandomFacade.get_intensifier(s, **parts)})
    searcher = Smac(PLAIN, rng=np.random.default_rng(SEED), facade="random")
    for _ in range(20):
        trial, config = alone.ask(), searcher.sample_configuration()
        assert {name: pytest.approx(value) for name, value in dict(trial.config).items()} == config
        alone.tell(trial, TrialValue(cost=error_of(config)), save=False)
        searcher.update(config, error_of(config))


@pytest.mark.filterwarnings("ignore")
def test_hyperband_runs_what_smac_runs_alone(tmp_path):
    """The same configurations at the same budgets in the same order as SMAC's own Hyperband."""
    alone = smac_alone(HyperbandFacade, tmp_path, lambda scenario: {}, min_budget=1, max_budget=9)
    scheduler = SmacMultiFidelity(PLAIN, rng=np.random.default_rng(SEED), max_epochs=9, facade="random")
    for _ in range(40):
        trial, config = alone.ask(), scheduler.suggest()
        assert {**dict(trial.config), FIDELITY: trial.budget} == {
            k: pytest.approx(v) if isinstance(v, float) else v for k, v in config.items()
        }
        alone.tell(trial, TrialValue(cost=error_of(config)), save=False)
        scheduler.update(config, error_of(config))


@pytest.mark.parametrize("facade", ["hyperparameter_optimization", "random"])
def test_smac_learns_of_the_default(facade):
    """The default comes first, exactly as given, and is SMAC's first trial with the error told."""
    searcher = Smac(CONDITIONAL, rng=np.random.default_rng(0), initial_config=DEFAULT, facade=facade)
    config = searcher.sample_configuration()
    assert config == DEFAULT
    searcher.update(config, 0.25)
    (told,) = searcher.engine.facade.runhistory.values()
    assert (told.cost, told.status) == (0.25, StatusType.SUCCESS)
    assert searcher.sample_configuration() != DEFAULT


def test_crashed_trials_are_as_bad_as_the_worst():
    """A crash waits for the first success, has the worst error known, and rises with it."""
    searcher = Smac(CONDITIONAL, rng=np.random.default_rng(0), initial_config=DEFAULT)
    configs = [searcher.sample_configuration() for _ in range(4)]
    history = searcher.engine.facade.runhistory
    for config, error, costs in (
        (configs[0], math.inf, []),
        (configs[1], 0.5, [0.5]),
        (configs[2], 0.2, [0.5]),
        (configs[3], 0.75, [0.75]),
    ):
        searcher.update(config, error)
        crashed = [run.cost for run in history.values() if run.status == StatusType.CRASHED]
        assert crashed == [math.nextafter(cost, 1) for cost in costs]
    assert history.running == 0


@pytest.mark.parametrize("error", [math.inf, 0.9, 0.0, -3.0])
def test_uninformative_results_are_survived(error):
    """All trials crashed, or all equal: SMAC goes on inside the space, beyond its design."""
    searcher = Smac(CONDITIONAL, rng=np.random.default_rng(0), initial_config=DEFAULT, n_initial=3)
    for _ in range(12):
        config = searcher.sample_configuration()
        assert CONDITIONAL.check(config) == config
        searcher.update(config, error)


def test_outstanding_proposals_are_running_and_matched():
    """SMAC has each outstanding proposal as running; results out of order reach their own trials."""
    searcher = Smac(CONDITIONAL, rng=np.random.default_rng(0), initial_config=DEFAULT, n_initial=3)
    configs = [searcher.sample_configuration() for _ in range(6)]
    history = searcher.engine.facade.runhistory
    assert history.running == 6
    for config in reversed(configs):
        searcher.update({**config, FIDELITY: 1}, error_of(config))
        searcher.update({**config, FIDELITY: 3}, 0.0)  # Later results of a trial are not SMAC's.
    searcher.update(DEFAULT, 0.0)
    told = [searcher.declaration.inward(c) for c in history.get_configs()]
    assert [run.cost for run in history.values()] == [error_of(config) for config in told]


def test_a_small_space_is_exhausted():
    """SMAC proposes nothing twice: after all configurations there is nothing, for ever."""
    space = Space({"nesterov": Categorical([True, False]), "layers": stats.randint(1, 3)})
    searcher, proposed = Smac(space, rng=np.random.default_rng(0)), []
    for _ in range(12):
        config = searcher.sample_configuration()
        proposed.append(config)
        if config is not None:
            searcher.update(config, 0.5)
    found = proposed[: proposed.index(None)]
    assert len({repr(config) for config in found}) == len(found) <= 4
    assert proposed[len(found) :] == [None] * (12 - len(found))


@pytest.mark.parametrize("method", [Smac, partial(SmacMultiFidelity, max_epochs=9)])
def test_what_has_no_initial_design_is_given_no_size_of_one(method):
    """SMAC's facade of random search would take the number and do nothing with it."""
    told = r"^n_initial = 3: the facade 'random' has no initial design to size$"

    with pytest.raises(ValueError, match=told):
        method(PLAIN, rng=np.random.default_rng(0), facade="random", n_initial=3)


def test_no_file_is_left(tmp_path, monkeypatch):
    """SMAC's folder is gone before the first proposal, and nothing is written to the working directory."""
    work, temporary = tmp_path / "work", tmp_path / "temporary"
    work.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    searcher = Smac(CONDITIONAL, rng=np.random.default_rng(0), n_initial=2)
    for _ in range(4):
        config = searcher.sample_configuration()
        searcher.update(config, error_of(config))
    assert list(work.iterdir()) == list(temporary.iterdir()) == []


def sequences():
    """Proposals after the initial design, by every kind of model."""
    searchers = [
        Smac(CONDITIONAL, rng=np.random.default_rng(0), initial_config=dict(DEFAULT), n_initial=3),
        Smac(CONDITIONAL, rng=np.random.default_rng(0), facade="blackbox", n_initial=4, retrain_after=4),
    ]
    found = []
    for searcher in searchers:
        for _ in range(8):
            config = searcher.sample_configuration()
            found.append(config)
            searcher.update(config, error_of(config))
    scheduler = SmacMultiFidelity(CONDITIONAL, rng=np.random.default_rng(0), max_epochs=9, n_initial=4)
    for _ in range(16):
        config = scheduler.suggest()
        found.append(config)
        scheduler.update(config, error_of(config))
    return found


@pytest.mark.slow
def test_a_fresh_process_proposes_the_same(in_fresh_process):
    """Models' proposals repeat under other hash seeds, which SMAC's own set of starting points does not allow."""
    assert in_fresh_process(Path(__file__), "sequences") == sequences()


def run(scheduler, count, error=error_of):
    suggested = []
    for _ in range(count):
        suggestion = scheduler.suggest()
        suggested.append(suggestion)
        scheduler.update(suggestion, error(suggestion))
    return suggested


def bare(config):
    return repr({name: value for name, value in config.items() if name != FIDELITY})


def test_budgets_are_whole_epochs():
    """With 10 epochs and eta 3 the rungs are 10/9, 10/3 and 10, which is 1, 3 and 10 whole epochs."""
    scheduler = SmacMultiFidelity(CONDITIONAL, rng=np.random.default_rng(0), max_epochs=10, initial_config=DEFAULT)
    suggested = run(scheduler, 22)
    assert suggested[0] == {**DEFAULT, FIDELITY: 1}
    assert [s[FIDELITY] for s in suggested] == [1] * 9 + [3] * 3 + [10] + [3] * 5 + [10] + [10] * 3
    first = {bare(s): error_of(s) for s in suggested[:9]}
    best = sorted(first, key=first.get)
    assert {bare(s) for s in suggested[9:12]} == set(best[:3])  # Promoted: the same configurations, trained on.
    assert bare(suggested[12]) == best[0]


@pytest.mark.parametrize("result", [(math.inf, None), (5.0, {"epochs": 0, "state": "diverged"})])
def test_lost_trials_are_not_continued(result):
    """Where all but two of a rung are lost, the third place stays empty instead of training a lost trial on."""
    scheduler = SmacMultiFidelity(CONDITIONAL, rng=np.random.default_rng(0), max_epochs=9, facade="random")
    suggested, lost = [], set()
    for i in range(24):
        suggestion = scheduler.suggest()
        assert bare(suggestion) not in lost
        suggested.append(suggestion)
        if i in (3, 5) or i >= 9:
            scheduler.update(suggestion, error_of(suggestion), {"epochs": suggestion[FIDELITY], "state": "ok"})
        else:
            lost.add(bare(suggestion))
            scheduler.update(suggestion, *result)
    assert [s[FIDELITY] for s in suggested[9:12]] == [3, 3, 9]


def test_rungs_with_results_outstanding_do_not_block():
    """With many workers SMAC begins the next bracket; results out of order lead to the promotions all the same."""
    scheduler = SmacMultiFidelity(CONDITIONAL, rng=np.random.default_rng(0), max_epochs=9, facade="random")
    waiting = [scheduler.suggest() for _ in range(12)]
    assert [s[FIDELITY] for s in waiting] == [1] * 9 + [3] * 3
    for suggestion in reversed(waiting):
        scheduler.update(dict(suggestion), error_of(suggestion))
    best = sorted(waiting[:9], key=error_of)[:3]
    following = run(scheduler, 6)
    assert {bare(s) for s in following if s[FIDELITY] == 3} >= {bare(s) for s in best}


@pytest.mark.parametrize(
    ("option", "value"),
    [("facade", "bayes"), ("n_trials", 3), ("n_trials", True), ("n_initial", 26), ("retrain_after", 0)],
)
def test_bad_options_of_the_searcher(option, value):
    """A bad option is refused by its name and value."""
    with pytest.raises(ValueError, match=f"{option} = {value!r}: "):
        Smac(PLAIN, rng=np.random.default_rng(0), **{option: value})


@pytest.mark.parametrize(
    ("option", "value"), [("facade", "blackbox"), ("intensifier", "asha"), ("eta", 1), ("r_min", 10), ("n_initial", 0)]
)
def test_bad_options_of_the_scheduler(option, value):
    """A bad option is refused by its name and value."""
    with pytest.raises(ValueError, match=f"{option} = {value!r}: "):
        SmacMultiFidelity(PLAIN, rng=np.random.default_rng(0), max_epochs=9, **{option: value})


def test_the_random_facade_has_no_design_to_size():
    """An option that would do nothing is refused."""
    with pytest.raises(ValueError, match="n_initial = 3"):
        Smac(PLAIN, rng=np.random.default_rng(0), facade="random", n_initial=3)
