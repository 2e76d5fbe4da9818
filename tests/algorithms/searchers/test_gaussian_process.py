"""The Gaussian process searcher: its fit, its proposals, and what goes wrong."""

import copy
import importlib
import json
import math
import warnings

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("botorch", reason="botorch is not installed: make adapters")
with warnings.catch_warnings():
    warnings.simplefilter("error")
    gp = importlib.import_module("algorithms.searchers.gaussian_process")
    surrogate = importlib.import_module("algorithms.searchers.surrogate")

import torch

from algorithms.searchers.random_search import RandomSearch
from objectives.closed_form.functions import Branin
from objectives.space import FIDELITY, Categorical, Condition, Ordinal, Space
from tests.algorithms.driving import proposals

LINE = Space({"x": stats.uniform(0, 1)})
MIXED = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "width": stats.randint(8, 65),
        "activation": Categorical(["relu", "tanh", "sigmoid"]),
        "nesterov": Categorical([True, False]),
    }
)
CONDITIONAL = Space(
    {
        "layers": stats.randint(1, 4),
        "size": Ordinal([16, 32, 64]),
        "two": stats.uniform(0, 1),
        "three": stats.uniform(),
    },
    conditions={"two": Condition(parent="layers", values=(2, 3)), "three": Condition(parent="layers", values=(3,))},
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]  # Each fit takes a tenth of a second.


def searcher(space=LINE, seed=0, **options):
    return gp.GaussianProcess(space, rng=np.random.default_rng(seed), **options)


def search(space, trials, error_of, seed=0, **options):
    return proposals(searcher(space, seed, **options), trials, error_of)


def told(count, error_of, space=LINE, seed=0, **options):
    """A searcher past its random proposals that was told `count` results of another's."""
    found, others = searcher(space, seed, **options), np.random.default_rng(7)
    found.proposed = found.num_init_random
    for _ in range(count):
        config = space.sample(others)
        found.update(config, error_of(config))
    return found


def bowl(config):
    return (config["x"] - 0.3) ** 2


def mixed_error(config):
    return abs(math.log10(config["rate"]) + 2) + config["width"] / 64 + (config["activation"] != "tanh")


# The model


def test_the_fitted_density_is_gpytorchs(fitted):
    """Our log posterior of the hyperparameters is the number that ExactMarginalLogLikelihood gives."""
    model, inputs, targets = fitted
    expected = surrogate.ExactMarginalLogLikelihood(model.likelihood, model).train()(model(inputs), targets)
    assert surrogate.log_posterior(model, inputs, targets).item() == pytest.approx(expected.item(), rel=1e-10)


def test_a_fit_goes_up(fitted):
    """The fit ends near where BoTorch's own does, which takes as many steps as it likes."""
    model, inputs, targets = fitted
    likelihood = surrogate.ExactMarginalLogLikelihood(model.likelihood, model)
    ours = surrogate.log_posterior(model, inputs, targets).item()
    surrogate.fit_gpytorch_mll_scipy(likelihood.train())
    assert surrogate.log_posterior(model, inputs, targets).item() == pytest.approx(ours, abs=0.02)


def test_outcomes_are_clipped_and_standardised():
    """The ceiling is three median distances above the least; crashed trials are at it."""
    errors = np.array([0.1, 0.2, 0.3, 0.9, math.inf, 0.2])
    expected = -np.array([0.1, 0.2, 0.3, 0.55, 0.55, 0.2])  # distances 0.1, 0.1, 0.2, 0.8: the median is 0.15
    assert gp.outcomes(errors) == pytest.approx((expected - expected.mean()) / expected.std())


@pytest.mark.parametrize("errors", [[0.3, 0.3, 0.3], [0.3, math.inf, math.inf], [0.3, 0.3, math.inf], [0.0]])
def test_outcomes_are_finite_and_crashed_ones_worst(errors):
    """Ties are all 0; a crashed trial is worse even where all others tie."""
    found = gp.outcomes(np.array(errors))
    assert np.isfinite(found).all()
    assert all(
        (a > b) == (x < y) for a, x in zip(found, errors, strict=True) for b, y in zip(found, errors, strict=True)
    )


def test_any_two_of_three_choices_are_equally_far_apart():
    """Three choices are three columns, two are one, numeric axes come first."""
    found = searcher(MIXED)
    configs = [{"rate": 1.0, "width": 8, "activation": name, "nesterov": False} for name in ("relu", "tanh", "sigmoid")]
    features = found._features(np.array([MIXED.encode(config) for config in configs]))
    assert features.shape == (3, 2 + 3 + 1)
    assert torch.cdist(features, features).unique().numpy() == pytest.approx([0, 1])
    assert features[:, :2].numpy() == pytest.approx(np.array([MIXED.encode(config)[:2] for config in configs]))


