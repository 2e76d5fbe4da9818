"""The sample of an audit: no stratum is left out, and a larger sample holds a smaller one."""

from benchmark.verification.sampling import RecordedTrial, parse_sample


def trials():
    """Recorded trials of six cells; of one kind there is a single one."""
    cells = [(objective, algorithm) for objective in ("a", "b") for algorithm in ("x", "y", "z")]
    made = [
        RecordedTrial(objective=objective, algorithm=algorithm, kind="ok", repetition=repetition, trial=trial)
        for objective, algorithm in cells
        for repetition in range(5)
        for trial in range(10)
    ]
    return [*made, RecordedTrial(objective="b", algorithm="z", kind="crashed", repetition=0, trial=10)]


def test_a_sample_leaves_nothing_out_and_a_larger_one_holds_it():
    """Every objective, algorithm and kind is there; another seed draws others; order of the trials does not matter."""
    small, large, every = (parse_sample(text).draw(trials(), 0) for text in ("1", "40%", "all"))
    assert {(one.objective, one.algorithm, one.kind) for one in small} == {
        (one.objective, one.algorithm, one.kind) for one in trials()
    }
    assert (len(small), len(large), len(every)) == (7, 6 * 20 + 1, 301)
    assert set(small) < set(large) < set(every)
    assert parse_sample("40%").draw(reversed(trials()), 0) == large
    assert parse_sample("40%").draw(trials(), 1) != large
    assert len(parse_sample("30").draw(trials(), 0)) == 6 * 5 + 1
