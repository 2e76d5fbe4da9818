"""CSV files of trials, imported by a mapping: curves by hand, groups, own runs beside them, and refusals."""

import numpy as np
import pytest

from analysis.__main__ import main
from analysis.loading.results import load

HEAD = "who,run,trial,epoch,lr,kind,loss,accuracy,minutes,state\n"
ROWS = """\
a,1,0,0,0.1,sgd,0.9,0.1,1.5,ok
a,1,0,1,0.1,sgd,0.5,0.5,2.5,ok
a,1,1,0,0.01,adam,0.2,0.3,2.0,pruned
a,2,0,0,0.1,sgd,0.8,0.2,1.0,ok
a,2,1,0,0.3,,nan,0.2,3.0,ok
b,1,0,0,0.1,sgd,0.9,0.1,1.5,ok
b,2,0,0,0.2,sgd,0.6,0.1,1.7,crashed
b,2,1,0,0.2,sgd,0.7,0.1,1.9,ok
"""
MAPPING = """\
algorithm = "who"
repetition = "run"
trial = "trial"
epoch = "epoch"
epochs_from = 0
state = "state"
seconds = { column = "minutes", unit = "min" }
[hyperparameters]
lr = { column = "lr", kind = "float", low = 0.001, high = 1, log = true }
kind = { column = "kind", kind = "categorical", choices = ["sgd", "adam"] }
[metrics]
loss = { column = "loss", goal = "min" }
accuracy = { column = "accuracy", goal = "max" }
"""
SIMPLE = '[hyperparameters]\nx = "x"\n[metrics]\nloss = { column = "loss", goal = "min" }\n'


def import_csv(folder, text, mapping, *options):
    """Write a file and its mapping, and import it as `mine`."""
    folder.mkdir(exist_ok=True)
    (folder / "rows.csv").write_text(text)
    (folder / "rows.toml").write_text(mapping)
    words = ["import", "mine", str(folder / "rows.csv"), "--mapping", str(folder / "rows.toml")]
    return main([*words, "--results", str(folder / "results"), "--quiet", *options])


def curves(folder, name="mine"):
    """Times and values of every run, by algorithm and repetition."""
    results = load(folder / "results" / name)
    found = {(run.algorithm, run.repetition): results.curves([run], "runtime")[0] for run in results.runs}
    return {place: (curve.t.tolist(), curve.valid.tolist()) for place, curve in found.items()}


def test_epochs_states_and_repetitions_of_the_file(tmp_path):
    """Reports are credited when they came, pruned and failed trials are no incumbents, repetitions are pairs."""
    assert import_csv(tmp_path, HEAD + ROWS, MAPPING) == 0
    found = curves(tmp_path)
    assert found["a", 0] == ([90.0, 150.0], [0.9, 0.5])
    assert found["a", 1] == ([60.0, 180.0], [0.8, 0.8])
    assert found["b", 0] == ([90.0], [0.9])
    np.testing.assert_equal(found["b", 1], ([102.0, 114.0], [np.nan, 0.7]))
    results = load(tmp_path / "results" / "mine")
    assert results.plan.paired
    assert results.evaluations["state"].value_counts().to_dict() == {
        **{"ok": 5, "error": 2, "pruned": 1, "diverged": 0},
        **{"crashed": 0, "timeout": 0},
    }
    assert results.evaluations["decide_seconds"].isna().all()


def test_another_metric_may_choose(tmp_path):
    """`--metric accuracy` makes it the first, which is maximised."""
    import_csv(tmp_path, HEAD + ROWS, MAPPING, "--metric", "accuracy")
    assert curves(tmp_path)["a", 0] == ([90.0, 150.0], [-0.1, -0.5])


