"""Methods of other libraries: found by their distribution, imported when asked for, run, marked and refused."""

import importlib
import importlib.metadata
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from algorithms import libraries
from algorithms.imported import PROPERTIES, Imported, NotInstalled
from analysis.frame import load as analyse
from benchmark import build
from benchmark.build import build_objective, build_scheduler, imported_parts, lacks_of, library_versions, marks_of
from benchmark.header import RunRefused
from benchmark.ledger import read
from benchmark.progress import Quiet
from benchmark.refusal import BadInput
from benchmark.runner import Runner
from benchmark.suite import load, parse
from objectives.objective import Machine
from tests.adapters.subjects import Toy
from tests.benchmark.slots import Slots, prices

MODULE = '''
"""An invented library with a searcher and two schedulers that draw from the global generators."""

import random

import numpy as np

IMPORTED = True


class Wanderer:
    def __init__(self, config_space, *, rng, initial_config=None, stride=1.0):
        if not 0 < stride <= 1:
            raise ValueError(f"stride = {stride!r}: need a number in (0, 1]")
        self.space, self.rng, self.stride, self.told = config_space, rng, stride, []

    def sample_configuration(self):
        unit = [random.random() * np.random.random() * self.stride for _ in self.space]
        return self.space.decode(np.array(unit))

    def update(self, config, error, additional_info=None):
        self.told.append(additional_info)


class Fickle(Wanderer):
    @property
    def lacks(self):
        return {"pending": "its own word", "seed": "stride is a half"} if self.stride == 0.5 else {}


class Follower:
    lacks = {"tied": "a follower"}

    def __init__(self, searcher, *, max_epochs):
        self.searcher, self.max_epochs = searcher, max_epochs

    def suggest(self):
        return {**self.searcher.sample_configuration(), "max_epochs": self.max_epochs}

    def update(self, config, error, info=None):
        self.searcher.update(config, error, additional_info=info)


class Loner:
    def __init__(self, config_space, *, rng):
        self.space, self.rng = config_space, rng

    def suggest(self):
        return self.space.sample(self.rng)

    def update(self, config, error, info=None):
        pass
'''


def entry(name, **changes):
    """A registry's entry for a class of the invented library."""
    given = {"extra": "invented", "libraries": ("invented",), "summary": "An invented one, made for this test."}
    return Imported(f"invented_library.parts:{name}", **{**given, **changes})


SEARCHERS = {
    "wanderer": entry("Wanderer", lacks={"pending": "it looks at none", "conditions": "it knows none"}),
    "fickle": entry("Fickle", lacks={"pending": "it looks at none"}),
    "missing": entry("Wanderer", libraries=("invented", "never-published"), extra="never"),
    "absent": entry("Nobody"),
}
SCHEDULERS = {"follower": entry("Follower"), "loner": entry("Loner", libraries=("invented", "invented-too"))}


def publish(folder, version, name="invented"):
    """Put the metadata of a distribution into a folder, in the place of what other version is there."""
    written = name.replace("-", "_")  # As installers write it.
    for old in folder.glob(f"{written}-*.dist-info/METADATA"):
        old.unlink()
        old.parent.rmdir()
    info = folder / f"{written}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of the module path with the invented library, installed in version 1.0."""
    folder = tmp_path / "site"
    (folder / "invented_library").mkdir(parents=True)
    (folder / "invented_library" / "__init__.py").write_text("")
    (folder / "invented_library" / "parts.py").write_text(MODULE)
    publish(folder, "1.0")
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.syspath_prepend(folder)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "invented_library"]:
        del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def registered(site, monkeypatch):
    """The invented library beside everything that is registered."""
    publish(site, "7", "invented-too")
    monkeypatch.setattr(build, "ALL_SEARCHERS", {**build.ALL_SEARCHERS, **SEARCHERS})
    monkeypatch.setattr(build, "ALL_SCHEDULERS", {**build.ALL_SCHEDULERS, **SCHEDULERS})
    return site


