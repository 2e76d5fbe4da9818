"""The four tables of the runs themselves, for tests that read them together."""

from analysis.tables.basic import all_of_runs, runs_table, summary_table, trajectory_table, trials_table


def tabulate(results):
    """The four tables by name."""
    runs = all_of_runs(results)
    own = {"runs": runs_table(results, runs), "summary": summary_table(results, runs)}
    return own | {"trials": trials_table(results), "trajectory": trajectory_table(results)}
