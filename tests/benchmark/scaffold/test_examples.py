"""The examples that `new` writes pass their own tests and every check, and their tests fail when a class is broken."""

import os
import subprocess
import sys

import pytest

from benchmark.checking.checklist import CHECKLIST
from benchmark.checking.conformance import check_subject
from benchmark.checking.named_subject import name_subject
from benchmark.checking.own_class import find_failures, import_beside
from benchmark.errors import BadInput
from benchmark.scaffold.example import KINDS, render_example
from benchmark.suite.module_folder import use_module_folder
from tests import ROOT
from tests.benchmark.arena.toy_arena import call


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """A folder with an example of every kind, own_searcher and so on, below one whose pytest is set up otherwise."""
    folder = tmp_path_factory.mktemp("other") / "examples"
    folder.mkdir()
    (folder.parent / "pyproject.toml").write_text(
        '[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\nfilterwarnings = ["error"]\n'
    )
    for kind in KINDS:
        for name, text in render_example(kind, f"own_{kind}").items():
            (folder / name).write_text(text)
    yield folder
    use_module_folder(None)


def module(folder, *words, **environment):
    """What a Python module has to say that finds the harness by PYTHONPATH, and how it ends."""
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_the_tests_that_are_written_pass(examples):
    """By plain pytest, in a folder within another project."""
    done = module(examples, "pytest", "-q", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count(".") >= 12


@pytest.mark.slow
def test_the_scheduler_needs_no_advice(examples):
    """Its own test asks for the other properties; the tutorial's test sees that the searcher has all."""
    import_beside(str(examples / "test_own_scheduler.py"), "own_scheduler:OwnScheduler")
    advice = [each for each in CHECKLIST if not each.needed]
    findings = list(check_subject(name_subject("own_scheduler:OwnScheduler", None, {}), advice, seconds=100))
    assert [each.name for each in findings if each.state == "yes"] == ["built", *(each.name for each in advice)]


@pytest.mark.slow
def test_a_broken_class_fails_its_test(tmp_path):
    """A searcher that draws from a generator of its own does not repeat, and the test says so and what to do."""
    text = render_example("searcher", "my_search")["my_search.py"]
    sound, broken = (
        "self.space, self.rng = config_space, rng",
        "self.space, self.rng = config_space, np.random.default_rng()",
    )
    assert text.count(sound) == 1
    (tmp_path / "my_search.py").write_text(text.replace(sound, broken))

    failures = find_failures(str(tmp_path / "test_my_search.py"), "my_search:MySearch")

    assert failures[0].startswith("seed: repeats with its seed, and does something else with another one. It did: ")
    assert "To do: take `rng` in the constructor" in failures[0]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("own_searcher:OwnSearch", {}, "has no attribute 'OwnSearch' (did you mean \"OwnSearcher\"?)"),
        (
            "own_searcher:OwnSearcher",
            {"stepp": 1},
            '--set.stepp: unknown key, allowed are step, shrink (did you mean "step"?)',
        ),
    ],
)
def test_a_wrong_name_is_refused(examples, name, options, message):
    """A misspelt class or option of a test is named, with the nearest match."""
    with pytest.raises(BadInput) as refusal:
        find_failures(str(examples / "test_own_searcher.py"), name, **options)
    assert message in str(refusal.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "method",
    ["own_searcher:OwnSearcher,shrink=0.9", '{ scheduler = "own_scheduler:OwnScheduler", searcher = "random" }'],
)
def test_an_example_enters_a_field(toy, examples, monkeypatch, capsys, method):
    """The quick part of `check` lets it pass, its options are taken, and it is ranked."""
    monkeypatch.syspath_prepend(str(examples))
    words = ["enter", method, "--suite", "./toy.toml", "--field", "field.npz", "--jobs", "1", "--quiet"]
    assert call(*words, "--tasks", "branin") == 0
    assert "rank " in capsys.readouterr().out


@pytest.mark.slow
def test_the_types_are_right(examples):
    """By mypy's strict rules with the harness's own settings, read from the checkout with its cache."""
    files = sorted(str(path) for path in examples.glob("*.py"))
    done = module(ROOT, "mypy", *files, MYPYPATH=str(ROOT))
    assert done.returncode == 0, done.stdout + done.stderr