def test_the_largest_fidelity_with_enough_results_is_modelled():
    """A low fidelity that says the opposite is forgotten once a higher one has enough results."""
    found = told(0, bowl, num_init_random=6)
    for i in range(12):
        found.update({"x": i / 11, FIDELITY: 1}, -bowl({"x": i / 11}))
    assert found.sample_configuration()["x"] > 0.9
    for i in range(0, 12, 2):
        found.update({"x": i / 11, FIDELITY: 9}, bowl({"x": i / 11}))
    assert found.sample_configuration()["x"] == pytest.approx(0.3, abs=0.1)


# Proposals


def test_the_first_proposals_are_those_of_random_search():
    """The default, then what random search draws with the same generator."""
    default = {"x": 0.25}
    configs = search(LINE, 5, bowl, initial_config=default, num_init_random=5)
    random_search = RandomSearch(LINE, rng=np.random.default_rng(0), initial_config=default)
    assert configs == [random_search.sample_configuration() for _ in range(5)]
    assert default == {"x": 0.25}


def test_it_finds_the_minimum():
    """On a parabola it is where the minimum is, within a few proposals."""
    configs = search(LINE, 12, bowl)
    assert min(abs(config["x"] - 0.3) for config in configs) < 0.01


def test_it_beats_random_search_on_branin():
    """With 20 trials each its mean regret over 3 seeds is less than a quarter of random search's."""
    branin = Branin()
    ours, randoms = [], []
    for seed in range(3):
        random_search = RandomSearch(branin.space, rng=np.random.default_rng([seed, 1]))
        randoms.append(min(branin.value(random_search.sample_configuration()) for _ in range(20)))
        ours.append(min(map(branin.value, search(branin.space, 20, branin.value, seed))))
    assert np.mean(ours) - branin.optimum < (np.mean(randoms) - branin.optimum) / 4


def test_mixed_spaces_are_searched():
    """The best choice and the low end of a whole number are found; every proposal is native and new."""
    configs = search(MIXED, 25, mixed_error)
    assert all(MIXED.check(config) == config for config in configs)
    assert len({str(config) for config in configs}) == 25
    assert sum(config["activation"] == "tanh" for config in configs[-10:]) >= 7
    assert min(map(mixed_error, configs)) < 0.5


def test_conditional_spaces_are_searched():
    """Proposals are canonical, and a conditional optimum is found."""
    configs = search(CONDITIONAL, 25, lambda config: 3 - config["layers"] + abs(config.get("three", 1) - 0.2))
    assert all(CONDITIONAL.check(config) == config for config in configs)
    assert min(abs(config.get("three", 1) - 0.2) for config in configs if config["layers"] == 3) < 0.05


def test_pending_proposals_spread():
    """Eight proposals without a result are all apart: each knows of those before it."""
    found = told(10, bowl)
    places = sorted(found.sample_configuration()["x"] for _ in range(8))
    assert np.diff(places).min() > 1e-3


def test_nothing_is_fitted_when_nothing_was_told(monkeypatch):
    """Several proposals after one result share one fit."""
    fits, fit = [], surrogate.fit
    monkeypatch.setattr(surrogate, "fit", lambda *arguments: (fits.append(1), fit(*arguments)))
    found = told(8, bowl)
    for _ in range(3):
        found.sample_configuration()
    assert len(fits) == 1
    found.update({"x": 0.5}, 0.1)
    found.sample_configuration()
    assert len(fits) == 2


def test_a_small_space_is_used_up_before_anything_is_repeated():
    """Twelve configurations are proposed once each, then random ones for ever."""
    space = Space({"a": stats.randint(0, 4), "b": Categorical(["u", "v", "w"])})
    configs = search(space, 30, lambda config: config["a"], num_init_random=1)
    assert len({str(config) for config in configs[:12]}) == 12
    assert all(space.check(config) == config for config in configs)


def test_a_constant_space_goes_on_for_ever():
    """With one configuration only there is nothing to fit, and no end."""
    space = Space({"a": stats.randint(3, 4), "b": Categorical(["u"])})
    assert search(space, 20, lambda config: 0.5) == [{"a": 3, "b": "u"}] * 20


@pytest.mark.parametrize("error_of", [lambda config: 0.9, lambda config: math.inf, lambda config: round(config["x0"])])
@pytest.mark.parametrize("dimensions", [1, 10])
def test_hard_results_are_survived(dimensions, error_of):
    """Ties and crashes in 1 and 10 dimensions, 300 results, some of them twice."""
    space = Space({f"x{i}": stats.uniform(0, 1) for i in range(dimensions)})
    found = told(300, error_of, space)
    for place in found.observations.largest(1).points[:30]:
        config = space.decode(place)
        found.update(config, error_of(config))
    for _ in range(2):
        config = found.sample_configuration()
        assert space.check(config) == config
        found.update(config, error_of(config))


