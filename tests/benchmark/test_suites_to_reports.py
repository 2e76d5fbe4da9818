"""What `run` accepts, every command of the analysis reads: drawn suites are taken from their file to the report."""

import itertools
import json
import os
import tempfile
from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from analysis.__main__ import main as read
from benchmark.cli.main import main as run
from tests.benchmark.fakes.drawn_space import KINDS

EXAMPLES = int(os.environ.get("INCUMBENT_EXAMPLES", "30"))

SEARCHERS = ("random", "local", "sobol", "grid", "evolution", "kde")
SCHEDULERS = ("basic", "successive_halving", "hyperband", "asha", "median_stopping")
CALIBRATION = """
format = 1
name = "invented"
device = "a machine of nobody"
[versions]
"""


def toml(value):
    """A value in TOML, tables in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


sizes = st.sampled_from([1e-300, 1e-9, 1e-3, 1.0, 1e6, 1e150])
drawn_objectives = st.fixed_dictionaries(
    {"name": st.just("tests.benchmark.fakes.drawn_space:DrawnSpace")},
    optional={
        "kinds": st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=4),
        "conditional": st.booleans(),
        "size": sizes,
        "least": st.one_of(st.just(0.0), sizes, sizes.map(lambda size: -size)),
        "epochs": st.integers(1, 9),
        "noise": st.sampled_from([0.0, 1e-3, 10.0]),
        "discretise": st.integers(1, 4),
    },
)
closed_forms = st.fixed_dictionaries(
    {"name": st.sampled_from(["branin", "hartmann6"])}, optional={"epochs": st.integers(1, 9), "noise": st.just(0.5)}
)
schedulers = st.one_of(
    st.sampled_from(SCHEDULERS),
    st.fixed_dictionaries({"name": st.sampled_from(["successive_halving", "hyperband", "asha"]), "eta": st.just(2)}),
)
algorithms = st.fixed_dictionaries(
    {"searcher": st.sampled_from(SEARCHERS)},
    optional={"scheduler": schedulers, "n_workers": st.sampled_from([1, 2, 5])},
)
budgets = st.fixed_dictionaries(
    {},
    optional={
        "trials": st.integers(1, 6),
        "evaluations": st.integers(1, 8),
        "epochs": st.integers(1, 20),
        "runtime": st.sampled_from([1e-3, 3.0, 20.0]),
    },
).filter(lambda budget: any(name in budget for name in ("trials", "evaluations", "epochs")))


@st.composite
def suites(draw):
    """The table of a suite."""
    objectives = draw(st.lists(st.one_of(drawn_objectives, closed_forms), min_size=1, max_size=2))
    labels = [f"objective-{place}" for place in range(len(objectives))]
    rivals = draw(st.lists(algorithms, min_size=1, max_size=3))
    names = [f"rival-{place}" for place in range(len(rivals))]
    settings_of_suite = {
        "title": st.sampled_from(["a title", "ü & <b>\\ %_$", "=1+1"]),
        "seed": st.integers(0, 2**32),
        "clock": st.sampled_from(["measured", "modelled"]),
        "calibration": st.sampled_from(["epyc", "./invented.toml"]),
        "n_workers": st.sampled_from([1, 3]),
        "resume": st.booleans(),
        "endpoint": st.sampled_from(["test_error", "valid_error", "score"]),
        "control": st.sampled_from(names),
        "targets": st.dictionaries(st.sampled_from(labels), st.lists(sizes, min_size=1, max_size=2, unique=True)),
        "timeout": st.just(60),
    }
    return {
        "repetitions": draw(st.integers(1, 4)),
        **draw(st.fixed_dictionaries({}, optional=settings_of_suite)),
        "budget": draw(budgets),
        "objectives": dict(zip(labels, objectives, strict=True)),
        "algorithms": dict(zip(names, rivals, strict=True)),
    }


@pytest.fixture(scope="module", autouse=True)
def _small_figures():
    """Draw figures at a low resolution, on which nothing depends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(import_module("analysis.figures.rendering"), "DPI", 20)
        yield


@pytest.mark.parametrize(
    ("examples", "with_figures"),
    [
        pytest.param(6, 1, marks=pytest.mark.slow, id="a few, and the figures of one"),
        pytest.param(EXAMPLES, EXAMPLES, marks=pytest.mark.faults, id="many with their figures"),
    ],
)
def test_what_runs_is_read(capsys, examples, with_figures):
    """Tables, figures, report, exports and verification succeed for every suite that has run."""
    taken = itertools.count()

    @settings(
        max_examples=examples,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(suite=suites())
    def take_through(suite):
        with tempfile.TemporaryDirectory() as here:
            results = run_in(Path(here), suite, capsys)
            assume(results is not None)
            read_all(results, capsys, figures=next(taken) < with_figures)

    take_through()
    assert next(taken) > 0


def run_in(here, suite, capsys):
    """Run a suite in a folder; returns its results, or None where it is refused."""
    (here / "invented.toml").write_text(CALIBRATION)
    (here / "mine.toml").write_text("".join(f"{name} = {toml(value)}\n" for name, value in suite.items()))
    words = [str(here / "mine.toml"), "--results", str(here / "results")]
    code = run(["run", *words, "--jobs", "1", "--device", "cpu", "--quiet"])
    lines = capsys.readouterr().err.splitlines()
    assert code == 2 or (code == 0 and all(line.startswith("note: ") for line in lines))
    return here / "results" / "mine" if code == 0 else None


def read_all(results, capsys, *, figures):
    """Call every command that reads results."""
    words = [f"{results.name}.toml", "--results", str(results.parent), "--quiet"]
    commands = [["plots" if figures else "tables"], ["report"]]
    commands += [["export", "--to", name] for name in ("markdown", "latex", "optuna")]
    for name, *options in commands:
        assert read([name, *words, *options]) == 0, capsys.readouterr().err
    for path in [results / "tables" / "summary.csv", *sorted((results / "figures").glob("*.png"))[:1]]:
        assert read(["verify", str(path)]) == 0, capsys.readouterr()
