"""A closed form on a space of any kinds of hyperparameters, with errors of any size and sign."""

from dataclasses import dataclass

from scipy import stats

from objectives.closed_form.functions import ClosedForm
from objectives.space import Categorical, Condition, Config, Integer, Ordinal, Space

KINDS = {
    "float": stats.uniform(-3, 6),
    "log": stats.loguniform(1e-9, 1e3),
    "int": stats.randint(-2, 40),
    "logint": Integer(1, 1000, log=True),
    "choice": Categorical(["relu", "a long name of a choice", "=1"]),
    "mixed": Categorical([None, 1, "one", 0.5]),
    "bool": Categorical([False, True]),
    "order": Ordinal([16, 32, 64]),
    "normal": stats.norm(0, 1),
    "single": Categorical(["only"]),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSpace(ClosedForm):
    """The mean of the configuration's coordinates in the unit cube, stretched and moved.

    Args:
        kinds: of its hyperparameters, from `KINDS`.
        conditional: whether the last one counts for some values of a choice before it.
        size: how far errors are apart.
        least: the least error.
    """

    kinds: tuple[str, ...] = ("float",)
    conditional: bool = False
    size: float = 1.0
    least: float = 0.0

    @property
    def space(self) -> Space:
        axes = {f"{kind}.{place}": KINDS[kind] for place, kind in enumerate(self.kinds)}
        if not self.conditional:
            return Space(axes)
        parent, child = {"parent": Categorical(["a", "b"])}, {"child": stats.uniform(0, 1)}
        return Space({**parent, **axes, **child}, {"child": Condition(parent="parent", values=("b",))})

    @property
    def optimum(self) -> float:
        return self.least

    @property
    def chance_error(self) -> float:
        return self.least + self.size

    @property
    def scale(self) -> float:
        return self.size

    def value(self, config: Config) -> float:
        unit = self.space.encode(config)
        return self.least + self.size * float(unit.mean())
