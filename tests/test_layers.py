"""The order of rooms, the size of folders and files, and the bans on global randomness, read from the source."""

import ast
from collections import Counter
from graphlib import CycleError, TopologicalSorter

import pytest

from tests import ROOT

ORDER = {
    "objectives": [
        *(
            "__init__",
            "resnet",
            "classification",
            "stacks",
            "training",
            "bbob",
            "closed_form",
            "derived",
            "finite",
            "function",
            *("external", "scikit"),
        ),
        *("objective", "stack", "cost", "epoch", "task", "metric", "space", "hyperparameter"),
        *("hyperparameter_name", "distribution", "native_value", "registry"),
    ],
    "algorithms": [
        *(
            "__init__",
            "adapters",
            "multi_objective",
            "schedulers",
            "searchers",
            "external",
            "interop",
            "option_checks",
            "roles",
        ),
    ],
    "benchmark": [
        *(
            "__main__",
            "completion",
            "arena",
            "comparison",
            "cli",
            "importers",
            "book",
            "diagnosis",
            "verification",
            "driver",
        ),
        *(
            "backends",
            "workers",
            "batching",
            "result_folder",
            "tabular",
            "planning",
            "scaffold",
            "checking",
            "tuning",
            "construction",
            "suite",
        ),
        *("tables", "calibration", "storage", "reproducibility", "devices", "notebook", "errors", "__init__"),
    ],
    "analysis": [
        *("__main__", "commands", "live", "report", "figures", "exports", "importers", "regression", "provenance"),
        *("display_names", "explanations", "study", "tables", "loading", "fronts", "many_tasks", "statistics"),
        *("imported", "not_drawn", "value_format", "algorithm_styles", "figure_output", "__init__"),
    ],
}
"""The rooms of every package, top down: a module imports from its own room and from rooms below it."""

INNER_ORDER = {"analysis.importers": ["sources", "suite_writing", "readers", "studies", "__init__"]}
"""The folders and modules of a room that has folders of its own, in the same way."""

MAY_IMPORT = {
    "objectives": set(),
    "algorithms": {
        *("objectives.space", "objectives.registry", "objectives.external.subprocess_client"),
        *("objectives.metric", "objectives.task"),
    },
    "benchmark": {"objectives", "algorithms"},
    "analysis": {"benchmark.storage", "benchmark.errors"},
    "benchmark.comparison": {"analysis"},
    "benchmark.arena": {"analysis"},
    "benchmark.completion": {"analysis"},
}
"""What a package may import of the others, and three rooms besides, which show what both halves make."""

MOST_FILES = 12
UNLIMITED = {"figures", "tables", "report", "adapters", "commands"}
"""Folders of self-named files, one a figure, a table, a section of the report, an adapter, a command."""
MOST_LINES = 300

MODULES = [path for package in ORDER for path in sorted((ROOT / package).rglob("*.py"))]
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc"}
GLOBAL_SEEDS = {
    "random.seed",
    "numpy.random.seed",
    "torch.manual_seed",
    "torch.seed",
    "torch.random.manual_seed",
    "torch.random.seed",
    "torch.cuda.manual_seed",
    "torch.cuda.manual_seed_all",
    "torch.cuda.seed",
    "torch.cuda.seed_all",
    "torch.mps.manual_seed",
}
GENERATOR_MAKERS = {"default_rng", "Generator", "SeedSequence", "RandomState", "MT19937", "PCG64", "Philox"}
STATE_KEEPERS = {"get_state", "set_state"}


def every(modules=MODULES):
    """Make one test of a check of a module: it names all modules that fail, and costs less than a test each."""

    def make_test(check):
        def test():
            failures = []
            for path in modules:
                try:
                    check(path)
                except AssertionError as error:
                    failures.append(f"{path.relative_to(ROOT)}: {error}")
            assert failures == []

        test.__name__, test.__doc__ = check.__name__, check.__doc__
        return test

    return make_test


def name_of(path, root=ROOT):
    """The dotted name of a module; a package's own file is called `__init__`."""
    return ".".join(path.relative_to(root).with_suffix("").parts)


def room_of(name):
    """The package and the room that a module belongs to: `benchmark.storage.ledger` is in storage."""
    package, room, *_ = name.split(".")
    return package, room


def import_graph(sources):
    """The modules that each module imports, by dotted name, from sources by dotted name."""
    graph = {name: set() for name in sources}
    for name, source in sources.items():
        for target in imported(ast.parse(source)):
            while target and target not in sources and f"{target}.__init__" not in sources:
                target = target.rpartition(".")[0]
            target = target if target in sources or not target else f"{target}.__init__"
            if target and target != name:
                graph[name].add(target)
    return graph


def upward_imports(graph):
    """Imports within a package, or within a room, from a part of it into one above, as sentences."""
    for package, rooms in (ORDER | INNER_ORDER).items():
        inside = {name: name.removeprefix(f"{package}.").split(".")[0] for name in graph if within(name, package)}
        for name in inside:
            for target in sorted(graph[name] & inside.keys()):
                if rooms.index(inside[name]) > rooms.index(inside[target]):
                    yield f"{name} imports {target}, which is in a room above it"


def import_circle(graph):
    """A circle of modules that import each other, or nothing."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def crowded_folders(paths):
    """Folders with more modules than allowed, with their number."""
    counts = Counter(path.parent for path in paths if path.name != "__init__.py")
    return {folder: count for folder, count in counts.items() if count > MOST_FILES and folder.name not in UNLIMITED}


def imported(tree):
    """Dotted names of everything imported anywhere in a module, functions and type checks included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide the arrows"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def dotted(node):
    """The source of a chain of names, `a.b.c`; empty for anything else."""
    if isinstance(node, ast.Attribute):
        owner = dotted(node.value)
        return f"{owner}.{node.attr}" if owner else ""
    return node.id if isinstance(node, ast.Name) else ""


