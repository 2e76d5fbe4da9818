"""Which fields of a recorded machine card are held against this machine."""

import pytest

from benchmark.verification.recorded_runs import recorded_fields

NOW = {
    "torch": "2.0",
    "device": "cpu",
    "cpu_capability": "AVX512",
    "settings": {"flush_denormal": False, "mkldnn": True},
}


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        pytest.param({"torch": "1.0"}, {"torch": ("1.0", "2.0")}, id="run on a table: no device"),
        pytest.param({"device": "cuda"}, {"device": ("cuda", "cpu")}, id="another device"),
        pytest.param({"device": "cuda", "cudnn": 9}, {"device": ("cuda", "cpu"), "cudnn": (9, None)}, id="gone"),
        pytest.param({"jobs": 4, "route": "stacked"}, {}, id="decides no bits"),
        pytest.param({"settings": {"mkldnn": False}}, {"settings.mkldnn": (False, True)}, id="fewer settings"),
    ],
)
def test_what_a_ledger_does_not_record_is_no_difference(card, expected):
    """Fields are compared that the card has, nested settings by name."""
    assert recorded_fields(card, NOW) == expected


def test_switches_that_were_not_set_are_known():
    """They are recorded only where there are any: without the field there were none."""
    switches = {"MKL_CBWR": "AVX2"}
    assert recorded_fields({}, NOW | {"switches": switches}) == {"switches": (None, switches)}
