"""No source of ours runs code that it finds in data: our own sources are read for it."""

import ast

import pytest

from tests import ROOT

ROOMS = ("objectives", "algorithms", "benchmark", "analysis")


NEVER = {"eval", "exec", "compile", "__import__", "execfile"}
MODULES = {
    "pickle",
    "cPickle",
    "_pickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "yaml",
    "jsonpickle",
    "torch.hub",
}
READERS = {"read_pickle", "load_module", "unpack_archive", "extractall", "mktemp"}


def dangers(source):
    """The lines of a module that could run code found in data, or unpack what leads elsewhere."""
    for node in ast.walk(ast.parse(source)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            if name in MODULES or name.partition(".")[0] in MODULES:
                yield node.lineno, name
        if isinstance(node, ast.Call):
            yield from ((node.lineno, told) for told in dangers_of_call(node))


def dangers_of_call(node):
    called, words = ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}
    if called in NEVER or called in ("builtins.eval", "builtins.exec"):
        yield called
    if called.rpartition(".")[2] in READERS:
        yield called
    if called in ("joblib.load", "os.system", "os.popen", "pty.spawn"):
        yield called
    if called.endswith("np.load") and words.get("allow_pickle") != "False":
        yield called
    if called == "torch.load" and words.get("weights_only") != "True":
        yield called
    if words.get("shell", "False") != "False" or words.get("allow_pickle", "False") != "False":
        yield called


SOURCES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))


PICKLING = {
    "benchmark/checking/further_properties.py": "copies an algorithm by a pickle of its own making",
    "benchmark/importers/safe_unpickler.py": "reads plain containers of published tables and refuses names",
    "benchmark/suite/definitions.py": "hands a notebook's code to this program's own processes, by a private file",
    "objectives/resnet/cifar10.py": "has an unpickler that makes arrays and refuses everything else",
    "objectives/stacks/separate_process.py": "talks with a process of its own by a pipe",
}
"""Modules that import pickle for something else than files that others wrote, and what for."""


def test_no_source_runs_code_from_data():
    """No room opens pickles, evaluates texts, hands data to a shell or unpacks archives."""
    assert len(SOURCES) > 100
    found = {str(path.relative_to(ROOT)): list(dangers(path.read_text(encoding="utf-8"))) for path in SOURCES}
    assert {path for path, lines in found.items() if lines} == set(PICKLING)
    assert {name for path in PICKLING for _, name in found[path]} == {"pickle", "cloudpickle"}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import yaml",
        "import dill as d",
        "eval('1')",
        "exec(text)",
        "__import__('os')",
        "joblib.load(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "pd.read_pickle(path)",
        "subprocess.run(text, shell=True)",
        "os.system(text)",
        "archive.extractall(folder)",
        "shutil.unpack_archive(path)",
    ],
)
def test_code_from_data_would_be_seen(source):
    """The reading of our own sources finds what it looks for: a test of the test."""
    assert list(dangers(source))
    assert not list(dangers("np.load(file, allow_pickle=False); json.loads(text); network.eval()"))
