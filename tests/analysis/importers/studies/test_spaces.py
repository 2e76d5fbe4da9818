"""The one space of many trials."""

import pytest

from analysis.importers.studies.spaces import joined_space

FLOAT = {"kind": "float", "low": 0.0, "high": 1.0, "log": False}
INT = {"kind": "int", "low": 1, "high": 4, "log": True}
CHOICE = {"kind": "categorical", "choices": ["a", 1]}


@pytest.mark.parametrize(
    ("spaces", "expected"),
    [
        ([], None),
        ([{}, {}], None),
        ([{"x": FLOAT}, {"x": FLOAT}], {"x": FLOAT}),
        ([{"x": FLOAT}, {}], {"x": FLOAT | {"optional": True}}),
        ([{"x": FLOAT}, {"x": FLOAT | {"low": -2.0, "high": 0.5}}], {"x": FLOAT | {"low": -2.0}}),
        ([{"x": FLOAT}, {"x": INT}], {"x": {"kind": "float", "low": 0.0, "high": 4, "log": False}}),
        (
            [{"x": CHOICE}, {"x": CHOICE | {"choices": [True, 1, 1.0]}}],
            {"x": CHOICE | {"choices": ["a", 1, True, 1.0]}},
        ),
        ([{"x": FLOAT}, {"x": CHOICE}], None),
        ([{"x": FLOAT | {"when": {"parent": "k", "values": [1]}}}, {"y": INT}], {
            "x": FLOAT | {"optional": True}, "y": INT | {"optional": True},
        }),
    ],
)  # fmt: skip
def test_the_least_space_that_holds_all(spaces, expected):
    """Bounds widen, choices are joined by type and value, and what some trial lacks is optional."""
    assert joined_space(spaces) == expected