def test_crashed_trials_are_avoided():
    """Where half of the line crashes, proposals are in the other half."""
    found = told(20, lambda config: math.inf if config["x"] < 0.5 else 0.5 + config["x"] / 100)
    proposed = []
    for _ in range(5):
        proposed.append(found.sample_configuration())
        found.update(proposed[-1], math.inf if proposed[-1]["x"] < 0.5 else 0.5 + proposed[-1]["x"] / 100)
    assert sum(config["x"] > 0.45 for config in proposed) >= 4


# What goes wrong


def raising(error):
    def fail(*arguments, **options):
        raise error

    return fail


@pytest.mark.parametrize(
    "error", [surrogate.NotPSDError("forced"), surrogate.NanError("forced"), surrogate.NUMERICAL_ERRORS[2]("forced")]
)
def test_a_failed_fit_keeps_the_last_hyperparameters(monkeypatch, error):
    """The model goes on with what it had, and learns again when the next fit works."""
    found = told(8, bowl)
    found.sample_configuration()
    before = copy.deepcopy(found.surrogate.hyperparameters)
    monkeypatch.setattr(surrogate, "fit_gpytorch_mll_scipy", raising(error))
    found.update({"x": 0.9}, 0.36)
    assert found.sample_configuration()["x"] == pytest.approx(0.3, abs=0.2)
    assert all(torch.equal(before[name], value) for name, value in found.surrogate.hyperparameters.items())
    monkeypatch.undo()
    found.update({"x": 0.1}, 0.04)
    found.sample_configuration()
    assert any(not torch.equal(before[name], value) for name, value in found.surrogate.hyperparameters.items())


def test_a_fit_that_ends_in_nan_counts_as_failed(monkeypatch):
    """Hyperparameters that are no numbers are put back."""

    def spoil(likelihood, parameters, **options):
        with torch.no_grad():
            for value in parameters.values():
                value.fill_(math.nan)

    monkeypatch.setattr(surrogate, "fit_gpytorch_mll_scipy", spoil)
    found = told(8, bowl)
    found.sample_configuration()
    assert not any(value.isnan().any() for value in found.surrogate.hyperparameters.values())


def test_a_failed_acquisition_makes_a_random_proposal(monkeypatch):
    """Where the acquisition cannot be computed, random search proposes."""
    monkeypatch.setattr(gp, "NoisyExpectedImprovement", raising(surrogate.NotPSDError("forced")))
    found = told(8, bowl)
    places = [found.sample_configuration()["x"] for _ in range(40)]
    assert stats.kstest(places, "uniform").pvalue > 0.01


def test_other_errors_are_not_hidden(monkeypatch):
    """A mistake is no numerical failure."""
    monkeypatch.setattr(gp, "NoisyExpectedImprovement", raising(TypeError("mistake")))
    with pytest.raises(TypeError, match="mistake"):
        told(8, bowl).sample_configuration()


@pytest.mark.parametrize("value", [0, True, 2.5, "five"])
def test_bad_options_are_refused(value):
    """The message names the option and its value."""
    with pytest.raises(ValueError, match=f"num_init_random = {value!r}: need a whole number >= 1"):
        searcher(num_init_random=value)


# The same bits


def sequences():
    """Proposals on two spaces, every digit of them, with one thread."""
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            return [search(MIXED, 14, mixed_error), search(CONDITIONAL, 10, lambda config: config["layers"])]
    finally:
        torch.set_num_threads(threads)


def test_a_fresh_process_proposes_the_same(in_fresh_process):
    """Nothing of this process is in a search."""
    assert json.loads(json.dumps(sequences())) == in_fresh_process(__file__, "sequences")


def test_a_copy_goes_on_alike():
    """A copy in the middle of a search proposes what the original does."""
    found = told(8, mixed_error, MIXED)
    pending = found.sample_configuration()
    twin = copy.deepcopy(found)
    for each in (found, twin):
        each.update(pending, 0.5)
    assert [found.sample_configuration() for _ in range(2)] == [twin.sample_configuration() for _ in range(2)]


def test_global_generators_do_not_matter(global_state, move_global_generators):
    """A search neither reads nor moves them."""
    expected = search(LINE, 8, bowl)
    move_global_generators()
    before = global_state()
    assert search(LINE, 8, bowl) == expected
    assert global_state() == before
