"""cmaes through the adapter against the library alone, on spaces translated by hand."""

import copy
import math
import pickle

import numpy as np
import pytest
from cmaes import CMA, CatCMAwM, CMAwM
from scipy import stats

from algorithms.adapters.cmaes import SIGMA, CmaEs
from benchmark.checking import toy_tasks
from objectives import OBJECTIVES
from objectives.space import FIDELITY, Categorical, Condition, Ordinal, Space
from tests.algorithms.driving import proposals, seed_of
from tests.objectives.external.programs import OPTIONS

FLOATS = Space({"x": stats.uniform(-5, 15), "rate": stats.loguniform(1e-4, 1)})
WHOLE = Space({"rate": stats.loguniform(1e-4, 1), "width": stats.randint(8, 65), "batch": Ordinal([16, 32, 64])})
MIXED = Space(
    {
        "width": stats.randint(8, 65),
        "activation": Categorical(["relu", "tanh", "sigmoid"]),
        "rate": stats.loguniform(1e-4, 1),
        "nesterov": Categorical([False, True]),
        "layers": stats.randint(1, 3),
    }
)
CONDITIONAL = Space(
    {"layers": stats.randint(1, 4), "width_2": stats.randint(8, 65), "width_3": stats.randint(8, 65)},
    conditions={
        "width_2": Condition(parent="layers", values=(2, 3)),
        "width_3": Condition(parent="layers", values=(3,)),
    },
)
LINE = Space({"x": stats.uniform(0, 1)})
COIN = Space({"nesterov": Categorical([False, True])})
POINT = Space({"width": stats.randint(3, 4), "activation": Categorical(["relu"])})
SPACES = {
    "floats": FLOATS,
    "whole": WHOLE,
    "mixed": MIXED,
    "conditional": CONDITIONAL,
    "line": LINE,
    "coin": COIN,
    "point": POINT,
    "odd": Space({"x": stats.norm(3, 1), "k": stats.binom(10, 0.3), "n": stats.randint(0, 10**6), "one": Ordinal([1])}),
    **{name: make(**OPTIONS.get(name, {})).space for name, make in OBJECTIVES.items()},
}
every_variant = pytest.mark.parametrize("variant", ["auto", "cma", "margin", "categorical"])
VARIANT_SPACES = [("cma", FLOATS), ("margin", WHOLE), ("categorical", MIXED)]


def toy_error(config):
    """An error in [0, 1) that depends on every value, but not on its last digits."""
    return toy_tasks.toy_error(rounded([config])[0])


def make(space, seed=0, **options):
    return CmaEs(space, rng=np.random.default_rng(seed), **options)


def decoded_by_hand(name, place):
    """Value of a place in [0, 1], from the definitions of the spaces above."""
    if name == "x":
        return -5 + 15 * place
    if name == "rate":
        return math.exp(math.log(1e-4) + place * math.log(1 / 1e-4))
    values = {
        "width": list(range(8, 65)),
        "batch": [16, 32, 64],
        "activation": ["relu", "tanh", "sigmoid"],
        "nesterov": [False, True],
        "layers": [1, 2],
    }[name]
    return values[round(place * len(values) - 0.5)]


def library_alone(variant, seed, generations, error_of, default=None):
    """The loop of the library's documentation, the default a member of the first generation."""
    if variant == "cma":
        mean = np.full(2, 0.5) if default is None else np.array([(default["x"] + 5) / 15, log_place(default["rate"])])
        optimizer = CMA(mean=mean, sigma=SIGMA, bounds=np.array([[0.0, 1.0]] * 2), seed=seed)
    elif variant == "margin":
        steps = np.array([0, 1 / 57, 1 / 3])
        bounds = np.stack([steps / 2, 1 - steps / 2], axis=1)
        mean = np.full(3, 0.5)
        if default is not None:
            mean = np.array([log_place(default["rate"]), (default["width"] - 8 + 0.5) / 57, 1.5 / 3])
        optimizer = CMAwM(mean=mean, sigma=SIGMA, bounds=bounds, steps=steps, seed=seed)
    else:
        widths = [(i + 0.5) / 57 for i in range(57)]
        optimizer = CatCMAwM(x_space=[[0, 1]], z_space=[widths], c_space=[3, 2, 2], seed=seed)
    proposed = []
    for generation in range(generations):
        solutions = []
        for member in range(optimizer.population_size):
            if default is not None and generation == member == 0:
                config, told = default, mean
            else:
                asked = optimizer.ask()
                config, told = translated_by_hand(variant, asked)
            proposed.append(config)
            solutions.append((told, error_of(config)))
        optimizer.tell(solutions)
    return proposed


