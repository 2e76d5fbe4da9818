"""Texts that fit: no line is wider than its room, letters are lost only in the middle, and names stay different."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.figures.labels import ELLIPSIS, SMALL, fit, fit_all, width

TEXTS = st.text(string.ascii_letters + string.digits + " -_/,.W", min_size=1, max_size=80)


@given(TEXTS, st.floats(0.3, 3.0), st.integers(1, 5))
def test_no_line_is_wider_than_its_room(text, room, lines):
    """Parts that are too long are broken between letters, and there are no more lines than asked for."""
    fitted = fit(text, room, SMALL, lines).split("\n")
    assert len(fitted) <= lines
    assert all(width(line, SMALL) <= room for line in fitted)


@given(TEXTS, st.floats(0.3, 3.0))
def test_without_a_limit_no_letter_is_lost(text, room):
    """A text is broken into as many lines as it needs; at breaks, and there alone, spaces go."""
    assert fit(text, room, SMALL).replace("\n", "").replace(" ", "") == text.replace(" ", "")


def test_what_is_left_out_is_in_the_middle():
    """Both ends of a long name are kept, for labels differ there."""
    fitted = fit("random-search-of-configuration-01", 1.0, SMALL, 1)
    assert fitted.startswith("rand")
    assert fitted.endswith("01")
    assert ELLIPSIS in fitted


@pytest.mark.parametrize("text", ["", "a", "a b", "one-two_three/four"])
def test_what_fits_stays(text):
    """A short text is not touched."""
    assert fit(text, 3.0, SMALL) == text


def test_names_that_differ_in_the_middle_stay_different():
    """Shortened names that would be the same are numbered; the same name twice is not."""
    names = [f"{'x' * 30}{middle}{'x' * 30}" for middle in "abc"]
    assert len(set(fit_all(names, 1.0, SMALL, 1))) == 3
    assert fit_all(["", "", "short"], 1.0, SMALL, 1) == ["", "", "short"]