def run_of(algorithm, n_repetition=0):
    """A run of an algorithm on Branin."""
    table = {
        "repetitions": n_repetition + 1,
        "budget": {"trials": 4},
        "objectives": {"branin": {}},
        "algorithms": {"it": algorithm},
    }
    return list(parse("toy", table).runs())[n_repetition]


def made(algorithm, n_repetition=0):
    """A fresh scheduler for a run, as the suite builds it."""
    run = run_of(algorithm, n_repetition)
    return build_scheduler(run, build_objective(run.objective))


# The class itself.


def test_nothing_is_imported_before_it_is_asked_for(site):
    """Declaring an entry and asking for its versions imports no library; loading does."""
    declared = entry("Wanderer")
    assert declared.versions() == {"invented": "1.0"}
    assert "invented_library.parts" not in sys.modules

    loaded = declared.load()

    assert loaded is sys.modules["invented_library.parts"].Wanderer


def test_versions_are_those_that_are_installed_now(site):
    """Another version is seen, and None stands for what is not there."""
    declared = entry("Wanderer", libraries=("invented", "never-published"))
    publish(site, "2.0rc1")

    assert declared.versions() == {"invented": "2.0rc1", "never-published": None}


def test_what_is_not_installed_says_how_to_install_it(site):
    """The first library that is missing is named with the extra; nothing is imported."""
    declared = entry("Wanderer", libraries=("invented", "never-published", "nor-this"), extra="invented")

    with pytest.raises(NotInstalled, match=r"^never-published is not installed: pip install '\.\[invented\]'$"):
        declared.load()

    assert "invented_library.parts" not in sys.modules


def test_a_library_is_found_by_its_distribution_not_by_its_module(site):
    """A module without a distribution has no version to record, so it does not count as installed."""
    (site / "invented-1.0.dist-info" / "METADATA").unlink()
    (site / "invented-1.0.dist-info").rmdir()

    with pytest.raises(NotInstalled, match="invented is not installed"):
        entry("Wanderer").load()


def test_a_property_nobody_knows_cannot_be_lacking():
    """A misspelt property would be a mark that no test looks at."""
    with pytest.raises(AssertionError, match="lacks"):
        entry("Wanderer", lacks={"pendign": "typo"})


@pytest.mark.parametrize("registry", [libraries.SEARCHERS, libraries.SCHEDULERS], ids=["searchers", "schedulers"])
def test_the_registry_says_what_a_reader_needs(registry):
    """Every entry has a summary of one line, reasons for what it lacks, and libraries that an extra installs."""
    for name, declared in registry.items():
        assert 20 < len(declared.summary) < 120, name
        assert "\n" not in declared.summary
        assert set(declared.lacks) <= set(PROPERTIES)
        assert all(len(why) > 5 for why in declared.lacks.values())
        assert bool(declared.libraries) == bool(declared.extra), name
        assert declared.path.count(":") == 1


