"""The environment in headers: variables that change bits, and the code that results come from."""

import subprocess
import sys
from dataclasses import replace

import pytest

from benchmark.driver import code_changes
from benchmark.driver.runner import Runner
from benchmark.reproducibility import source_digests
from benchmark.reproducibility.environment import (
    CPU_SWITCHES,
    CUBLAS_WORKSPACE,
    DECIDES_BITS,
    GPU_SWITCHES,
    bit_changing_variables,
    describe_environment,
    describe_version,
)
from benchmark.storage.ledger_format import read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.suite import parsing as suites
from benchmark.workers import cluster_worker, handshake
from benchmark.workers.handshake import Handshake
from objectives.objective import Machine
from tests import ROOT
from tests.benchmark.fakes.message_listener import MessageListener
from tests.benchmark.records import lines_of

SUITE = """
seed = 3
repetitions = 1
budget.trials = 4
algorithms.mine.searcher = "{searcher}"
[objectives.deadly]
name = "tests.benchmark.fakes.crashing:Crashing"
"""
SEARCHER = """
class Shrink:
    def __init__(self, config_space):
        self.space = config_space
    def sample_configuration(self):
        return {name: distribution.rvs() for name, distribution in self.space.items()}
    def update(self, config, error, additional_info=None):
        pass
"""


@pytest.fixture(autouse=True)
def _bare(monkeypatch):
    """No variable that changes bits is set, and no module's source is remembered."""
    for name in (*CPU_SWITCHES, *GPU_SWITCHES):
        monkeypatch.delenv(name, raising=False)
    source_digests._of_module.cache_clear()
    yield
    source_digests._of_module.cache_clear()


def write_suite(folder, searcher="random"):
    """A small suite."""
    (folder / "tiny.toml").write_text(SUITE.format(searcher=searcher))
    return suites.load(str(folder / "tiny.toml"))


def run(suite, folder, **options):
    """Run a suite in this process; the states of its reports and the messages."""
    listener = MessageListener()
    reports = Runner(suite, folder, jobs=1, machine=Machine(), listener=listener, **options).run()
    return [(report.state, report.problem) for report in reports], listener.messages


def cut(path, change=None):
    """Make a partial ledger with two evaluations of a complete one, its header changed; the partial one."""
    records = read_ledger(path).records[:3]
    if change is not None:
        change(records[0])
    part = path.with_name(path.name + ".part")
    part.write_bytes(lines_of(*records))
    path.unlink()
    return part


# Variables.


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_without_such_variables_nothing_is_said_of_them(monkeypatch, device):
    """Headers stay what they were before: no key, whatever else is set."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    monkeypatch.setenv("MKL_SOMETHING_ELSE", "1")
    monkeypatch.setenv("MKL_CBWR", "")
    assert bit_changing_variables(device) == {}
    assert "switches" not in describe_environment("cpu", 1)
    assert "hunter2" not in str(describe_environment("cpu", 1))


@pytest.mark.parametrize("name", CPU_SWITCHES)
def test_each_variable_that_changes_bits_is_in_the_card(monkeypatch, name):
    """With its value, on the CPU and on a GPU, where initial weights are drawn on the CPU too."""
    monkeypatch.setenv(name, "AVX2")
    assert bit_changing_variables("cpu") == bit_changing_variables("cuda:0") == {name: "AVX2"}
    assert describe_environment("cpu", 1)["switches"] == {name: "AVX2"}
    assert "switches" in DECIDES_BITS


@pytest.mark.parametrize("name", GPU_SWITCHES)
def test_a_gpus_variables_matter_on_a_gpu(monkeypatch, name):
    """A CPU's results do not depend on them."""
    monkeypatch.setenv(name, "0")
    assert bit_changing_variables("cuda") == {name: "0"}
    assert bit_changing_variables("cpu") == {}


def test_the_workspace_that_we_set_ourselves_is_no_change(monkeypatch):
    """A process that has trained on a GPU has the variable; another value is another matter."""
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", CUBLAS_WORKSPACE)
    assert bit_changing_variables("cuda") == {}
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
    assert bit_changing_variables("cuda") == {"CUBLAS_WORKSPACE_CONFIG": ":16:8"}


