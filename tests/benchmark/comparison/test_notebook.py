"""`compare` in a real Jupyter kernel, and in a script without a main guard, with functions that exist only there.

Needs nbclient and ipykernel for the notebooks: `pip install nbclient ipykernel`; those tests are skipped without.
"""

import os
import re
import subprocess
import sys

import pytest

from benchmark.storage.ledger_format import read_ledger
from tests import ROOT

pytestmark = pytest.mark.slow

CELL = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
SHORT = {r"repetitions=\d+": "repetitions=2", r"trials=\d+": "trials=3", r"jobs=\d+": "jobs=1"}
"""Replacements that make a document's example quick."""

SCRIPT = """
import multiprocessing
from scipy import stats
from benchmark import compare

multiprocessing.set_start_method({method!r}, force=True)
SHIFT = 1.5

def shifted(x):
    return x - SHIFT

def objective(x):
    return shifted(x) ** 2

class Middle:
    def __init__(self, config_space, rng):
        self.space, self.rng = config_space, rng
    def sample_configuration(self):
        return self.space.decode(0.4 + 0.2 * self.rng.random(1))
    def update(self, config, error, additional_info=None):
        pass

space = {{"x": stats.uniform(-5, 10)}}
results = compare(objective, space, ["random", Middle], repetitions=2, trials=3, jobs=2, name="own")
print("began once")
"""


def trials(folder):
    """Configurations and errors of every run, by its path."""
    return {
        str(path.relative_to(folder)): [(r["config"], r["valid_error"]) for r in read_ledger(path).records[1:-1]]
        for path in sorted(folder.glob("runs/*/*/*.jsonl"))
    }


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """A function that executes cells in a kernel and returns their outputs, cell by cell."""
    remedy = "needs a Jupyter kernel: pip install nbclient ipykernel"
    nbformat, nbclient, _ = (pytest.importorskip(name, reason=remedy) for name in ("nbformat", "nbclient", "ipykernel"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), *filter(None, sys.path)]))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))

    def execute(*cells):
        made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        manager = {"resources": {"metadata": {"path": str(tmp_path)}}, "timeout": 300, "kernel_name": "python3"}
        nbclient.NotebookClient(made, **manager).execute()
        return [cell.outputs for cell in made.cells]

    return execute


def texts(outputs, kind):
    """The outputs of a cell of one type, such as `text/html`."""
    return [output.data[kind] for output in outputs if kind in output.get("data", {})]


@pytest.mark.parametrize("method", ["fork", pytest.param("spawn", marks=pytest.mark.faults)])
def test_a_script_without_a_main_guard(tmp_path, method):
    """It begins once, whatever the start method, and its workers have its functions and classes."""
    (tmp_path / "script.py").write_text(SCRIPT.format(method=method))
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.count("began once")) == (0, 1), done.stderr
    recorded = trials(tmp_path / "results" / "own")
    assert len(recorded) == 4
    for path, rows in recorded.items():
        assert all(error == (config["x"] - 1.5) ** 2 for config, error in rows)
        assert "Middle" not in path or all(-1 <= config["x"] <= 1 for config, _ in rows)


def test_in_a_kernel(notebook, tmp_path):
    """Progress, results and figures are shown; a second call trains nothing; an edited cell begins anew."""
    first, again, frame, figure, edited = notebook(
        SCRIPT.format(method="spawn") + "\nresults",
        'again = compare(objective, space, ["random", Middle], repetitions=2, trials=3, name="own")\n'
        "again.folder == results.folder",
        "results.tables['summary']",
        "results.plot('anytime-objective')",
        "SHIFT = 2.0\nother = compare(objective, space, [Middle], repetitions=1, trials=1)\n"
        "other.folder != results.folder",
    )
    progress, page = texts(first, "text/html")
    assert '<progress max="1" value="1.000">' in progress
    assert "data:image/png;base64," in page
    assert texts(again, "text/plain")[-1] == texts(edited, "text/plain")[-1] == "True"
    assert "valid_mean" in texts(frame, "text/html")[0]
    assert "data:image/png;base64," in texts(figure, "text/html")[0]
    assert len(trials(tmp_path / "results" / "own")) == 4


@pytest.mark.parametrize("document", ["README.md", "docs/notebooks.md", "docs/objectives-and-algorithms.md"])
def test_the_documents_examples(notebook, tmp_path, document):
    """What a document shows of `compare` runs as a notebook, beside the module that it shows; only shorter."""
    blocks = CELL.findall((ROOT / document).read_text())
    code = [block for block in blocks if "from benchmark import compare" in block]
    if not code:
        pytest.skip(f"{document} shows none")
    for cell in code:
        for module, name in re.findall(r"^from (my_\w+) import (\w+)", cell, re.MULTILINE):
            (shown,) = [block for block in blocks if f"def {name}(" in block]
            (tmp_path / f"{module}.py").write_text(shown)
        for long, short in SHORT.items():
            assert re.search(long, cell)
            cell = re.sub(long, short, cell)
        (outputs,) = notebook(cell)
        assert "data:image/png;base64," in texts(outputs, "text/html")[-1]
        assert len(list(tmp_path.glob("results/*/runs/*/*/*.jsonl"))) == 4
