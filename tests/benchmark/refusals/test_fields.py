"""Bad fields of a suite are refused, whichever of its tables they are in."""

import pytest

from tests.benchmark.refusals.good import RUN, toml

WHOLE = ["-1", '"x"', "1.0", "true", "[1]", "{}", "nan", "-inf", "1e9", "2020-01-01", '""']
FIELDS = [
    *(("seed", value, ["seed = ", "need a whole number in 0..9223372036854775807"]) for value in WHOLE),
    ("seed", "18446744073709551616", ["seed = 18446744073709551616: need a whole number in 0.."]),
    ("seed", str(10**30), ["seed = 1000000000000000000000000000000: need"]),
    *(("repetitions", value, ["repetitions = ", "need a whole number in 1..1000"]) for value in [*WHOLE, "0", "1001"]),
    *(("n_workers", value, ["n_workers = ", "need a whole number in 1..1000"]) for value in [*WHOLE, "0", "1001"]),
    ("title", "3", ["title = 3: need a text of 1 to 300 characters"]),
    ("title", '""', ["title = '': need a text"]),
    ("title", f'"{"x" * 301}"', ["title = 'xxx", "need a text of 1 to 300"]),
    ("clock", '"modelld"', ["clock = 'modelld': not one of measured, modelled", 'did you mean "modelled"?']),
    ("clock", '"mesured"', ["clock = 'mesured'", 'did you mean "measured"?']),
    ("clock", "true", ["clock = True: not one of"]),
    ("endpoint", '"test"', ["endpoint = 'test': not one of test_error, valid_error, score", '"test_error"?']),
    ("endpoint", "1", ["endpoint = 1: not one of"]),
    ("control", '"plane"', ["control = 'plane': not one of plain", 'did you mean "plain"?']),
    ("control", "[]", ["control = []: not one of plain"]),
    ("clock", "[]", ["clock = []: not one of"]),
    *(("calibration", value, ["calibration = ", "need a text"]) for value in ("3", "true", '""', "[]", "{}", "nan")),
    ("calibration", '"nowhere"', ["calibration 'nowhere': ", "a path to a .toml file"]),
    ("calibration", '"none.toml"', ["calibration file 'none.toml': there is no such file"]),
    ("calibration", '"good.toml"', ["calibration good.toml: ", ": unknown key, allowed are format, name"]),
    ("calibratoin", '"x"', ["calibratoin: unknown key, allowed are", 'did you mean "calibration"?']),
    ("device", '"gpu"', ["device = 'gpu': not one of auto, cpu, cuda"]),
    ("device", '"cuda:0"', ["device = 'cuda:0': not one of", 'did you mean "cuda"?']),
    ("device", '"cuda"', ["device 'cuda': allowed here are cpu", "no usable GPU"]),
    ("resume", '"yes"', ["resume = 'yes': need true or false"]),
    ("resume", "1", ["resume = 1: need true or false"]),
    ("resume", "[]", ["resume = []: need true or false"]),
    ("budget", "{}", ["budget = {}: need a table with one or more of trials, evaluations, epochs, runtime"]),
    ("budget", "20", ["budget = 20: need a table"]),
    ("budget", "[20]", ["budget = [20]: need a table"]),
    ("budget", "{ trails = 1 }", ["budget.trails: unknown key, allowed are trials", 'did you mean "trials"?']),
    ("budget", "{ time = 1 }", ["budget.time: unknown key, allowed are"]),
    *(
        ("budget", f"{{ {key} = {value} }}", [f"budget.{key} = ", "need a whole number in 1.."])
        for key in ("trials", "evaluations", "epochs")
        for value in ("0", "-1", "1.5", "true", "nan", '"10"', "10000000000000")
    ),
    *(
        ("budget", f"{{ trials = 1, runtime = {value} }}", ["budget.runtime = ", "need a number of seconds > 0"])
        for value in ("0", "0.0", "-1", "nan", "inf", "-inf", "true", '"x"', "[]", "1" + "0" * 400, "1e300")
    ),
    ("objectives", "{}", ["objectives = {}: need at least one table [objectives.LABEL]"]),
    ("objectives", '"branin"', ["objectives = 'branin': need at least one table"]),
    ("objectives", "[]", ["objectives = []: need at least one table"]),
    ("algorithms", "{}", ["algorithms = {}: need at least one table [algorithms.LABEL]"]),
    ("algorithms", '["random"]', ["algorithms = ['random']: need at least one table"]),
    ("seeds", "1", ["seeds: unknown key, allowed are", 'did you mean "seed"?']),
    ("n_jobs", "1", ["n_jobs: unknown key, allowed are"]),
    ('"se\\ned"', "1", ["'se\\ned': unknown key"]),
    (f'"{"x" * 1000}"', "1", ["unknown key"]),
]