def translated_by_hand(variant, asked):
    if variant == "categorical":
        activation, nesterov, layers = (int(np.argmax(row)) for row in asked.c)
        config = {
            "width": decoded_by_hand("width", asked.z[0]),
            "activation": ["relu", "tanh", "sigmoid"][activation],
            "rate": decoded_by_hand("rate", asked.x[0]),
            "nesterov": [False, True][nesterov],
            "layers": [1, 2][layers],
        }
        return config, asked
    place, told = asked if variant == "margin" else (asked, asked)
    names = list(WHOLE if variant == "margin" else FLOATS)
    return {name: decoded_by_hand(name, each) for name, each in zip(names, place, strict=True)}, told


def log_place(rate):
    return math.log(rate / 1e-4) / math.log(1e4)


def rounded(configs):
    """Without the last digits, which a translation by hand may have otherwise."""
    return [
        {name: round(float(value), 9) if isinstance(value, float) else value for name, value in config.items()}
        for config in configs
    ]


@pytest.mark.parametrize(("variant", "space"), VARIANT_SPACES)
@pytest.mark.parametrize("asked_as", ["by name", "auto"])
def test_proposals_are_those_of_the_library_alone(variant, space, asked_as):
    """Eight generations, in values that were translated by hand; "auto" takes the same variant."""
    searcher = make(space, seed=3, variant=variant if asked_as == "by name" else "auto")
    expected = library_alone(variant, seed_of(3), 8, toy_error)
    assert rounded(proposals(searcher, len(expected), toy_error)) == rounded(expected)
    assert len({repr(config) for config in expected}) > len(expected) / 2


@pytest.mark.parametrize(
    ("variant", "space", "default"),
    [("cma", FLOATS, {"x": 1.5, "rate": 0.1}), ("margin", WHOLE, {"rate": 0.1, "width": 60, "batch": 32})],
)
def test_the_default_is_the_first_mean_and_a_member_of_the_first_generation(variant, space, default):
    """It is proposed first and told at the mean; the rest is as the library alone does it."""
    searcher = make(space, seed=3, variant=variant, initial_config=default)
    expected = library_alone(variant, seed_of(3), 6, toy_error, default=default)
    proposed = proposals(searcher, len(expected), toy_error)
    assert proposed[0] == default
    assert rounded(proposed) == rounded(expected)


def test_the_default_of_a_mixed_space_is_told_too():
    """Whether the default was good or bad changes the second generation, and nothing before it."""
    default = {"width": 64, "activation": "tanh", "rate": 1.0, "nesterov": True, "layers": 1}
    runs = [
        proposals(
            make(MIXED, initial_config=default),
            40,
            error_of=lambda config, error=error: error if config == default else toy_error(config),
        )
        for error in (0.0, 0.99)
    ]
    size = make(MIXED).strategy.optimizer.population_size
    assert runs[0][0] == default
    assert runs[0][:size] == runs[1][:size]
    assert runs[0][size] != runs[1][size]


@every_variant
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("error", ["toy", 0.5, math.inf])
def test_proposals_are_in_the_space(variant, space, error):
    """Complete, canonical and native, for every kind of axis, also where all ties or crashes."""
    searcher = make(SPACES[space], variant=variant)
    error_of = toy_error if error == "toy" else lambda config: error
    for config in proposals(searcher, 60, error_of, outstanding=3):
        checked = SPACES[space].check(config)
        assert checked == config
        assert [type(value) for value in checked.values()] == [type(config[name]) for name in checked]


@every_variant
def test_a_planted_optimum_is_found(variant):
    """After 300 evaluations the errors are far below those of the first 20."""

    def error_of(config):
        off = abs(math.log10(config["rate"]) + 2) + abs(config["width"] - 40) / 20
        return off + (config["activation"] != "tanh") + (config["nesterov"] is not True) + abs(config["layers"] - 2)

    ends = []
    for seed in range(3):
        errors = [error_of(config) for config in proposals(make(MIXED, seed, variant=variant), 300, error_of)]
        assert np.median(errors[-20:]) < np.median(errors[:20])
        ends.append(min(errors))
    assert np.median(ends) < 0.3