@pytest.mark.parametrize("value", ["x" * 65, "\udcff", "é", "a\nb"])
def test_a_long_or_strange_value_is_told_by_its_digest(monkeypatch, value):
    """It is compared, and is neither copied nor able to spoil a record."""
    monkeypatch.setenv("GLIBC_TUNABLES", value)
    (digest,) = bit_changing_variables("cpu").values()
    assert digest.startswith("sha256:")
    assert len(digest) == 23
    monkeypatch.setenv("GLIBC_TUNABLES", value + value)
    assert bit_changing_variables("cpu") != {"GLIBC_TUNABLES": digest}


def test_another_setting_on_resume_is_refused_or_marked(tmp_path, monkeypatch):
    """A run begun without a setting does not go on with it unless asked to; then its ledger says so."""
    suite = write_suite(tmp_path)
    run(suite, tmp_path)
    path = tmp_path / "tiny/runs/deadly/mine/000.jsonl"
    assert "switches" not in read_ledger(path).records[0]["environment"]
    cut(path)
    monkeypatch.setenv("MKL_CBWR", "COMPATIBLE")
    with pytest.raises(RunRefused, match=r"switches was None and is now \{'MKL_CBWR': 'COMPATIBLE'\}"):
        run(suite, tmp_path)
    assert run(suite, tmp_path, allow_mixed=True)[0] == [("done", None)]
    (resumed,) = [record for record in read_ledger(path).records if record["kind"] == "resumed"]
    assert resumed["environment"]["switches"] == {"MKL_CBWR": "COMPATIBLE"}

    cut(path, lambda header: header["environment"].update(switches={"MKL_CBWR": "COMPATIBLE"}))
    monkeypatch.delenv("MKL_CBWR")
    with pytest.raises(RunRefused, match="continuing could mix bits"):
        run(suite, tmp_path)


@pytest.mark.slow
def test_a_worker_with_another_setting_is_refused(tmp_path, monkeypatch):
    """Its child finds the variable in its environment; the message has both settings."""
    probe = tmp_path / "probe"
    probe.write_text("text")
    mine = handshake.describe_process("cpu", ())
    fields = {
        "label": "",
        "token": "switched",
        "driver": None,
        "working_folder": str(ROOT),
        "module_folders": (),
        "device": "cpu",
    }
    terms = Handshake(folder=tmp_path, libraries=(), description=mine, **fields)
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")

    assert cluster_worker.probe(terms, probe, "text") == [
        "the environment is None here and OPENBLAS_CORETYPE=Haswell there"
    ]


# Code.


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A user's module that can be imported; forgotten afterwards."""
    folder = tmp_path / "code"
    folder.mkdir()
    path = folder / "my_search.py"
    path.write_text(SEARCHER)
    monkeypatch.syspath_prepend(str(folder))
    yield path
    for name in [name for name in sys.modules if name.split(".")[0].startswith("my_")]:
        del sys.modules[name]


def fresh(names):
    """Digests as another process would find them."""
    source_digests._of_module.cache_clear()
    return source_digests.digest_modules(names)


def test_the_modules_of_a_suite_are_those_of_its_dotted_paths(tmp_path):
    """Of objectives, schedulers and searchers, in both spellings, each once."""
    suite = write_suite(tmp_path, "my_search.Shrink")
    assert code_changes.named_modules(suite) == ("my_search", "tests.benchmark.fakes.crashing")
    twice = replace(suite, algorithms=suite.algorithms * 2)
    assert code_changes.named_modules(twice) == ("my_search", "tests.benchmark.fakes.crashing")


def test_a_module_is_told_by_its_source_without_importing_it(module):
    """The digest follows the content; a module that is not there has none."""
    before = fresh(["my_search", "my_other"])
    assert "my_search" not in sys.modules
    assert before["my_search"] is not None
    assert before["my_other"] is None
    assert fresh(["my_search"]) == {"my_search": before["my_search"]}
    module.write_text(SEARCHER + "# changed\n")
    assert fresh(["my_search"])["my_search"] != before["my_search"]


def test_what_a_module_has_beside_it_in_its_package_counts(module):
    """It may use the package's other modules; what lies beside a module without a package does not count."""
    package = module.parent / "my_package" / "inner"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (package / "search.py").write_text(SEARCHER)
    names = ["my_package.inner.search", "my_search"]
    before = fresh(names)
    (package.parent / "space.py").write_text("WIDTH = 3\n")
    (module.parent / "unrelated.py").write_text("WIDTH = 3\n")
    after = fresh(names)
    assert after["my_search"] == before["my_search"]
    assert after["my_package.inner.search"] != before["my_package.inner.search"]


