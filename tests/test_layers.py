"""The rooms and the arrows between them, read from the source."""

import ast

import pytest

from tests import ROOT

ROOMS = ("objectives", "algorithms", "benchmark", "analysis")
MODULES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
MAY_IMPORT = {
    "objectives": set(),
    "algorithms": {"objectives.space"},
    "benchmark": {"objectives", "algorithms"},
    "analysis": set(),
}
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
    return pytest.mark.parametrize("path", modules, ids=lambda path: path.relative_to(ROOT).as_posix())


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
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} == set(ROOMS)


@every()
def test_arrows_between_rooms(path):
    """A room imports of ours only what the design's arrows allow."""
    room = path.relative_to(ROOT).parts[0]
    for name in imported(ast.parse(path.read_text())):
        ours = any(within(name, other) for other in (*ROOMS, "tests"))
        allowed = {room, *MAY_IMPORT[room]}
        assert not ours or any(within(name, package) for package in allowed), f"{room} imports {name}"


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
