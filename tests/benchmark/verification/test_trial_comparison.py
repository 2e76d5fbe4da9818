"""The verdict on a trial: equal to the bit, told in rows where errors are counts, different where there is none."""

import pytest

from benchmark.verification.trial_comparison import RetrainedTrial, compare_trial, equal_bits, exception_type, total_of


@pytest.mark.parametrize(("rows", "wrong"), [(360, [1, 7, 36]), (1797, [2, 3]), (10_000, [1]), (997, [5])])
def test_the_number_of_rows_is_told_from_errors(rows, wrong):
    """The least total that makes all errors exact counts divides the set's rows."""
    total = total_of([count / rows for count in wrong])
    assert rows % total == 0
    assert all(count * total % rows == 0 for count in wrong)


@pytest.mark.parametrize("errors", [[], [0.0], [0.1234567890123], [1.5], [-0.1], [1 / 999_983, 1 / 999_979]])
def test_errors_that_are_no_counts_have_no_rows(errors):
    """Noise, errors outside 0..1 and impossible totals are not taken for counts."""
    assert total_of(errors) is None


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
    """Without a training there is no verdict but different, and why is told."""
    record = {"index": 0, "start_epoch": 0, "epochs": 1, "asked_epochs": 1, "state": "ok"}
    record |= {"valid_error": 0.5, "test_error": 0.5, "valid_curve": [0.5], "test_curve": [0.5]}
    verdict = compare_trial([record], RetrainedTrial(curve={}, ends={}, problem="it raised"), 1.0, (None, None))
    assert (verdict.verdict, verdict.divergence.field, verdict.divergence.now) == ("different", "state", "it raised")
