"""Methods of other libraries in a suite: built and run, marked for what they lack, and refused."""

import pytest

from benchmark.checking.toy_objective import Toy
from benchmark.errors import BadInput
from benchmark.suite.parsing import parse
from benchmark.tuning.factory import (
    build_scheduler,
    library_parts,
    library_versions,
    missing_features,
    relevant_missing_features,
)
from tests.algorithms.invented import MODULE, made, run_of


def test_a_library_runs_under_its_name(registered):
    """By name with options, alone, over and under our own parts."""
    for algorithm in (
        {"searcher": "wanderer"},
        {"searcher": {"name": "wanderer", "stride": 0.5}, "scheduler": "successive_halving"},
        {"searcher": "random", "scheduler": "follower"},
        {"searcher": "wanderer", "scheduler": "follower"},
        {"scheduler": "loner"},
    ):
        suggested = made(algorithm).suggest()
        assert set(suggested) - {"max_epochs"} == {"x1", "x2"}


def test_global_generators_are_private_to_a_run(registered, global_state, move_global_generators):
    """A library that draws from them repeats with its run, differs in another, and moves nothing of ours."""
    algorithm = {"searcher": "wanderer"}
    scheduler = made(algorithm)
    first = [scheduler.suggest() for _ in range(5)]
    move_global_generators()
    before = global_state()
    again = made(algorithm)
    interleaved = made(algorithm, n_repetition=1)
    second, other = [], []
    for _ in range(5):
        second.append(again.suggest())
        other.append(interleaved.suggest())

    assert second == first
    assert all(one != two for one, two in zip(first, other, strict=True))
    assert global_state() == before


def test_how_a_trial_ended_reaches_the_library(registered):
    """The wrapper passes on epochs and state, through a scheduler of a library and through ours."""
    for scheduler in ("basic", "follower"):
        built = made({"searcher": "wanderer", "scheduler": scheduler})
        built.update(built.suggest(), 0.5, {"epochs": 1, "state": "diverged"})

        assert built.scheduler.searcher.told == [{"epochs": 1, "state": "diverged"}]


def test_parts_and_versions_of_an_algorithm(registered):
    """Only the parts that belong to libraries count; the versions are those of all of them."""

    def asked(algorithm):
        declared = run_of(algorithm).algorithm
        return len(library_parts(declared)), library_versions(declared)

    assert asked({"searcher": "random"}) == (0, {})
    assert asked({"searcher": "tests.benchmark.fakes.book_reader:LocalSearcher"}) == (0, {})
    assert asked({"searcher": "wanderer"}) == (1, {"invented": "1.0"})
    assert asked({"scheduler": "loner"}) == (1, {"invented": "1.0", "invented-too": "7"})
    assert asked({"searcher": "wanderer", "scheduler": "follower"}) == (2, {"invented": "1.0"})


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ({"searcher": "random"}, {}),
        ({"searcher": "wanderer"}, {"conditions": "it knows none", "pending": "it looks at none"}),
        ({"searcher": "fickle"}, {"pending": "it looks at none"}),
        (
            {"searcher": {"name": "fickle", "stride": 0.5}},
            {"pending": "its own word", "seed": "stride is a half"},
        ),
        ({"searcher": "random", "scheduler": "follower"}, {"tied": "a follower"}),
        (
            {"searcher": "fickle", "scheduler": "follower"},
            {"pending": "it looks at none", "tied": "a follower"},
        ),
        ({"scheduler": "loner"}, {}),
    ],
    ids=str,
)
def test_what_an_algorithm_lacks(registered, algorithm, expected):
    """What the entries of its parts say, and what the objects themselves say; theirs is the last word."""
    assert missing_features(run_of(algorithm).algorithm, made(algorithm)) == expected