@pytest.mark.parametrize(
    ("field", "value", "fragments"), FIELDS, ids=lambda part: part[:40] if isinstance(part, str) else ""
)
def test_a_bad_field_is_refused(refused, here, field, value, fragments, monkeypatch):
    """Every field of a suite: wrong types and values outside their range, from the file and by --set."""
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    (here / "bad.toml").write_text(toml({field: value}))

    refused(["run", "bad.toml", "--jobs", "1"], *fragments)
    if not field.startswith('"'):
        refused([*RUN, "--set", f"{field}={value}"], *fragments)


@pytest.mark.parametrize("field", ["objectives", "algorithms", "budget"])
def test_a_missing_field_is_refused(refused, here, field):
    """There is no comparison without objectives, algorithms and a budget."""
    (here / "bad.toml").write_text(toml({field: None}))

    refused(["run", "bad.toml"], f"{field} = None: need")


@pytest.mark.parametrize("value", [*WHOLE, "0", "1001", "1000000000", "1.5", '"2"'])
def test_a_bad_number_of_workers_of_an_algorithm_is_refused(refused, here, value):
    """As the suite's own number, with the algorithm's name before it."""
    (here / "bad.toml").write_text(toml({"algorithms": f'{{ a = {{ searcher = "random", n_workers = {value} }} }}'}))

    refused(["run", "bad.toml", "--jobs", "1"], "algorithms.a.n_workers = ", "need a whole number in 1..1000")
    refused([*RUN, "--set", f"algorithms.plain.n_workers={value}"], "algorithms.plain.n_workers = ", "in 1..1000")


@pytest.mark.parametrize("value", [*WHOLE, "0", "10001", "1000000000", "1.5", '"2"'])
def test_a_bad_grid_is_refused(refused, here, value):
    """Levels of each number: whole, and not so many that no grid of them could be held."""
    (here / "bad.toml").write_text(toml({"objectives": f"{{ branin = {{ discretise = {value} }} }}"}))

    refused(["run", "bad.toml", "--jobs", "1"], "objectives.branin.discretise = ", "need a whole number in 1..10000")
    refused([*RUN, "--set", f"objectives.branin.discretise={value}"], "branin.discretise = ", "in 1..10000")


@pytest.mark.parametrize("command", [["run", "--jobs", "1"], ["replay", "--tables", "."], ["harvest"], ["status"]])
@pytest.mark.parametrize("text", ["n_worker = 2", "workers = 2", "seed = 1"])
def test_an_unknown_key_of_an_algorithm_is_refused(refused, here, command, text):
    """Beside scheduler and searcher there is n_workers, whatever the command."""
    (here / "bad.toml").write_text(toml({"algorithms": f'{{ a = {{ searcher = "random", {text} }} }}'}))
    key = text.partition(" ")[0]

    refused([command[0], "bad.toml", *command[1:]], f"algorithms.a.{key}: unknown key, allowed are", "n_workers")


LABELS = [
    "a/b",
    "..",
    ".",
    "-rf",
    "",
    "x" * 65,
    "x" * 300,
    "\u00e9",
    "a b",
    "a\\nb",
    "a\\u0000b",
    "_a",
    "a.b",
    "/etc",
]


@pytest.mark.parametrize("label", LABELS, ids=repr)
def test_a_bad_label_is_refused(refused, here, label):
    """Labels become folders: no slashes, no dots, not too long."""
    for field, entry in (("objectives", '{ name = "branin" }'), ("algorithms", '{ searcher = "random" }')):
        (here / "bad.toml").write_text(toml({field: f'{{ "{label}" = {entry} }}'}))

        refused(["run", "bad.toml"], f"{field}: label '", "need 1 to 64 letters without accents, digits, '-' and '_'")


@pytest.mark.parametrize("name", ["softmax", "lenet", "dropout_mlp"])
def test_a_modelled_clock_without_prices_is_refused(refused, here, name):
    """Nothing is trained before it is known what it costs."""
    changes = {"clock": '"modelled"', "objectives": f"{{ branin = {{}}, a = {{ name = '{name}' }} }}"}
    (here / "bad.toml").write_text(toml(changes))

    refused(["run", "bad.toml", "--device", "cpu"], "calibration = None", "needs one for objectives.a", "calibrate")
