"""Declaring a space to ConfigSpace: bounds and conditions survive, configurations come back as they were."""

import numpy as np
import pytest
from scipy import stats

from objectives.space import Categorical, Condition, Ordinal, Space

pytest.importorskip("ConfigSpace", reason="ConfigSpace is not installed: make adapters")
from ConfigSpace import UniformFloatHyperparameter, UniformIntegerHyperparameter

from algorithms.interop.configspace import Declaration

SPACE = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "tiny": stats.loguniform(1e-15, 1e-3),
        "layers": stats.randint(1, 5),
        "kind": Categorical(["relu", True, 1.5, 2]),
        "batch_size": Ordinal([16, 32, 64]),
        "bias": stats.norm(0, 1),
        "width_2": stats.randint(8, 65),
        "share": stats.uniform(0, 2 / 3),
        "depth": stats.randint(1, 4),
        "deep": stats.uniform(0, 1),
        "constant": Categorical(["only"]),
        "three": stats.randint(3, 4),
    },
    {
        "width_2": Condition(parent="layers", values=(2, 3, 4)),
        "share": Condition(parent="kind", values=(True,)),
        "depth": Condition(parent="batch_size", values=(32, 64)),
        "deep": Condition(parent="depth", values=(2, 3)),
        "constant": Condition(parent="layers", values=(4,)),
    },
)


def test_configurations_come_back():
    """There and back, a configuration has the same names, types and values, but for rounding."""
    declaration, rng = Declaration(SPACE), np.random.default_rng(0)
    for config in (SPACE.sample(rng) for _ in range(200)):
        back = declaration.inward(declaration.outward(config))
        assert list(back) == list(config)
        assert [type(value) for value in back.values()] == [type(value) for value in config.values()]
        for name, value in config.items():
            assert back[name] == (pytest.approx(value, rel=1e-8, abs=1e-12) if isinstance(value, float) else value)


def test_what_configspace_draws_is_in_the_space():
    """ConfigSpace draws just what counts, the space's own conditions say."""
    declaration = Declaration(SPACE)
    declaration.configspace.seed(0)
    seen = set()
    for drawn in declaration.configspace.sample_configuration(200):
        config = declaration.inward(drawn)
        assert SPACE.check(config) == config
        assert set(drawn) == set(config) - {"constant", "three"}
        seen.add(tuple(config))
    assert len(seen) > 8  # Many patterns of conditions, nested ones among them.


def test_plain_axes_are_declared_as_they_are():
    """A model sees the learning rate's logarithm and a whole number's range, not some encoding."""
    declared = Declaration(SPACE).configspace
    rate, layers = declared["rate"], declared["layers"]
    assert isinstance(rate, UniformFloatHyperparameter)
    assert (rate.lower, rate.upper, rate.log) == (1e-4, 1.0, True)
    assert isinstance(layers, UniformIntegerHyperparameter)
    assert (layers.lower, layers.upper) == (1, 4)
    assert (declared["batch_size"].lower, declared["batch_size"].upper) == (0, 2)


def test_bounds_that_configspace_would_round():
    """A least value of 1e-15, zero in thirteen decimals, is reached and not passed."""
    declaration = Declaration(Space({"tiny": stats.loguniform(1e-15, 1e-3), "share": stats.uniform(0, 2 / 3)}))
    for tiny, share in ((1e-15, 0.0), (1e-3, 2 / 3)):
        back = declaration.inward(declaration.outward({"tiny": tiny, "share": share}))
        assert back == {"tiny": pytest.approx(tiny, rel=1e-9), "share": pytest.approx(share)}


def test_constants_are_left_out():
    """What has one value is not declared, and comes back all the same."""
    space = Space({"three": stats.randint(3, 4), "only": Categorical([True])})
    declaration = Declaration(space)
    assert len(declaration.configspace) == 0
    assert declaration.inward({}) == {"three": 3, "only": True}


def test_the_default_is_declared():
    """ConfigSpace's default is the initial configuration where it has a value."""
    default = {**SPACE.sample(np.random.default_rng(3)), "rate": 0.25, "kind": 2}
    default = SPACE.check(default)
    declaration = Declaration(SPACE, default)
    declared = declaration.inward(declaration.configspace.get_default_configuration())
    assert declared == {k: pytest.approx(v, rel=1e-8) if isinstance(v, float) else v for k, v in default.items()}
