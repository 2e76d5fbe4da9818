"""The verdict on a trial: equal to the bit, told in rows where errors are counts, different where there is none."""

import pytest

from benchmark.verification.trial_comparison import RetrainedTrial, compare_trial, equal_bits, exception_type

RECORD = {
    "index": 0, "start_epoch": 0, "epochs": 1, "asked_epochs": 1, "state": "ok",
    "valid_error": 0.5, "test_error": 0.5, "valid_curve": [0.5], "test_curve": [0.5],
}  # fmt: skip


@pytest.mark.parametrize(("rows", "wrong"), [((300, 360), 3), (None, None)])
def test_a_difference_is_counted_in_rows_where_errors_count_rows(rows, wrong):
    """The larger of both sets' differences; without rows there is no such number."""
    again = RetrainedTrial(curve={1: (152 / 300, 183 / 360)}, ends={1: RECORD})

    compared = compare_trial([RECORD], again, 0.01, rows)

    assert (compared.verdict, compared.wrong) == ("close", wrong)
    assert compare_trial([RECORD], RetrainedTrial(curve={1: (0.5, 0.5)}, ends={1: RECORD}), 0.0, rows).wrong == 0


def test_equal_to_the_bit_is_more_than_equal():
    """The sign of zero and the kind of a number count."""
    assert equal_bits({"a": 0.1, "b": None}, {"b": None, "a": 0.1})
    assert not equal_bits(0.0, -0.0)
    assert not equal_bits(1, 1.0)
    assert not equal_bits(True, 1)


def test_what_was_raised_is_its_type():
    """Of a traceback the type counts, of a crash the signal; a text with an address in it does not."""
    assert exception_type('Traceback (most recent call last):\n  File "x", line 1\nmy.Error: at 0x7f01\n') == "my.Error"
    assert exception_type('Traceback:\n  File "x", line 1\n    f()\nValueError: two\nlines') == "ValueError"
    assert exception_type("SIGKILL") == "SIGKILL"
    assert exception_type(None) is None


def test_a_trial_that_could_not_be_trained_again_is_different():
    """Without a training there is no verdict but different, and why is reported."""
    compared = compare_trial([RECORD], RetrainedTrial(curve={}, ends={}, problem="it raised"), 1.0, None)
    assert (compared.verdict, compared.divergence.field, compared.divergence.now) == ("different", "state", "it raised")