def brought_by(requirements):
    """Names of the distributions that requirements bring with them, of those that are installed."""
    found, left = set(), [Requirement(text) for text in requirements]
    while left:
        wanted = left.pop()
        extras = {"", *wanted.extras}
        name = canonicalize_name(wanted.name)
        if (name, *sorted(extras)) in found:
            continue
        found.add((name, *sorted(extras)))
        try:
            needed = [Requirement(text) for text in importlib.metadata.requires(name) or ()]
        except importlib.metadata.PackageNotFoundError:
            continue
        left += [
            one
            for one in needed
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return {name for name, *_ in found}


@pytest.mark.parametrize("registry", ["SEARCHERS", "SCHEDULERS"])
def test_every_remedy_works(registry):
    """The extra that a message names is in pyproject.toml and brings every library of the entry."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    for name, declared in getattr(libraries, registry).items():
        if not declared.extra or None in declared.versions().values():  # What it needs is known once it is there.
            continue
        brought = brought_by(extras[declared.extra])
        assert {canonicalize_name(library) for library in declared.libraries} <= brought, name


# In a suite.


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
        return len(imported_parts(declared)), library_versions(declared)

    assert asked({"searcher": "random"}) == (0, {})
    assert asked({"searcher": "tests.benchmark.reader:LocalSearcher"}) == (0, {})
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
    assert lacks_of(run_of(algorithm).algorithm, made(algorithm)) == expected


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
        "objectives": {"toy": {"name": "tests.adapters.subjects:Toy"}},
        "algorithms": {"it": {"searcher": "random", "scheduler": scheduler, "n_workers": n_workers}},
    }
    run = next(parse("marks", table).runs())
    scheduler = build_scheduler(run, space)
    scheduler.lacks = {lacking: "for this test"}
    assert marks_of(run, space, scheduler) == ({lacking: "for this test"} if marked else {})


def test_lacks_are_in_a_settled_order(registered):
    """A header's bytes do not depend on who said what first."""
    algorithm = {"searcher": "wanderer", "scheduler": "follower"}
    assert list(lacks_of(run_of(algorithm).algorithm, made(algorithm))) == ["conditions", "pending", "tied"]


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
    ("text", "said"),
    [
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_module_at_all'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit('gone')", "SystemExit: gone"),
        ("raise ImportError('two\\nlines')", "ImportError: two lines"),
    ],
    ids=["imports", "divides", "exits", "lines"],
)
def test_a_library_that_is_there_but_broken_is_refused(registered, text, said):
    """Installed is not yet usable: whatever its import raises is said in one line."""
    (registered / "invented_library" / "parts.py").write_text(text)

    with pytest.raises(BadInput, match=r"algorithms\.it\.searcher = 'wanderer': cannot be imported") as refusal:
        made({"searcher": "wanderer"})

    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)


# In ledgers.

SUITE = """
seed = 3
repetitions = 2
clock = "modelled"
calibration = "prices.toml"
budget.trials = 6
[objectives.toy]
name = "tests.benchmark.slots:Slots"
choices = 12
log = "{log}"
[algorithms]
"""
LINES = {
    "ambler": 'ambler.searcher = "wanderer"\n',
    "wanderer": 'wanderer = { searcher = "wanderer", n_workers = 2 }\n',
    "random": 'random.searcher = "random"\n',
}


@pytest.fixture
def suite_of(registered, tmp_path):
    """A function that writes and loads a suite of some algorithms on a toy objective that counts its trainings."""
    (tmp_path / "prices.toml").write_text(prices({"tests.benchmark.slots:Slots": Slots()}).to_toml())

    def write(*labels):
        text = SUITE.format(log=tmp_path / "log") + "".join(LINES[label] for label in labels)
        (tmp_path / "toy.toml").write_text(text)
        return load(str(tmp_path / "toy.toml"))

    return write


def run(suite, results, **options):
    """Run a suite in this process."""
    return Runner(suite, results, jobs=1, machine=Machine(), listener=Quiet(), **options).run()


def cut(folder, algorithm, repetition=0):
    """Leave of a ledger what a kill after its third line leaves."""
    path = folder / "toy/runs/toy" / algorithm / f"{repetition:03d}.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.with_name(path.name + ".part").write_bytes(b"".join(lines[:3]))
    path.unlink()


def header(folder, algorithm, repetition=0):
    """The header of a run."""
    return read(folder / "toy/runs/toy" / algorithm / f"{repetition:03d}.jsonl").records[0]


def evaluations(folder):
    """Every finished run's evaluations without what is measured."""
    measured = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
    return {
        str(path.relative_to(folder)): [
            {name: value for name, value in record.items() if name not in measured}
            for record in read(path).records
            if record["kind"] == "evaluation"
        ]
        for path in sorted(folder.glob("toy/runs/*/*/*.jsonl"))
    }


def test_a_header_tells_versions_and_what_is_lacking(suite_of, tmp_path):
    """Of the algorithm's own libraries and no others; our own algorithms' headers have neither."""
    run(suite_of("wanderer", "random"), tmp_path)

    theirs, ours = header(tmp_path, "wanderer"), header(tmp_path, "random")

    assert theirs["environment"]["libraries"] == {"invented": "1.0"}
    assert theirs["lacks"] == {"pending": "it looks at none"}  # Its space has no conditions.
    assert "libraries" not in ours["environment"]
    assert "lacks" not in ours
    assert theirs["run"]["n_workers"] == 2


