"""How far a device is ahead of the host."""

import pytest

from objectives.stacks.gpu.lead import Lead


def lead_after(pauses, step=0.5, least=4):
    """The lead of a host that leaves its device alone for so many seconds, one time after the other."""
    now = [0.0]
    lead = Lead(least=least, clock=lambda: now[0], step=step)
    for pause in pauses:
        lead.leave()
        now[0] += pause
        lead.come_back()
        now[0] += 100.0  # The time that the host spends with the device or waits for it does not count.
    return lead.steps


@pytest.mark.parametrize(
    ("pauses", "expected"),
    [
        pytest.param([], 4, id="no host known yet: the least"),
        pytest.param([0.1] * 50, 4, id="a quick host: the least"),
        pytest.param([30.0], 60, id="as long as the host was away"),
        pytest.param([3.0, 30.0, 1.0], 58, id="the longest time counts, a little less each time"),
        pytest.param([30.0, *[0.0] * 200], 4, id="until it is forgotten"),
    ],
)
def test_the_lead_follows_the_host(pauses, expected):
    """It is the longest recent pause of the host, in steps of the device."""
    assert lead_after(pauses) == expected


def test_before_a_step_is_known_the_lead_is_the_least():
    """The device has not been timed when the first round is launched."""
    assert lead_after([30.0], step=0.0) == 4
