"""Known fronts beside the plan: what is written, and what is no front."""

from dataclasses import dataclass

import numpy as np
import pytest

from benchmark.errors import BadInput
from benchmark.result_folder.front_files import encode_fronts, write_fronts
from tests.benchmark.fakes.metric_toy import MetricToy


@dataclass(frozen=True, kw_only=True)
class Known(MetricToy):
    """Knows its front, or says so."""

    points: object = None

    def front(self):
        return self.points() if callable(self.points) else self.points


def test_a_front_is_a_column_for_each_optimised_metric(tmp_path):
    """Numbers are written so that they come back to the bit; an objective without a front has no file."""
    points = np.array([[1 / 3, 2.0], [100.0, 2000.0]])
    fronts = encode_fronts({"known": Known(points=points), "unknown": Known()})
    write_fronts(tmp_path, fronts)
    (path,) = (tmp_path / "fronts").iterdir()
    header, *rows = path.read_text().splitlines()
    assert (path.name, header) == ("known.csv", "accuracy,parameters")
    assert np.array_equal([list(map(float, row.split(","))) for row in rows], points)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([1.0, 2.0], r"objectives\.x: front of shape \(2,\): need 1 to 1000 rows of 2 numbers: accuracy, parameters"),
        ([[1.0]], r"front of shape \(1, 1\)"),
        (np.zeros((0, 2)), r"front of shape \(0, 2\)"),
        (np.zeros((1001, 2)), r"front of shape \(1001, 2\)"),
        ([[1.0, np.nan]], "numbers that are not finite"),
        ([["low", "high"]], "objectives.x: front: ValueError"),
        (lambda: 1 / 0, "objectives.x: front: ZeroDivisionError"),
    ],
)
def test_what_is_no_front_is_refused(points, message):
    """Before anything is written, with the shape that is needed."""
    with pytest.raises(BadInput, match=message):
        encode_fronts({"x": Known(points=points)})