def test_a_run_goes_on_with_its_own_version_alone(suite_of, registered, tmp_path):
    """Cut short and resumed it is as unbroken; with another version it is refused, and nothing is written."""
    suite = suite_of("wanderer", "random")
    run(suite, tmp_path / "unbroken")
    run(suite, tmp_path / "cut")
    cut(tmp_path / "cut", "wanderer", 1)
    publish(registered, "2.0")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "cut").rglob("*")}

    with pytest.raises(RunRefused, match=r"libraries\.invented was '1\.0' and is now '2\.0'"):
        run(suite, tmp_path / "cut")

    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cut").rglob("*")} == before
    publish(registered, "1.0")
    assert {report.state for report in run(suite, tmp_path / "cut")} == {"done"}
    assert evaluations(tmp_path / "cut") == evaluations(tmp_path / "unbroken")


def test_two_versions_are_marked_where_they_are_allowed(suite_of, registered, tmp_path):
    """With allow_mixed the record says where the new version begins, and the analysis names both."""
    suite = suite_of("wanderer")
    run(suite, tmp_path)
    cut(tmp_path, "wanderer")
    publish(registered, "2.0")

    assert {report.state for report in run(suite, tmp_path, allow_mixed=True)} == {"done"}

    records = read(tmp_path / "toy/runs/toy/wanderer/000.jsonl").records
    resumed = [record["environment"]["libraries"] for record in records if record["kind"] == "resumed"]
    assert resumed == [{"invented": "2.0"}]
    assert analyse(tmp_path / "toy").methods["wanderer"].libraries == {"invented": "1.0/2.0"}


def test_a_finished_suite_may_be_looked_at_with_any_version(suite_of, registered, tmp_path):
    """With nothing left to do, another version or none of the other algorithm's library matters."""
    suite = suite_of("wanderer", "random")
    run(suite, tmp_path)
    publish(registered, "2.0")

    assert run(suite, tmp_path) == []


def test_trials_are_shared_whatever_library_asked_for_them(suite_of, registered, tmp_path):
    """An algorithm that is added later takes the trials of a library's runs, of another version too."""
    run(suite_of("wanderer"), tmp_path)
    publish(registered, "2.0")
    run(suite_of("random"), tmp_path)

    trained = (tmp_path / "log").read_text().splitlines()
    assert len(set(trained)) == len(trained)
    asked = [record for records in evaluations(tmp_path).values() for record in records]
    assert len(trained) < sum(record["epochs"] - record["start_epoch"] for record in asked)
    run(suite_of("random"), tmp_path / "alone")
    assert evaluations(tmp_path / "alone").items() <= evaluations(tmp_path).items()


def test_repricing_keeps_the_versions_where_they_belong(suite_of, tmp_path):
    """Reused headers are of any algorithm: one of ours does not inherit the library of another's."""
    suite = suite_of("ambler", "random")  # Headers are looked for in the order of names: the library's is found.
    run(suite, tmp_path / "first")

    run(suite, tmp_path / "second", reuse=tmp_path / "first" / "toy", train=False)

    assert evaluations(tmp_path / "second") == evaluations(tmp_path / "first")
    assert header(tmp_path / "second", "ambler")["environment"]["libraries"] == {"invented": "1.0"}
    assert "libraries" not in header(tmp_path / "second", "random")["environment"]


def test_what_an_import_draws_changes_no_run(registered, global_state):
    """Importing a library may draw from the global generators: the first run of a process is like the next ones."""
    path = registered / "invented_library" / "parts.py"
    path.write_text(MODULE + "\n\nDRAWN = [random.random(), np.random.random()]\n")
    before = global_state()

    first, second = ([made({"searcher": "wanderer"}).suggest()] for _ in range(2))

    assert first == second
    assert global_state() == before