@pytest.mark.parametrize("name", ["sys", "math", "my search", "..x", "", "joblib"])
def test_any_name_has_a_digest_or_none(name):
    """Built-in modules, installed ones and what is no name at all: never an exception."""
    assert set(fresh([name])) == {name}


def test_workers_must_have_the_users_modules_alike(module):
    """The card has them by name, and the message names the module."""
    mine = handshake.describe_process("cpu", (), ["my_search"])
    module.write_text(SEARCHER + "# changed\n")
    source_digests._of_module.cache_clear()
    theirs = handshake.describe_process("cpu", (), ["my_search"])
    (difference,) = handshake.differences(mine, theirs)
    assert difference.startswith("the module my_search is ")
    (difference,) = handshake.differences(mine, {**mine, "the module my_search": None})
    assert difference.endswith(" here and None there")


@pytest.mark.slow
def test_a_workers_child_finds_the_module_where_the_driver_has_it(module, tmp_path):
    """By the driver's folders; a child of other terms refuses the changed source."""
    probe = tmp_path / "probe"
    probe.write_text("text")
    fields = {
        "label": "",
        "driver": None,
        "working_folder": str(ROOT),
        "module_folders": (str(module.parent),),
        "device": "cpu",
    }
    mine = handshake.describe_process("cpu", (), ["my_search"])
    terms = Handshake(folder=tmp_path, libraries=(), description=mine, modules=("my_search",), token="same", **fields)
    assert cluster_worker.probe(terms, probe, "text") == []
    module.write_text(SEARCHER + "# changed\n")
    (difference,) = cluster_worker.probe(replace(terms, token="changed"), probe, "text")
    assert difference.startswith("the module my_search is ")


def test_changed_code_on_resume_is_told_and_recorded(tmp_path, module):
    """One line names what has changed; the run goes on, and its ledger has both digests."""
    suite = write_suite(tmp_path, "my_search:Shrink")
    assert run(suite, tmp_path) == ([("done", None)], [])
    path = tmp_path / "tiny/runs/deadly/mine/000.jsonl"
    before = read_ledger(path).records[0]["environment"]["sources"]
    assert set(before) == {"incumbent", "my_search", "tests.benchmark.fakes.crashing"}
    expected = [record["config"] for record in read_ledger(path).records if record["kind"] == "evaluation"]
    cut(path)
    module.write_text(SEARCHER + "# changed\n")
    source_digests._of_module.cache_clear()

    states, (line,) = run(suite, tmp_path)

    assert states == [("done", None)]
    assert line.startswith(f"{tmp_path / 'tiny'}: 1 runs there were recorded by other code (my_search has changed")
    records = read_ledger(path).records
    assert [record["config"] for record in records if record["kind"] == "evaluation"] == expected
    (resumed,) = [record for record in records if record["kind"] == "resumed"]
    assert resumed["environment"]["sources"] == {**before, "my_search": fresh(["my_search"])["my_search"]}


def test_a_ledger_from_before_is_of_unknown_code(tmp_path):
    """Without a word on its code it goes on as ever: nothing is said, no record is added."""
    suite = write_suite(tmp_path)
    run(suite, tmp_path)
    path = tmp_path / "tiny/runs/deadly/mine/000.jsonl"
    cut(path, lambda header: header["environment"].pop("sources"))

    assert run(suite, tmp_path) == ([("done", None)], [])
    assert "resumed" not in [record["kind"] for record in read_ledger(path).records]


def test_a_complete_suite_is_looked_at_in_peace(tmp_path, module):
    """Nothing is trained, so other code than the recorded one is nobody's trouble."""
    suite = write_suite(tmp_path, "my_search:Shrink")
    run(suite, tmp_path)
    module.write_text(SEARCHER + "# changed\n")
    source_digests._of_module.cache_clear()

    assert run(suite, tmp_path) == ([], [])


@pytest.mark.parametrize(("installed", "version"), [(True, "incumbent 7.5"), (False, "unknown")])
def test_a_repository_around_an_installation_is_not_the_harness(tmp_path, monkeypatch, installed, version):
    """The commit of a project that has the harness installed says nothing of it; the installed version does."""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "theirs"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    packages, other = tmp_path / "site-packages", tmp_path / "other"
    metadata = (packages if installed else other) / "incumbent-7.5.dist-info"
    metadata.mkdir(parents=True)
    packages.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: incumbent\nVersion: 7.5\n")
    monkeypatch.syspath_prepend(str(metadata.parent))

    assert describe_version(packages) == version
    assert describe_version(tmp_path) not in (version, "unknown")  # Its own repository's commit.
