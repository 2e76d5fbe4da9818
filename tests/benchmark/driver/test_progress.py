"""What the progress of a suite shows of metrics."""

from types import SimpleNamespace

from rich.console import Console

from benchmark.driver.progress import LiveBar, PlainLines
from benchmark.tuning.run_report import RunReport
from objectives.metric import Metric

METRICS = {"error": Metric("error"), "accuracy": Metric("accuracy", goal="max", unit="[b]%[/b]")}


def reports():
    """A suite of an error and an accuracy, and a report on a run of each: 0.25, and 93.5."""
    entries = [SimpleNamespace(label=label) for label in METRICS]
    algorithms = [SimpleNamespace(label="random")]
    runs = [SimpleNamespace(objective=entry, algorithm=algorithms[0], repetition=3) for entry in entries]
    found = [
        RunReport(run=run, state="done", evaluations=1, best_error=error, metric=metric)
        for run, metric, error in zip(runs, METRICS.values(), (0.25, -93.5), strict=True)
    ]
    return SimpleNamespace(name="suite", objectives=entries, algorithms=algorithms), found


def test_a_line_has_the_best_value_of_the_metric(capsys, tmp_path):
    """In its own direction and unit, under its own name."""
    suite, found = reports()
    for report in found:
        lines = PlainLines()
        lines.start(suite, tmp_path, [], [report.run])
        lines.run_ended(report)
    output = capsys.readouterr().out
    assert "error/random 003: best error 0.25\n" in output
    assert "accuracy/random 003: best accuracy 93.5 [b]%[/b]\n" in output


def test_the_bar_has_it_too(tmp_path):
    """A unit is no markup there."""
    suite, found = reports()
    bar = LiveBar()
    super(LiveBar, bar).start(suite, tmp_path, [], [report.run for report in found])
    bar.suite = suite
    for report in found:
        bar.run_ended(report)
    console = Console(width=120, force_terminal=False)
    with console.capture() as shown:
        console.print(bar._draw())
    assert "0.25 (1)" in shown.get()
    assert "accuracy 93.5 [b]%[/b] (1)" in shown.get()
