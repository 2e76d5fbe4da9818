"""Searchers and schedulers with one fault each, planted to be found by `check`, and some whose habits are none."""

import math
import time
from typing import ClassVar

import numpy as np


class Shrink:
    """A sound searcher: it draws around the best configuration, ever closer, with what the space can do."""

    def __init__(self, config_space, *, rng, initial_config=None, shrink=0.8):
        self.space, self.rng, self.shrink = config_space, rng, shrink
        self.ahead = [] if initial_config is None else [dict(initial_config)]
        self.best, self.best_error, self.width = None, math.inf, 1.0

    def sample_configuration(self):
        if self.ahead:
            return self.ahead.pop()
        if self.best is None:
            return self.space.sample(self.rng)
        around = self.space.encode(self.best) + self.width * (self.rng.random(len(self.space)) - 0.5)
        return self.space.decode(np.clip(around, 1e-9, 1 - 1e-9))

    def update(self, config, error, additional_info=None):
        self.width *= self.shrink
        if error < self.best_error:
            self.best = {name: value for name, value in config.items() if name != "max_epochs"}
            self.best_error = error


class OutOfBounds(Shrink):
    def sample_configuration(self):
        config = super().sample_configuration()
        return {name: value * 1e6 if type(value) is float else value for name, value in config.items()}


class MissesAName(Shrink):
    def sample_configuration(self):
        config = super().sample_configuration()
        config.pop(next(iter(config)))
        return config


class Unseeded(Shrink):
    def __init__(self, config_space, **given):
        super().__init__(config_space, **{**given, "rng": np.random.default_rng()})


class FixedSeed(Shrink):
    def __init__(self, config_space, **given):
        super().__init__(config_space, **{**given, "rng": np.random.default_rng(0)})


class ReadsTheClock(Shrink):
    def sample_configuration(self):
        if self.ahead:
            return super().sample_configuration()
        return self.space.decode(np.full(len(self.space), time.time() % 1 * 0.999 + 1e-6))


class HashesNames(Shrink):
    """Draws from a stream that depends on the hash of a text, which each process has its own of."""

    def __init__(self, config_space, *, rng, initial_config=None):
        other = np.random.default_rng([int(rng.integers(2**31)), hash("a text") % 2**31])
        super().__init__(config_space, rng=other, initial_config=initial_config)


class ChangesWhatItIsTold(Shrink):
    def update(self, config, error, additional_info=None):
        super().update(config, error)
        config.pop("max_epochs", None)
        config["error"] = error


class RaisesOnInf(Shrink):
    def update(self, config, error, additional_info=None):
        if math.isinf(error):
            raise OverflowError("cannot convert float infinity to integer")
        super().update(config, error)


class DividesByTheSpread(Shrink):
    def __init__(self, config_space, **given):
        super().__init__(config_space, **given)
        self.errors = []

    def update(self, config, error, additional_info=None):
        self.errors.append(error)
        finite = [each for each in self.errors if math.isfinite(each)]
        if len(finite) > 2:
            (error - min(finite)) / (max(finite) - min(finite))
        super().update(config, error)


class NumpyTypes(Shrink):
    """Accepted: the harness makes Python's own numbers of numpy's."""

    def sample_configuration(self):
        config = super().sample_configuration()
        return {name: np.float64(value) if type(value) is float else value for name, value in config.items()}


class NothingForEver(Shrink):
    def sample_configuration(self):
        return None


class NothingAtTimes(Shrink):
    calls = 0

    def sample_configuration(self):
        self.calls += 1
        return None if self.calls > 5 and self.calls % 7 < 3 else super().sample_configuration()


class WrongUpdate(Shrink):
    def update(self, config):
        super().update(config, 0.0)


class NoInformation(Shrink):
    """`update` without its third parameter, which the basic scheduler passes on."""

    def update(self, config, error):
        super().update(config, error)