@pytest.mark.parametrize(
    ("columns", "times", "expected"),
    [
        ('seconds = { column = "t", per = "training" }', ["2", "3", "1"], [2.0, 5.0, 6.0]),
        ('time = "t"', ["2024-01-01T00:00:00", "2024-01-01T00:01:00Z", "2024-01-01 01:01:00+01:00"], [0.0, 60.0, 60.0]),
        ('time = "t"', ["1700000000.5", "1700000002", "1700000001"], [0.0, 0.5, 1.5]),
        ('seconds = "t"\ndecimal = ","\nseparator = ";"', ["1,5", "2,5", "3,5"], [1.5, 2.5, 3.5]),
    ],
)
def test_what_times_may_be(columns, times, expected, tmp_path):
    """Durations one after another, timestamps with or without a zone, and decimal commas; no space is made up."""
    separator = ";" if "separator" in columns else ","
    rows = [["x", "loss", "t"], *(["1", "0", time] for time in times)]
    text = "\n".join(separator.join(row) for row in rows) + "\n"
    assert import_csv(tmp_path, text, f"{columns}\n{SIMPLE}") == 0
    assert curves(tmp_path)["csv", 0][0] == expected
    assert load(tmp_path / "results" / "mine").plan.objectives[0].space == ()


def test_groups_say_what_studies_are(tmp_path):
    """Named groups give algorithm, objective and repetition, whose numbers are sorted as numbers."""
    names = [f"{task}_{name}_{rep}" for task in ("t1", "t2") for name in ("tpe", "random") for rep in (2, 10)]
    text = "study,x,loss,t\n" + "".join(f"{name},1,{place},1\n" for place, name in enumerate([*names, "other"]))
    mapping = f'study = "study"\nseconds = "t"\n{SIMPLE}'
    group = r"(?P<objective>t\d)_(?P<algorithm>[a-z]+)_(?P<rep>\d+)"
    assert import_csv(tmp_path, text, mapping, "--group", group) == 0
    results = load(tmp_path / "results" / "mine")
    found = {(run.objective, run.algorithm, run.repetition): run for run in results.runs}
    expected = [("t1", "tpe", 0), ("t1", "tpe", 1), ("t1", "random", 0), ("t1", "random", 1)]
    values = [float(results.evaluations["valid_error"].iloc[found[place].rows.start]) for place in expected]
    assert values == [0.0, 1.0, 2.0, 3.0]
    assert results.plan.paired
    assert any("1 studies that no --group matches" in note for note in results.plan.imported.notes)


def test_without_groups_studies_are_repetitions_and_no_pairs(tmp_path):
    """They come in the order of their names; a pattern without a group for the algorithm leaves its name."""
    text = "study,x,loss,t\n" + "".join(f"tpe-{rep},1,{rep},1\n" for rep in (10, 9, 1))
    mapping = f'study = "study"\nseconds = "t"\n{SIMPLE}'
    import_csv(tmp_path, text, mapping)
    assert {place: values for place, (_, values) in curves(tmp_path).items()} == {
        ("csv", 0): [1.0], ("csv", 1): [9.0], ("csv", 2): [10.0],
    }  # fmt: skip
    assert not load(tmp_path / "results" / "mine").plan.paired
    assert import_csv(tmp_path, text, mapping, "--group", r"tpe-(?P<rep>\d+)") == 0
    assert list(curves(tmp_path)) == [("tpe", 0), ("tpe", 1), ("tpe", 2)]


def test_what_a_spreadsheet_adds_is_no_row(tmp_path):
    """A byte order mark, a line that names the separator, blanks after it, empty rows, and what is not available."""
    text = "\ufeffsep=;\r\nwho; x;loss;t\r\na;0,5;0,25;1\r\na;0,75;#N/A;2\r\n;;;\r\n"
    assert import_csv(tmp_path, text, f'study = "who"\nseconds = "t"\ndecimal = ","\n{SIMPLE}') == 0
    ((_, (times, values)),) = curves(tmp_path).items()
    assert (times, values) == ([1.0, 2.0], [0.25, 0.25])
    frame = load(tmp_path / "results" / "mine").evaluations
    assert frame["state"].tolist() == ["ok", "error"]