def aliases(tree):
    """What each imported name of a module stands for."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def called(tree):
    """Full dotted names of every call in a module, aliases resolved."""
    names = aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (call := dotted(node.func)):
            first, *rest = call.split(".")
            yield ".".join([names.get(first, first), *rest])


def global_randomness(tree):
    """Calls that seed a global generator or draw from numpy's or random's."""
    for call in called(tree):
        module, _, function = call.rpartition(".")
        draws = module == "numpy.random" and function not in GENERATOR_MAKERS | STATE_KEEPERS
        draws |= module == "random" and function not in {"Random", "getstate", "setstate"}
        if draws or call in GLOBAL_SEEDS:
            yield call


def within(name, package):
    return name == package or name.startswith(f"{package}.")


def test_there_is_something_to_read():
    """Every room has modules, so that the tests below cannot pass on nothing."""
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(ORDER)


@every()
def test_imports_between_packages(path):
    """A package imports of ours only what the design allows."""
    package = path.relative_to(ROOT).parts[0]
    for name in imported(ast.parse(path.read_text())):
        ours = any(within(name, other) for other in (*ORDER, "incumbent", "tests"))
        allowed = {package, *MAY_IMPORT[package], *MAY_IMPORT.get(".".join(room_of(name_of(path))), ())}
        assert not ours or any(within(name, other) for other in allowed), f"{package} imports {name}"


@pytest.fixture(scope="module")
def sources():
    """The text of every module by its dotted name."""
    return {name_of(path): path.read_text() for path in MODULES}


def test_every_room_has_its_place_in_the_order(sources):
    """The literal list above names every room, and none that is not there."""
    found = {package: {room_of(name)[1] for name in sources if room_of(name)[0] == package} for package in ORDER}
    assert found == {package: set(rooms) for package, rooms in ORDER.items()}


def test_no_import_upward(sources):
    """A room imports only from itself and from the rooms below it."""
    assert list(upward_imports(import_graph(sources))) == []


def test_no_import_circle(sources):
    """Modules do not import each other in a circle, not even inside functions."""
    assert import_circle(import_graph(sources)) == []


def test_no_folder_is_crowded():
    """A folder holds at most twelve modules, unless it holds one self-named file a thing."""
    assert crowded_folders(MODULES) == {}


@every()
def test_no_file_is_long(path):
    """A file holds at most 300 lines."""
    assert len(path.read_text().splitlines()) <= MOST_LINES


def test_a_planted_upward_import_is_caught(sources):
    """The check above finds an import from a room into one above it."""
    planted = {
        "benchmark.storage.resume_check": "benchmark.driver.runner",
        "analysis.importers.readers.smac": "analysis.importers.suite_writing.evaluations",
    }
    graph = import_graph(sources | {below: f"{sources[below]}\nimport {above}\n" for below, above in planted.items()})
    for above in planted.values():
        assert [text for text in upward_imports(graph) if above in text]


def test_a_planted_circle_is_caught(sources):
    """The check above finds two modules of one room that import each other, also inside a function."""
    first, second = "benchmark.suite.model", "benchmark.suite.parsing"
    planted = sources[first] + f"\n\ndef late():\n    from {second} import parse\n    return parse\n"
    assert {first, second} <= set(import_circle(import_graph({**sources, first: planted})))


def test_a_planted_thirteenth_file_is_caught():
    """The check above counts the files of a folder, packages' own files apart."""
    folder = ROOT / "benchmark" / "storage"
    files = [folder / f"file_{number}.py" for number in range(MOST_FILES)]
    assert crowded_folders([*files, folder / "__init__.py"]) == {}
    assert crowded_folders([*files, folder / "thirteenth.py"]) == {folder: MOST_FILES + 1}


@every([path for path in MODULES if path.is_relative_to(ROOT / "analysis")])
def test_analysis_needs_no_torch(path):
    """Reading results takes no training library."""
    for name in imported(ast.parse(path.read_text())):
        assert not any(within(name, package) for package in ("torch", "torchvision")), name


@every()
def test_no_global_randomness(path):
    """Nothing seeds a global generator or draws from one."""
    assert list(global_randomness(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nnp.random.seed(0)",
        "import numpy as np\nnp.random.rand(3)",
        "from numpy import random as r\nr.seed(1)",
        "from numpy.random import shuffle\nshuffle([1])",
        "import torch\ntorch.manual_seed(0)",
        "from torch import manual_seed as m\nm(0)",
        "import random\nrandom.random()",
        "from random import seed\nseed(0)",
    ],
)
def test_global_randomness_would_be_seen(source):
    """The reader above finds the usual ways to seed and to draw."""
    assert len(list(global_randomness(ast.parse(source)))) == 1


def test_a_generators_own_seed_is_allowed():
    """Seeding a generator object is no global seeding."""
    source = "import torch, numpy as np\ntorch.Generator().manual_seed(0)\nnp.random.default_rng(0).random()"
    assert list(global_randomness(ast.parse(source))) == []


@every()
def test_files_are_named_for_a_noun(path):
    """No file is a drawer for odds and ends."""
    assert not NAMELESS & set(path.relative_to(ROOT).with_suffix("").parts)


@every()
def test_every_module_has_a_docstring(path):
    """A module says in its first line what it is."""
    assert ast.get_docstring(ast.parse(path.read_text()))
