"""The time left, of simulated suites on a clock of their own."""

import pytest

from benchmark.driver.time_left import TimeLeft
from benchmark.result_folder.outcomes import Outcomes
from benchmark.suite.parsing import parse

COSTS = {"branin": 1.0, "hartmann6": 9.0}
"""Real seconds of an evaluation; it is charged ten times as much."""


def simulate(budget, *, recorded=0):
    """Every moment, the time truly left and the estimate, of a suite of one worker; some work is recorded before."""
    table = {"seed": 1, "repetitions": 4, "budget": budget, "objectives": {name: {} for name in COSTS}}
    runs = list(parse("toy", {**table, "algorithms": {"random": {"searcher": "random"}}}).runs())
    outcomes, ends = Outcomes(), {}
    steps = [(run, index) for run in runs for index in range(10)]
    total = sum(COSTS[run.objective.label] for run, _ in steps[recorded:])
    left, now, seen = TimeLeft(outcomes, runs), 0.0, []
    for number, (run, index) in enumerate(steps):
        if number >= recorded:
            now += COSTS[run.objective.label]
        start = ends.get(run.path, 0.0)
        ends[run.path] = start + 10 * COSTS[run.objective.label]
        work = {"start": start, "end": ends[run.path], "start_epoch": 0, "epochs": 3}
        outcomes.add(run, {"kind": "evaluation", "index": index, "trial": index, "state": "ok", **work})
        if index == 9:
            left.end(run)
        if number >= recorded:
            seen.append((total - now, left.seconds(now)))
    return seen


@pytest.mark.parametrize("budget", [{"trials": 10}, {"evaluations": 10}, {"epochs": 30}])
@pytest.mark.parametrize("recorded", [0, 5, 25])
def test_the_estimate_is_right_once_every_objective_has_work_behind_it(budget, recorded):
    """Work in flight counts, what was recorded before does not set the pace, and until then there is none."""
    seen = simulate(budget, recorded=recorded)
    known = [(true, estimate) for true, estimate in seen if estimate is not None]
    assert len(known) > 0.6 * len(seen)
    assert [estimate for _, estimate in known] == pytest.approx([true for true, _ in known])
    assert seen[0][1] is None
