"""When the last worker is through."""

import pytest

from benchmark.driver.time_left.schedule import MOST_GROUPS, last_end


@pytest.mark.parametrize(
    ("in_flight", "waiting", "workers", "seconds"),
    [
        ([], [], 2, 0.0),
        ([3.0], [], 2, 3.0),
        ([3.0, 1.0], [4.0], 2, 5.0),
        ([], [1.0, 1.0, 1.0], 2, 2.0),
        ([], [1.0, 1.0, 5.0], 2, 6.0),
        ([2.0, 2.0], [1.0], 8, 2.0),
        ([1.0, 2.0, 3.0], [1.0], 2, 3.0),
    ],
)
def test_groups_go_to_the_worker_that_is_free_first(in_flight, waiting, workers, seconds):
    """In their order; the last ones do not fill all workers."""
    assert last_end(in_flight, waiting, workers) == seconds


def test_many_groups():
    """Those before the last ones are shared out evenly."""
    assert last_end([], [1.0] * (10 * MOST_GROUPS), 4) == pytest.approx(10 * MOST_GROUPS / 4)
