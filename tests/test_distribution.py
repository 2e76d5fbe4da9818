"""What is installed and handed on is complete: a wheel has the four packages' files, a source distribution all."""

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests import ROOT

PACKAGES = ("algorithms", "analysis", "benchmark", "objectives")
ONLY_HERE = (".ci/", ".github/", ".gitignore")
"""What belongs to the repository and to nobody who unpacks its sources."""
BUILD = "import setuptools.build_meta as build, sys; build.{}(sys.argv[1])"


def tracked():
    """The files that the repository has."""
    words = ["git", "ls-files", "-z"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def build(hook, folder, out):
    """Let setuptools make a distribution of a folder, as `pip install` does; returns its file."""
    out.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", BUILD.format(hook), str(out)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return next(out.iterdir())


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """Names in the source distribution and in the wheel that is made of it alone; a folder with the wheel's files."""
    pytest.importorskip("setuptools", reason="pip install setuptools")
    folder = tmp_path_factory.mktemp("with space é")
    for name in tracked():
        (folder / "copy" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / "copy" / name)
    with tarfile.open(build("build_sdist", folder / "copy", folder / "sdist")) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
        archive.extractall(folder / "unpacked", filter="data")
    wheel = build("build_wheel", next((folder / "unpacked").iterdir()), folder / "wheel")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
        return names, set(archive.namelist()), folder / "site"


@pytest.mark.slow
def test_a_source_distribution_has_everything(distributions):
    """Tests, documents, locks, published results: it works like a checkout."""
    names, _, _ = distributions

    missing = {name for name in tracked() if not name.startswith(ONLY_HERE)} - names
    generated = {name for name in names - set(tracked()) if not name.startswith("incumbent.egg-info/")}
    assert (missing, generated) == (set(), {"PKG-INFO", "setup.cfg"})


@pytest.mark.slow
def test_a_wheel_has_every_file_of_the_packages(distributions):
    """Suites, calibrations, tables, templates, C sources, locks and examples, and nothing that is not ours."""
    _, names, _ = distributions

    ours = {name for name in tracked() if name.partition("/")[0] in PACKAGES} | {"incumbent.py"}
    installed = {name for name in names if ".dist-info/" not in name}
    assert installed == ours


SUITE = """
repetitions = 2
budget.trials = 2
device = "cpu"
clock = "modelled"
calibration = "epyc"
objectives.softmax = { data = "digits" }
algorithms.mine.searcher = "mine:Mine"
algorithms.perl.searcher = { name = "external", command = ["perl", "{root}/algorithms/external/random_search.pl"] }
"""
TABLES = """
repetitions = 1
budget.trials = 2
clock = "tabulated"
objectives.lenet.table = "digits:lenet"
algorithms.random.searcher = "random"
"""
MINE = """
class Mine:
    def __init__(self, config_space, rng):
        self.space, self.rng = config_space, rng

    def sample_configuration(self):
        return self.space.sample(self.rng)

    def update(self, config, error, additional_info=None):
        pass
"""


@pytest.mark.slow
def test_what_is_installed_works_in_a_folder_of_ones_own(distributions, tmp_path):
    """Shipped tables, calibrations and programs are found, own modules too; nothing is written but below the folder."""
    _, _, site = distributions
    before = {path.relative_to(site) for path in site.rglob("*")}
    folder = tmp_path / "Düne und Meer"
    folder.mkdir()
    (folder / "mine.py").write_text(MINE)
    (folder / "mine.toml").write_text(SUITE)
    (folder / "tables.toml").write_text(TABLES)
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1", "CUDA_VISIBLE_DEVICES": ""}

    for words in (["run", "mine.toml", "--jobs", "2"], ["tables", "mine"], ["run", "tables.toml"]):
        done = subprocess.run(
            [sys.executable, "-m", "incumbent", *words, "--quiet"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), words

    assert (folder / "results" / "mine" / "tables" / "summary.csv").is_file()
    assert {path.relative_to(site) for path in site.rglob("*")} == before
    assert sorted(path.name for path in folder.iterdir()) == ["mine.py", "mine.toml", "results", "tables.toml"]
