"""Classes that a suite names by dotted path: where they are found, and what is said where they are not."""

import sys

import pytest

from benchmark.errors import BadInput
from benchmark.suite.module_folder import use_module_folder, used_module_folder, user_module_folders
from benchmark.suite.parsing import load
from benchmark.suite.part_import import import_part
from benchmark.workers.worker_process import ModulePlace, call_in_folder

SUITE = """
budget.trials = 1
objectives.branin = {}
algorithms.mine.searcher = "mine_of_tests:Mine"
"""
MODULES = {
    "mine_of_tests.py": "import beside_of_tests\nclass Mine:\n    text = beside_of_tests.TEXT\nNUMBER = 3\n",
    "beside_of_tests.py": "TEXT = 'beside'\n",
    "package_of_tests/__init__.py": "",
    "package_of_tests/inner.py": "class Mine:\n    pass\n",
    "needy_of_tests.py": "import no_such_library\n",
    "broken_of_tests.py": "raise RuntimeError('two\\nlines')\n",
    "ending_of_tests.py": "import sys\nsys.exit('gone')\n",
    "wrong_of_tests.py": "def\n",
    "objectives.py": "class Mine:\n    pass\n",
    "statistics.py": "class Mine:\n    pass\n",
    "methods_of_tests.py": "class Mine:\n    @staticmethod\n    def loss(x): return x\nmine = Mine()\n",
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A folder with a suite and modules beside it, which is not the current folder and not on the path."""
    folder = tmp_path / "my study"
    for name, text in {**MODULES, "mine.toml": SUITE}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    use_module_folder(None)
    before = list(sys.path)
    yield folder
    use_module_folder(None)
    assert sys.path == before
    assert not [name for name in sys.modules if "_of_tests" in name and not name.startswith("tests.")]


@pytest.mark.parametrize("name", ["methods_of_tests:Mine.loss", "methods_of_tests:mine.loss"])
def test_a_method_is_found(study, name):
    """As Python's own entry points name it: the module, a colon, and the way to it."""
    load(str(study / "mine.toml"))
    assert import_part("objectives.f.function", name)(3) == 3


@pytest.mark.parametrize("name", ["mine_of_tests:Mine", "mine_of_tests.Mine", "package_of_tests.inner:Mine"])
def test_a_module_beside_the_suite_is_found(study, monkeypatch, name):
    """Whatever the current folder, by an absolute path or a relative one, with what it imports from there."""
    load(str(study / "mine.toml"))
    assert import_part("a", name).__name__ == "Mine"

    use_module_folder(None)
    load("../my study/mine.toml")
    assert import_part("a", name).__name__ == "Mine"


def test_two_suites_may_have_modules_of_the_same_name(study, tmp_path):
    """A process that goes on with another suite finds that suite's own module, and what it imports."""
    load(str(study / "mine.toml"))
    first = import_part("a", "mine_of_tests:Mine")
    other = tmp_path / "other"
    other.mkdir()
    for name in ("mine.toml", "mine_of_tests.py"):
        (other / name).write_text((study / name).read_text())
    (other / "beside_of_tests.py").write_text("TEXT = 'other'\n")

    load(str(other / "mine.toml"))
    second = import_part("a", "mine_of_tests:Mine")
    load(str(other / "mine.toml"))

    assert (first.text, second.text) == ("beside", "other")
    assert import_part("a", "mine_of_tests:Mine") is second
    assert used_module_folder() == str(other)


def place(modules):
    return ModulePlace(folder=None, modules=modules, definitions=None)


def test_a_worker_finds_the_modules_of_the_suite_it_works_for(study):
    """Workers that are kept for the next suite of a process do not keep the last one's folder."""
    made = call_in_folder(place(str(study)), import_part, "a", "mine_of_tests:Mine")
    assert made.text == "beside"

    with pytest.raises(BadInput, match="No module named 'mine_of_tests'"):
        call_in_folder(place(None), import_part, "a", "mine_of_tests:Mine")


def test_the_folder_comes_last(study):
    """Nothing beside a suite takes the place of the harness or of the standard library."""
    load(str(study / "mine.toml"))

    assert sys.path[-1] == str(study)
    assert import_part("a", "objectives:Registry").__module__ == "objectives.registry"
    assert import_part("a", "statistics:mean").__module__ == "statistics"


def test_a_shipped_suite_has_no_folder_of_modules(study):
    """Nor does it keep that of the suite before it."""
    load(str(study / "mine.toml"))
    load("digits")

    assert used_module_folder() is None
    assert str(study) not in sys.path


@pytest.mark.parametrize(
    ("name", "fragments"),
    [
        ("mine_of_test:Mine", ["No module named 'mine_of_test'", "the suite's folder STUDY", '"mine_of_tests"?)']),
        ("no.such.module:Mine", ["No module named 'no'; looked in the suite's folder STUDY", "installed packages)"]),
        ("mine_of_tests.inner:Mine", ["'mine_of_tests' is not a package; looked in "]),
        ("package_of_tests.iner:Mine", ["No module named 'package_of_tests.iner'; looked in "]),
        ("mine_of_tests:mine", ["mine_of_tests, STUDY/mine_of_tests.py, has no attribute 'mine' (did", '"Mine"?)']),
        ("mine_of_tests:", ["has no attribute ''"]),
        ("mine_of_tests:NUMBER", ["'mine_of_tests:NUMBER': not a class or function"]),
        ("needy_of_tests:Mine", ["was found, STUDY/needy_of_tests.py, but not what it imports itself: No module"]),
        ("broken_of_tests:Mine", ["was found, STUDY/broken_of_tests.py, but raised RuntimeError: two lines"]),
        ("ending_of_tests:Mine", ["was found, STUDY/ending_of_tests.py, but raised SystemExit: gone"]),
        ("wrong_of_tests:Mine", ["wrong_of_tests was found, STUDY/wrong_of_tests.py, but raised ", "SyntaxError"]),
        (
            "objectives:Mine",
            ["has no attribute 'Mine'", "; STUDY/objectives.py has the name of a module that comes before"],
        ),
        ("statistics:Mine", ["STUDY/statistics.py has the name of a module that comes", "give it another name"]),
        (
            "objectives.mine:Mine",
            ["No module named 'objectives.mine'; ", "STUDY/objectives.py has the name of a module"],
        ),
    ],
)
def test_a_failed_import_says_which_way_it_failed(study, name, fragments):
    """Not found with where it was looked for, found but failing with the file, or found without such a class."""
    load(str(study / "mine.toml"))

    with pytest.raises(BadInput) as refusal:
        import_part("algorithms.a.searcher", name)

    message = str(refusal.value)
    assert message.startswith(f"algorithms.a.searcher = {name!r}: ")
    assert "\n" not in message
    for fragment in fragments:
        assert fragment.replace("STUDY", str(study)) in message


def test_folders_of_the_installation_are_not_the_users(tmp_path):
    """The interpreter's own folders, and what is not there, are no places of a user's modules."""
    (tmp_path / "venv" / "lib").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    paths = [str(tmp_path / name) for name in ("venv/lib", "mine", "nowhere", "mine")]

    assert user_module_folders(paths, str(tmp_path / "venv")) == (str(tmp_path / "mine"),)