@pytest.mark.parametrize(
    ("lacking", "space", "n_workers", "scheduler", "marked"),
    [
        ("conditions", Toy(on="conditional"), 1, "basic", True),
        ("conditions", Toy(on="mixed"), 1, "basic", False),
        ("pending", Toy(on="mixed"), 2, "basic", True),
        ("pending", Toy(on="mixed"), 1, "basic", False),
        ("fidelity", Toy(on="mixed"), 1, "hyperband", True),
        ("fidelity", Toy(on="mixed"), 1, "basic", False),
        ("copy", Toy(on="conditional"), 2, "hyperband", False),
        ("seed", Toy(on="mixed"), 1, "basic", True),
    ],
)
def test_a_run_is_marked_for_what_may_show_in_it(lacking, space, n_workers, scheduler, marked):
    """Conditions matter in a conditional space, pending proposals with workers, fidelities under Hyperband."""
    table = {
        "budget": {"trials": 3},
        "objectives": {"toy": {"name": "tests.algorithms.adapters.subjects:Toy"}},
        "algorithms": {"it": {"searcher": "random", "scheduler": scheduler, "n_workers": n_workers}},
    }
    run = next(parse("marks", table).runs())
    scheduler = build_scheduler(run, space)
    scheduler.lacks = {lacking: "for this test"}
    assert relevant_missing_features(run, space, scheduler) == ({lacking: "for this test"} if marked else {})


def test_lacks_are_in_a_settled_order(registered):
    """A header's bytes do not depend on who said what first."""
    algorithm = {"searcher": "wanderer", "scheduler": "follower"}
    assert list(missing_features(run_of(algorithm).algorithm, made(algorithm))) == ["conditions", "pending", "tied"]


@pytest.mark.parametrize(
    ("algorithm", "message"),
    [
        (
            {"searcher": "missing"},
            r"algorithms\.it\.searcher = 'missing': never-published is not installed: pip install '\.\[never\]'",
        ),
        (
            {"searcher": "absent"},
            r"algorithms\.it\.searcher = 'absent': cannot be imported \(AttributeError: .*'Nobody'",
        ),
        ({"searcher": "wandrer"}, r"'wandrer': not one of .*wanderer.* \(did you mean \"wanderer\"\?\)"),
        (
            {"searcher": {"name": "wanderer", "strid": 0.5}},
            r"algorithms\.it\.searcher\.strid: unknown key, allowed are stride \(did you mean \"stride\"\?\)",
        ),
        ({"searcher": {"name": "wanderer", "stride": 2}}, r"algorithms\.it\.searcher: stride = 2: need a number in"),
        ({"searcher": {"name": "wanderer", "rng": 2}}, r"algorithms\.it\.searcher\.rng: reserved"),
        ({"scheduler": "loner", "searcher": "random"}, r"algorithms\.it\.searcher: the scheduler 'loner' takes no"),
        ({"scheduler": "follower"}, r"algorithms\.it\.searcher: the scheduler 'follower' needs a searcher"),
        ({"searcher": "follower"}, r"algorithms\.it\.searcher = 'follower': not one of"),
    ],
    ids=str,
)
def test_what_cannot_be_used_is_refused(registered, algorithm, message):
    """By the field, with the value, what is allowed and the nearest, as for our own."""
    with pytest.raises(BadInput, match=message):
        made(algorithm)


@pytest.mark.parametrize(
    ("text", "expected_text"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit('gone')", "SystemExit: gone"),
        ("raise ImportError('two\\nlines')", "ImportError: two lines"),
    ],
    ids=["imports", "divides", "exits", "lines"],
)
def test_a_library_that_is_there_but_broken_is_refused(registered, text, expected_text):
    """Installed is not yet usable: whatever its import raises is said in one line."""
    (registered / "invented_library" / "parts.py").write_text(text)

    with pytest.raises(BadInput, match=r"algorithms\.it\.searcher = 'wanderer': cannot be imported") as refusal:
        made({"searcher": "wanderer"})

    assert expected_text in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_what_an_import_draws_changes_no_run(registered, global_state):
    """Importing a library may draw from the global generators: the first run of a process is like the next ones."""
    path = registered / "invented_library" / "parts.py"
    path.write_text(MODULE + "\n\nDRAWN = [random.random(), np.random.random()]\n")
    before = global_state()

    first, second = ([made({"searcher": "wanderer"}).suggest()] for _ in range(2))

    assert first == second
    assert global_state() == before