def test_seeds_make_pairs(tmp_path):
    """Where all algorithms have the same seeds, equal ones are the same repetition."""
    text = "who,seed,x,loss,t\n" + "".join(f"{who},{seed},1,{seed},1\n" for who in "ab" for seed in (5, 3))
    import_csv(tmp_path, text, f'algorithm = "who"\nseed = "seed"\nseconds = "t"\n{SIMPLE}')
    assert {place: values for place, (_, values) in curves(tmp_path).items()} == {
        ("a", 0): [3.0], ("a", 1): [5.0], ("b", 0): [3.0], ("b", 1): [5.0],
    }  # fmt: skip
    assert load(tmp_path / "results" / "mine").plan.paired


@pytest.mark.parametrize(
    ("text", "mapping", "options", "told"),
    [
        (HEAD + ROWS, MAPPING.replace('"loss", goal', '"lozz", goal'), [], "'lozz' is not there"),
        (HEAD + ROWS, MAPPING.replace('goal = "min"', 'goal = "low"'), [], "metrics.loss.goal = 'low'"),
        (HEAD + ROWS, MAPPING.replace("epochs_from", "epoch_from"), [], "epoch_from"),
        (HEAD + ROWS, MAPPING, ["--group", "a-.*"], "need a group that tells repetitions apart"),
        (HEAD + ROWS, MAPPING, ["--group", "(?P<rep>"], "no regular expression"),
        (HEAD + ROWS, MAPPING, ["--group", r"(?P<rep>\d)(?P<algoritm>.)"], 'did you mean "algorithm"'),
        (HEAD + ROWS, MAPPING, ["--group", r"c-(?P<rep>\d+)"], "no pattern matches"),
        (HEAD + ROWS, MAPPING, ["--group", r"(?P<rep>[ab])(?P<algorithm>-)\d"], "need one study for each repetition"),
        (HEAD + ROWS, MAPPING, ["--metric", "los"], 'did you mean "loss"'),
        (HEAD + ROWS, MAPPING, ["--tool", "optun"], 'did you mean "optuna"'),
        (HEAD + ROWS.replace(",2.5,", ",0.5,"), MAPPING, [], "need times that go forward"),
        (HEAD + ROWS.replace(",2.5,", ",,"), MAPPING, [], "line 3: minutes = '': need a time"),
        (
            "who;x;loss;t\na;1;1.234,5;1\n",
            f'study = "who"\nseconds = "t"\ndecimal = ","\n{SIMPLE}',
            [],
            "line 2: loss = '1.234,5': need a number",
        ),
        (HEAD + ROWS.replace(",0.9,", ",high,"), MAPPING, [], "line 2: loss = 'high'"),
        (HEAD + ROWS.replace("crashed", "strange"), MAPPING, [], "say in [states]"),
        (HEAD + ROWS.replace("ok", "running"), MAPPING, [], "no trial of it has ended"),
        (HEAD + ROWS.replace("ok", "failed"), MAPPING, [], "there is nothing to compare"),
        (HEAD + ROWS.replace("a,1,0,1,", "a,1,0,"), MAPPING, [], "9 cells"),
        (HEAD, MAPPING, [], "there is no row"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(text, mapping, options, told, tmp_path, capsys):
    """Exit code 2, one message that says what is wrong, and nothing is written."""
    assert import_csv(tmp_path, text, mapping, *options) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert told in message
    assert not (tmp_path / "results").exists()


def test_an_earlier_import_is_replaced_and_other_results_are_not(tmp_path, capsys):
    """A second import takes the first one's place; a folder with anything else in it is left alone."""
    import_csv(tmp_path, HEAD + ROWS, MAPPING)
    folder = tmp_path / "results" / "mine"
    (folder / "tables").mkdir()
    import_csv(tmp_path, HEAD + ROWS.replace("b,", "c,"), MAPPING)
    assert [path.name for path in sorted(folder.glob("runs/mine/*"))] == ["a", "c"]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["mine"]
    assert (folder / "tables").is_dir()
    (folder / "suite.json").unlink()
    assert import_csv(tmp_path, HEAD + ROWS, MAPPING) == 2
    assert "holds something that was not imported" in capsys.readouterr().err
