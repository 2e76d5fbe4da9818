"""What a caller gives becomes the entries that a suite's file would have."""

import functools

import pytest
from scipy import stats

from algorithms.searchers.local_search import LocalSearch
from benchmark.comparison.contestants import Contestants, as_label
from benchmark.errors import BadInput
from objectives.classification.lenet import LeNet
from objectives.closed_form.functions import Branin
from tests.benchmark.fakes.metric_toy import MetricToy


class Own:
    """A searcher of a module: found by its path, not sent."""

    def __init__(self, config_space):
        self.space = config_space


def local_class():
    class Local:
        def sample_configuration(self):
            return {}

    return Local


def halving(searcher):
    return searcher


halving.suggest = halving.update = lambda *_: None


@pytest.mark.parametrize(
    ("given", "entries"),
    [
        (["random"], {"random": {"searcher": "random"}}),
        (["tpe"], {"tpe": {"searcher": {"name": "optuna", "sampler": "tpe"}}}),
        (["asha"], {"asha": {"scheduler": "asha", "searcher": "random"}}),
        ([Own], {"Own": {"searcher": f"{__name__}:Own"}}),
        ([LocalSearch], {"LocalSearch": {"searcher": "algorithms.searchers.local_search:LocalSearch"}}),
        (["my_search:Shrink"], {"my_search_Shrink": {"searcher": "my_search:Shrink"}}),
        ([halving], {"halving": {"scheduler": f"{__name__}:halving", "searcher": "random"}}),
        ({"mine": Own, "best": "random"}, {"mine": {"searcher": f"{__name__}:Own"}, "best": {"searcher": "random"}}),
        (
            {"bohb": {"scheduler": {"name": "hyperband", "eta": 3}, "searcher": "kde", "n_workers": 2}},
            {"bohb": {"scheduler": {"name": "hyperband", "eta": 3}, "searcher": "kde", "n_workers": 2}},
        ),
        (
            {"own": {"searcher": {"name": Own, "width": 2}, "label": "Ours"}},
            {"own": {"searcher": {"name": f"{__name__}:Own", "width": 2}, "label": "Ours"}},
        ),
        ({"t": {"searcher": {"name": "tpe"}}}, {"t": {"searcher": {"name": "optuna", "sampler": "tpe"}}}),
    ],
)
def test_algorithms(given, entries):
    """Names, variants of libraries, schedulers, classes, and tables of these."""
    contestants = Contestants()
    assert contestants.algorithm_entries(given) == entries
    assert contestants.definitions == {}


def test_what_no_process_can_import_is_kept():
    """A class made in a function is a definition; two of a name have two."""
    contestants, first, second = Contestants(), local_class(), local_class()
    entries = contestants.algorithm_entries({"a": first, "b": second, "c": first})
    paths = [entry["searcher"] for entry in entries.values()]
    assert paths == ["__main__:Local", "__main__:Local-2", "__main__:Local"]
    assert contestants.definitions == {"__main__:Local": first, "__main__:Local-2": second}


def test_a_function_is_an_objective_with_its_space():
    """A function of a module is named by its path; one without a name, and the space, are kept."""
    contestants, space = Contestants(), {"x": stats.uniform(0, 1)}
    label, entry = contestants.objective_entry(as_label, space, None)
    assert (label, entry) == (
        "as_label",
        {"function": "benchmark.comparison.contestants:as_label", "space": "__main__:space"},
    )
    label, entry = contestants.objective_entry(lambda x: x, space, functools.partial(as_label, "x"))
    assert (label, entry["function"], entry["test"]) == ("lambda", "__main__:lambda", "__main__:test")
    assert contestants.sources["__main__:space"] is space


def test_an_objective_by_its_label():
    """The label is that of a suite's table, on which seeds depend."""
    label, entry = Contestants().objective_entry({"forest": as_label}, {"x": stats.uniform(0, 1)}, None)
    assert (label, entry["function"]) == ("forest", "benchmark.comparison.contestants:as_label")
    assert Contestants().objective_entry({"mine": "branin"}, None, None) == ("mine", {"name": "branin"})


def test_our_objectives_are_named_as_in_a_suite():
    """By their name, with the options that are not as they are by default."""
    entry = Contestants().objective_entry
    assert entry(Branin(noise=1.0, epochs=4), None, None) == ("branin", {"name": "branin", "noise": 1.0, "epochs": 4})
    assert entry(LeNet(), None, None) == ("lenet", {"name": "lenet"})
    assert entry("hartmann6", None, None) == ("hartmann6", {"name": "hartmann6"})


def test_any_objective_is_described():
    """Another space or other metrics are another suite, which the header of a ledger shows."""
    contestants, toy = Contestants(), MetricToy()
    label, entry = contestants.objective_entry(toy, None, None)
    assert label == "MetricToy"
    assert entry["space"] == toy.space.describe()
    assert [metric["name"] for metric in entry["metrics"]] == [metric.name for metric in toy.metrics]
    assert contestants.definitions[entry["name"]](**{**entry, "name": None}) is toy


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda c: c.algorithm_entries("random"), r"algorithms = 'random': need a list such as"),
        (lambda c: c.algorithm_entries([]), r"algorithms = \[\]: need a list"),
        (lambda c: c.algorithm_entries(["randon"]), r'algorithms\[0\] = \'randon\'.*did you mean "random"'),
        (lambda c: c.algorithm_entries(["random", "random"]), r"'random' is there twice; give a table"),
        (lambda c: c.algorithm_entries([3]), r"algorithms\[0\] = 3: need a name, a class"),
        (lambda c: c.objective_entry(as_label, None, None), r"space: missing; say which hyperparameters"),
        (lambda c: c.objective_entry(Branin(), {"x": 1}, None), r"space: the objective has its own"),
        (lambda c: c.objective_entry(3, None, None), r"objective = 3: need a function"),
        (lambda c: c.objective_entry({"a": as_label, "b": as_label}, {}, None), r"objective = .*: need one by label"),
    ],
)
def test_what_is_refused(call, message):
    """One message with what was given and what is needed."""
    with pytest.raises(BadInput, match=message):
        call(Contestants())


@pytest.mark.parametrize(
    ("text", "label"), [("<lambda>", "lambda"), ("a.b:C", "a_b_C"), ("über", "ber"), ("", "other"), ("_x", "x")]
)
def test_labels(text, label):
    """A label may be the name of a folder."""
    assert as_label(text, "other") == label
