"""The printed power of verdicts holds: differences of the printed size are found as often as it says."""

import numpy as np
import pytest

from benchmark.arena.field.field_file import KINDS, Field
from benchmark.arena.standing.standing import find_standing

TASKS, REPETITIONS = 40, 30


def invented(finals, algorithms):
    """A field of runs with one improvement each.

    Args:
        finals: (tasks, algorithms, repetitions), the errors that runs end with.
        algorithms: labels.
    """
    tasks, _, repetitions = finals.shape
    runs = finals.size
    arrays = {name: np.zeros(runs, kind) for name, kind in KINDS.items()}
    arrays |= {"starts": np.arange(runs + 1), "valid": finals.ravel(), "test": finals.ravel(), "time": np.ones(runs)}
    ends = {"best": -100.0, "typical": 100.0, "horizon": 2.0, "typical_seconds": 1.0}
    header = {
        "suite": {"name": "invented", "repetitions": repetitions},
        "objectives": [{"label": f"task{place:02d}", **ends} for place in range(tasks)],
        "algorithms": [{"label": label} for label in algorithms],
    }
    return Field(header=header, **arrays)


def verdicts(shift, seed):
    """Verdicts against the control of a method that is better by so many standard deviations of the differences."""
    rng = np.random.default_rng(seed)
    control = rng.normal(size=(TASKS, 1, REPETITIONS))
    own = control + rng.normal(loc=-shift, size=control.shape)
    standing = find_standing(invented(control, ["control"]), "own", invented(own, ["own"]))
    return standing, standing.tasks["against_control"]


@pytest.mark.slow
def test_differences_of_the_printed_size_are_found_with_the_printed_power():
    """Planted at the detectable size, eighty in a hundred tasks are claimed; with nothing planted, hardly any."""
    standing, nothing = verdicts(0.0, seed=1)
    assert (nothing != "no claim").mean() <= 0.05 + 3 * (0.05 * 0.95 / TASKS) ** 0.5
    planted = np.concatenate([verdicts(standing.detectable, seed)[1] for seed in range(2, 7)])
    error = (0.8 * 0.2 / len(planted)) ** 0.5
    assert abs((planted == "better").mean() - 0.8) < 3 * error
    assert not (planted == "worse").any()


def test_few_repetitions_say_that_they_find_nothing():
    """With three repetitions no difference can be found, and the standing says so."""
    rng = np.random.default_rng(0)
    finals = rng.normal(size=(2, 3, 3))
    standing = find_standing(invented(finals, ["a", "b", "c"]), "own", invented(finals[:, :1] - 5, ["own"]))
    assert np.isinf(standing.detectable)
    assert standing.place == 1
    assert set(standing.tasks["against_control"]) == {"no claim"}


def test_ranks_are_those_of_the_repetitions():
    """Mean ranks, win rates and places are those that one counts by hand."""
    finals = np.array([[[1.0, 2.0], [3.0, 1.0]]])
    own = np.array([[[2.0, 1.0]]])
    standing = find_standing(invented(finals, ["a", "b"]), "own", invented(own, ["own"]))
    ranks = standing.ranks.set_index("algorithm")["mean_rank"]
    assert ranks.to_dict() == {"own": 1.75, "a": 2.0, "b": 2.25}
    methods = standing.methods.set_index("method")
    assert methods["win_rate"].to_dict() == {"a": 0.5, "b": 0.75}
    assert standing.place == 1