class WrongConstructor:
    def __init__(self, bounds, budget):
        self.bounds, self.budget = bounds, budget

    def sample_configuration(self):
        return {}

    def update(self, config, error, additional_info=None):
        pass


class NeedsUpdateOrder(Shrink):
    """Believes that a result is that of its last proposal."""

    last = None

    def sample_configuration(self):
        self.last = super().sample_configuration()
        return dict(self.last)

    def update(self, config, error, additional_info=None):
        told = {name: value for name, value in config.items() if name != "max_epochs"}
        if told != self.last:
            raise RuntimeError("update() is not about the last proposal")
        super().update(config, error)


class GlobalGenerator(Shrink):
    """Accepted in a suite, which gives every run private states; advised against."""

    def sample_configuration(self):
        if self.ahead:
            return super().sample_configuration()
        return self.space.decode(np.random.random(len(self.space)))  # noqa: NPY002 (the fault)


class Prints(Shrink):
    """Accepted, and advised against."""

    def update(self, config, error, additional_info=None):
        print("error", error)
        super().update(config, error)


class KeepsAFileOpen(Shrink):
    """Accepted, and advised against: it can neither be copied nor pickled."""

    def __init__(self, config_space, **given):
        super().__init__(config_space, **given)
        self.file = open(__file__)  # noqa: SIM115, PTH123 (the fault)

    def __del__(self):
        self.file.close()


class SharesAList(Shrink):
    """Keeps what it has seen in the class, so that every search goes on from all earlier ones."""

    seen: ClassVar[list] = []

    def sample_configuration(self):
        if len(self.seen) % 2:
            self.rng.random()
        return super().sample_configuration()

    def update(self, config, error, additional_info=None):
        self.seen.append(error)
        super().update(config, error)


class WantsEveryName(Shrink):
    """Believes that every hyperparameter is in every configuration."""

    def update(self, config, error, additional_info=None):
        [config[name] for name in self.space]
        super().update(config, error)


class LogarithmOfTheError(Shrink):
    def update(self, config, error, additional_info=None):
        super().update(config, math.log(error + 1e-9))


class WantsInformation(Shrink):
    def update(self, config, error, additional_info=None):
        assert additional_info["epochs"] > 0
        super().update(config, error)


class NeverComesBack(Shrink):
    """Draws until it has something new, which a space of one configuration never gives."""

    def sample_configuration(self):
        config = super().sample_configuration()
        while self.best == config:
            config = self.space.sample(self.rng)
        return config


class AboveTheTop:
    """A scheduler that promotes beyond the full fidelity."""

    def __init__(self, searcher, *, max_epochs):
        self.searcher, self.epochs = searcher, max_epochs

    def suggest(self):
        self.epochs += 1
        return {**self.searcher.sample_configuration(), "max_epochs": self.epochs // 2}

    def update(self, config, error, info=None):
        self.searcher.update(config, error, additional_info=info)


class Stops:
    """A scheduler that ends after ten trials, as if nothing were left."""

    def __init__(self, searcher, *, max_epochs):
        self.searcher, self.left = searcher, 10

    def suggest(self):
        self.left -= 1
        return self.searcher.sample_configuration() if self.left >= 0 else None

    def update(self, config, error, info=None):
        self.searcher.update(config, error, additional_info=info)


class Twice:
    """A sound scheduler: every configuration at a third of its epochs, and then to the end."""

    def __init__(self, searcher, *, max_epochs):
        self.searcher, self.max_epochs, self.waiting = searcher, max_epochs, []

    def suggest(self):
        if self.waiting:
            return {**self.waiting.pop(0), "max_epochs": self.max_epochs}
        config = self.searcher.sample_configuration()
        return None if config is None else {**config, "max_epochs": max(1, self.max_epochs // 3)}

    def update(self, config, error, info=None):
        self.searcher.update(config, error, additional_info=info)
        if config["max_epochs"] < self.max_epochs and math.isfinite(error):
            self.waiting.append({name: value for name, value in config.items() if name != "max_epochs"})
