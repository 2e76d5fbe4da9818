"""What a plan says of imported studies: the unit of their clocks."""

import pytest

from analysis.imported import Imported
from analysis.importers.readers import hyperopt, nevergrad, ray_tune, smac, syne_tune

SECONDS = (hyperopt.CLOCK, ray_tune.CLOCK, smac.CLOCK, syne_tune.CLOCK, syne_tune.SIMULATED)
COUNTS = (hyperopt.COUNTED, nevergrad.CLOCK, smac.COUNTED)


@pytest.mark.parametrize(
    ("clocks", "unit"), [(SECONDS, "s"), (COUNTS, "trials"), ((SECONDS[0], COUNTS[0]), "s or trials")]
)
def test_a_clock_that_counts_trials_has_no_seconds(clocks, unit):
    """Every reader's clock is one of the two, and the axis of a figure says which."""
    by_label = {f"algorithm-{place}": words for place, words in enumerate(clocks)}
    imported = Imported(matching="", paired=False, clocks=by_label, studies=(), notes=())
    assert imported.unit == unit