def test_results_in_any_order_of_one_generation_are_the_same():
    """What counts is a generation's results, not when each came in."""
    runs = []
    for order in (1, -1):
        searcher = make(FLOATS)
        size = searcher.strategy.optimizer.population_size
        for _ in range(5):
            generation = [searcher.sample_configuration() for _ in range(size)]
            for config in generation[::order]:
                searcher.update(config, toy_error(config))
        runs.append(searcher.sample_configuration())
    assert runs[0] == runs[1]


def test_more_may_be_asked_for_than_a_population():
    """Twice the population asked for at once is two generations told, later ones included."""
    searcher = make(FLOATS)
    size = searcher.strategy.optimizer.population_size
    asked = [searcher.sample_configuration() for _ in range(2 * size)]
    for config in asked[::-1]:
        searcher.update(config, toy_error(config))
    assert searcher.strategy.optimizer.generation == 2
    assert searcher.results == []


@pytest.mark.parametrize(("variant", "space"), VARIANT_SPACES)
def test_a_crashed_training_ranks_last(variant, space):
    """As an error worse than all others would; and from a generation lost as a whole nothing is learnt."""

    def run(crash):
        return proposals(make(space, variant=variant), 40, lambda config: crash(toy_error(config)))

    crashed = run(lambda error: math.inf if error > 0.6 else error)
    assert crashed != run(lambda error: error)
    if variant != "categorical":  # Its penalties depend on values, the others' updates on ranks alone.
        assert crashed == run(lambda error: 5.0 if error > 0.6 else error)
    searcher = make(space, variant=variant)
    proposals(searcher, 20, lambda config: math.inf)
    assert searcher.strategy.optimizer.generation == 0


def test_a_converged_strategy_restarts_with_twice_the_population():
    """A flat objective ends the first strategy; the late results of it are ignored."""
    searcher = make(LINE)
    first, late = searcher.strategy, searcher.sample_configuration()
    count = 0
    while searcher.strategy is first:
        proposals(searcher, 1, lambda config: 0.5)
        count += 1
        assert count < 500
    assert searcher.strategy.optimizer.population_size == 2 * first.optimizer.population_size
    assert searcher.results == []
    searcher.update(late, 0.0)
    assert searcher.results == []


def test_only_the_first_result_counts():
    """Further training of a configuration is not told, nor what the library did not propose."""
    searcher = make(FLOATS)
    config = searcher.sample_configuration()
    for epochs in (1, 2, 3):
        searcher.update({**config, FIDELITY: epochs}, 0.5)
    searcher.update({"x": 0.0, "rate": 0.5}, 0.1)
    assert len(searcher.results) == 1


@every_variant
@pytest.mark.parametrize("space", ["floats", "whole", "mixed", "conditional", "point"])
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda searcher: pickle.loads(pickle.dumps(searcher))])
def test_a_copy_in_mid_run_goes_on_alike(variant, space, clone):
    """The library leaves the generator out of copies; ours keep it."""
    searcher = make(SPACES[space], variant=variant)
    proposals(searcher, 20, toy_error, outstanding=3)
    twin = clone(searcher)
    assert proposals(twin, 40, toy_error) == proposals(searcher, 40, toy_error)


@every_variant
def test_the_seed_decides(variant):
    """The same generator proposes the same, another one something else."""
    one, two, other = (proposals(make(MIXED, seed, variant=variant), 30, toy_error) for seed in (1, 1, 2))
    assert one == two != other


@pytest.mark.parametrize(("variant", "space"), VARIANT_SPACES)
def test_options_reach_the_library(variant, space):
    """A population of its own size, and a start near the default when sigma is small."""
    default = space.decode(np.full(len(space), 0.4))
    searcher = make(space, variant=variant, initial_config=default, population_size=9, sigma=1e-9)
    assert searcher.strategy.optimizer.population_size == 9
    near = [space.encode(config) for config in proposals(searcher, 9, toy_error)]
    ordered = [place for place, axis in enumerate(space.axes.values()) if len(axis.choices) == 0 and axis.high != 2]
    assert np.abs(np.array(near)[:, ordered] - space.encode(default)[ordered]).max() < 1e-6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"variant": "sep"}, "variant = 'sep': not one of auto, cma, margin, categorical"),
        ({"population_size": 3}, "population_size = 3: need a whole number >= 4"),
        ({"population_size": True}, "population_size = True: need a whole number >= 4"),
        ({"sigma": 0.0}, r"sigma = 0\.0: need a number > 0"),
        ({"sigma": math.inf}, "sigma = inf: need a number > 0"),
    ],
)
def test_bad_options_are_refused(options, message):
    """By name, value and rule."""
    with pytest.raises(ValueError, match=message):
        make(FLOATS, **options)
