"""What is installed and handed on is complete: a wheel has the four packages' files, a source distribution all."""

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
    """Names in the source distribution, and in the wheel that is built from it alone; the folder's name is hard."""
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
        return names, set(archive.namelist())


@pytest.mark.slow
def test_a_source_distribution_has_everything(distributions):
    """Tests, documents, locks, published results: it works like a checkout."""
    names, _ = distributions

    missing = {name for name in tracked() if not name.startswith(ONLY_HERE)} - names
    generated = {name for name in names - set(tracked()) if not name.startswith("incumbent.egg-info/")}
    assert (missing, generated) == (set(), {"PKG-INFO", "setup.cfg"})


@pytest.mark.slow
def test_a_wheel_has_every_file_of_the_packages(distributions):
    """Suites, calibrations, tables, templates, C sources, locks and examples, and nothing that is not ours."""
    _, names = distributions

    ours = {name for name in tracked() if name.partition("/")[0] in PACKAGES} | {"incumbent.py"}
    installed = {name for name in names if ".dist-info/" not in name}
    assert installed == ours
