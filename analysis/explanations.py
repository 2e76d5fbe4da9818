"""What each kind of figure shows, in words: captions beside figures and the texts of the report are made of these."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from analysis.loading.metric import FRONT
from analysis.loading.results import Results
from analysis.many_tasks.profiles import TARGET

HYPERVOLUME = "hypervolume_"
"""What the kinds of figures of hypervolumes begin with."""

OF_MANY_TASKS: Mapping[str, str] = {
    "win_rates": (
        "In how many per cent of the repetitions of all tasks, each task with the same weight, the algorithm on the "
        "left is ahead of the one above; ties count half. Blue: ahead. Asterisk: the 95 % interval, which resamples "
        "tasks and repetitions, excludes 50 %. Ordered by mean rank."
    ),
    "mean_ranks": (
        "Ranked within every task and repetition, ties share; runs without a result share the last rank. The "
        "intervals resample tasks and repetitions: they say what other tasks of this kind would show. Intervals that "
        "overlap do not mean that two do not differ; win rates compare two."
    ),
    "ratings": (
        "Bradley and Terry's model of who beats whom in a repetition of a task, ties count half. 100 points more: "
        "ahead in 64 % of the repetitions; 200: in 76 %. The mean is 1500. Intervals (95 %) resample tasks and "
        "repetitions. A further algorithm moves all ratings."
    ),
    "performance_profiles": (
        f"The share of tasks and repetitions in which an algorithm reaches a normalised regret of {TARGET:g} in at "
        "most so many times the time of the fastest one. On the left edge: how often it is the fastest; at the right "
        "end: how often it reaches the target at all. A further algorithm may move all profiles."
    ),
    "data_profiles": (
        f"The share of tasks and repetitions in which an algorithm reaches a normalised regret of {TARGET:g} within "
        "so many typical trainings of the task. No other algorithm moves a line."
    ),
    "rank_over_budget": (
        "Ranked within every task and repetition at the same share of the budget; what has no result yet shares the "
        "last rank. Where lines cross, the best choice depends on how much may be spent."
    ),
    "advice": (
        "For each kind of tasks and share of the budget the algorithm of the best mean rank; not worse: others whose "
        "mean rank is not shown to be worse. One task at a time is left out, the advice is made from the others, and "
        "followed on it: where that is no better than always the same algorithm, one algorithm for all tasks does as "
        "well."
    ),
}
"""Explanations of figures of many tasks where repetitions are pairs."""

OF_SAMPLES: Mapping[str, str] = {
    "win_rates": (
        "In how many per cent of all pairs of a run of the algorithm on the left and one of that above the former is "
        "ahead, each task with the same weight; ties count half. Blue: ahead. Asterisk: the 95 % interval, which "
        "resamples tasks and each algorithm's runs, excludes 50 %. Ordered by mean rank."
    ),
    "mean_ranks": (
        "The rank to expect on a task when a run of every algorithm is drawn, each by itself, for nothing says which "
        "repetitions are pairs; runs without a result share the last rank. The intervals resample tasks and each "
        "algorithm's runs: they say what other tasks of this kind would show."
    ),
    "ratings": (
        "Bradley and Terry's model of whose run is ahead when one of each of two algorithms is drawn, ties count half. "
        "100 points more: ahead in 64 % of such draws; 200: in 76 %. The mean is 1500. Intervals (95 %) resample tasks "
        "and each algorithm's runs. A further algorithm moves all ratings."
    ),
    "rank_over_budget": (
        "The rank to expect on a task, at the same share of the budget, when a run of every algorithm is drawn, each "
        "by itself; what has no result yet shares the last rank."
    ),
}
"""Those of them that differ where nothing says which repetitions are pairs."""


def explain_many_tasks(kind: str, *, paired: bool = True) -> str:
    """Say what a figure of many tasks shows.

    Args:
        kind: a key of `OF_MANY_TASKS`.
        paired: whether the same repetition of two algorithms is a pair.
    """
    return OF_MANY_TASKS[kind] if paired else OF_SAMPLES.get(kind, OF_MANY_TASKS[kind])


def explain(kind: str, results: Results) -> str:
    """Say in whole sentences what a kind of figure shows and how to read it.

    Args:
        kind: a key of `EXPLANATIONS`; a figure of hypervolumes may be named by its own kind, as `hypervolume_targets`.
        results: for the names of metrics, the control and the pairing; those of the hypervolumes for their figures.
    """
    known = "anytime" if kind == "hypervolume" else kind.removeprefix(HYPERVOLUME)
    return EXPLANATIONS[known](results)


def explain_map(control: str, *, paired: bool = True) -> str:
    """Say what the map of tasks and algorithms shows.

    Args:
        control: what the algorithms are held against.
        paired: whether the same repetition of two algorithms is a pair.
    """
    test = "repetition by repetition (Wilcoxon" if paired else "by all of their runs (Mann-Whitney"
    return (
        "Median over repetitions of the normalised regret at the end of the budget: 0 is the best there is, 1 what one "
        f"random trial gives. \u25b2 better and \u25bc worse than {control} on the task, {test}, "
        "Holm over the algorithms of the task, 5 %). No number: the task has no known best. Algorithms are "
        "ordered by mean rank, the best on the left."
    )


def ahead(results: Results, negative: str, positive: str, *, of_endpoint: bool = False) -> str:
    """Say what the sign of a difference means: one text where lower values are better, the other where higher ones are.

    Args:
        results: for the objectives.
        negative: in words, where a negative difference is an advantage.
        positive: where a positive one is.
        of_endpoint: the difference is that of the endpoint; of scores a negative one always is.
    """
    higher = {
        entry.metric.maximised and not (of_endpoint and results.endpoint_of(entry.label) == "score")
        for entry in results.plan.objectives
    }
    if len(higher) == 1:
        return positive if higher.pop() else negative
    return f"where lower is better {negative}, and where higher is better {positive}"


def _of_fronts(results: Results) -> bool:
    return any(objective.metric.selected == FRONT for objective in results.plan.objectives)


def _anytime(results: Results) -> str:
    steps = (
        "A line is the mean over repetitions, a band the standard deviation to either side of it. Steps are exact: a "
        "trial counts when it completes{feasible}. A line begins when the last of the runs has its first result, and "
        "ends where a run ended without finishing; the strip below says how many runs are defined."
    )
    if _of_fronts(results):
        return (
            "How much of the space between the ideal and the reference point the front of a run dominates. Both "
            "points are declared with the objective. Test values are those of the front that was selected by "
            f"validation. {steps.format(feasible=', if it keeps the constraints')}"
        )
    name = results.plan.metric_name
    return (
        f"The {name} of the incumbent, the best configuration completed so far by its validation {name}. "
        f"{steps.format(feasible='')}"
    )


def _overview(results: Results) -> str:
    what = "hypervolume of the front" if _of_fronts(results) else f"{results.plan.metric_name} of the incumbent"
    return f"The {what} over the runtime of a run, a panel for each objective, a line for each algorithm."


def _difference(results: Results) -> str:
    plan = results.plan
    mean = "the mean over paired repetitions" if plan.paired else "the difference of the means over all runs, unpaired"
    name = plan.metric_name
    return (
        f"{name[0].upper()}{name[1:]} of each algorithm less that of the one it is held against, {mean}: "
        f"{ahead(results, 'below zero it is ahead', 'above zero it is ahead')}. The 95 % band is simultaneous: it "
        "holds for the whole curve at once, for each pair by itself. Bars below say where it excludes zero."
    )


def _targets(results: Results) -> str:
    plan = results.plan
    reached = "errors" if plan.metric_name == "error" else f"values of the {plan.metric_name}"
    return (
        f"When runs reach a target. Targets are the {reached} that {plan.control} reaches on average at a quarter, "
        "half, three quarters and all of its course, or those that the suite declares."
    )


def _scores(results: Results) -> str:
    if _of_fronts(results):
        return (
            "The mean of the hypervolume from 0 to the end of the budget: 1 is to dominate everything between the "
            "ideal and the reference point at once, 0 nothing. Higher is better. Bars: 95 % of the mean."
        )
    plan = results.plan
    ends = {plan.horizon(objective.label) for objective in plan.objectives}
    end = f"{ends.pop():g}" if len(ends) == 1 else "the end of the budget"
    return (
        f"How good the incumbent was on average from 0 to {end} ({plan.axis}): 1 is the best {plan.metric_name} there "
        "can be, 0 that of knowing nothing, on a scale stored with the objective. Higher is better. Bars: 95 % of the "
        "mean."
    )


def _importance(results: Results) -> str:
    return (
        f"The share of the variance of the validation {results.plan.metric_name} that each hyperparameter explains "
        "alone (fANOVA, over fully trained evaluations of all algorithms); bars: ± 1 standard deviation over forests. "
        "What is missing to 1 is interaction and noise."
    )


def _curves(results: Results) -> str:
    return (
        f"Learning curves of one repetition: every line is a trial, its {results.plan.metric_name} after each epoch; "
        "drawn strongly the final incumbent of the run."
    )


def _landscape(results: Results) -> str:
    return (
        f"Every point is an evaluation: where an algorithm looked, and the validation {results.plan.metric_name} that "
        "it found there."
    )


def _parallel(results: Results) -> str:
    return (
        f"Every line is a configuration, from the first hyperparameter to its validation {results.plan.metric_name} "
        "on the right."
    )


def _recheck(results: Results) -> str:
    what = "best of many noisy values" if results.plan.declares_metrics else "least of many noisy errors"
    return (
        f"The {what} was partly lucky: each run's final incumbent as the run reports it, and trained again with fresh "
        "seeds. Gaps below the noise floor, the standard deviation of one configuration trained again, are called ties."
    )


def _gap(results: Results) -> str:
    name = results.plan.metric_name
    return f"The validation {name} by which every final incumbent was selected, and its test {name}."


def _seed_optimism(results: Results) -> str:
    name = results.plan.metric_name
    return f"How much better the selected {name} reads on its own seed than on the other seeds of the table."


def _of_many_tasks(kind: str) -> Callable[[Results], str]:
    return lambda results: explain_many_tasks(kind, paired=results.plan.paired)


def _said(text: str) -> Callable[[Results], str]:
    """An explanation that is the same for all suites."""
    return lambda results: text


EXPLANATIONS: Mapping[str, Callable[[Results], str]] = {
    "anytime": _anytime,
    "trials": _anytime,
    "overview": _overview,
    "learning_rate": _landscape,
    "landscape": _landscape,
    "parallel": _parallel,
    "difference": _difference,
    "targets": _targets,
    "scores": _scores,
    "importance": _importance,
    "curves": _curves,
    "timeline": _said("Every bar is an evaluation, a row a worker, on the suite's clock, in one repetition."),
    "recheck": _recheck,
    "gap": _gap,
    "seed_optimism": _seed_optimism,
    "overhead": _said(
        "Deciding is what the algorithm spent choosing, training what the trainings took; charged is what the suite's "
        "clock says, paid what was really spent: a training that several runs asked for is paid once."
    ),
    "violation": _said(
        "The least violation of the constraints so far, that is, what lies beyond the bounds: median and quartiles "
        "over runs; 0 from the first feasible trial on."
    ),
    "critical": _said(
        "Mean ranks of the algorithms over objectives; bars join what Nemenyi's test does not tell apart."
    ),
    "front": _said(
        "The trade-offs that were reached. Line: the median attainment surface, behind which, away from the better "
        "values, half of the runs have a configuration that is at least as good in both metrics; band: 25 to 75 % of "
        "the runs."
    ),
    "task_map": lambda results: explain_map(results.plan.control, paired=results.plan.paired),
    **{kind: _of_many_tasks(kind) for kind in OF_MANY_TASKS},
}
"""What each kind of figure shows; the kinds are those of the files' names."""
