"""The tutorial: every command runs as it stands, from the installation on, and prints what the page shows."""

import itertools
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pandas as pd
import pytest

from tests import ROOT
from tests.test_distribution import tracked

PAGE = (ROOT / "docs" / "tutorial.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
"""Language and text of each block of the page."""
APPENDED = "my_comparison.toml"
"""The file that the page's one block of TOML goes to the end of."""
INSTALLED = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
}
"""The requirements are there already: those that the tests have."""


def script():
    """The page as one script of bash, which says before each block of commands which one it is."""
    parts = ["set -e"]
    for number, (language, text) in enumerate(BLOCKS):
        if language == "sh":
            parts.append(f"echo 'block {number}'\n{text}")
        elif language == "toml":
            parts.append(f"cat >> {APPENDED} <<'END'\n\n{text}END\n")
    return "\n".join(parts)


def shows(printed, shown):
    """Whether lines are among those printed, in their order and, between dots, without another one between them."""
    rest = printed
    for part in shown.split("...\n"):
        place = f"\n{rest}".find(f"\n{part}")
        if place < 0:
            return False
        rest = rest[place + len(part) :]
    return True


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """A folder in which the whole page was followed, and what each block of commands printed, by its number."""
    pytest.importorskip("setuptools", reason="pip install setuptools")
    folder = tmp_path_factory.mktemp("tutorial")
    for name in tracked():
        (folder / "incumbent" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / "incumbent" / name)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "PYTHON"))}
    environment |= {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "CUDA_VISIBLE_DEVICES": ""}
    environment |= {"PYTHONPATH": sysconfig.get_path("purelib"), **INSTALLED}
    command = ["bash", "-c", f"exec 2>&1\n{script()}"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:]
    _, *pieces = re.split(r"^block (\d+)\n", done.stdout, flags=re.MULTILINE)
    return folder / "my_study", dict(zip(map(int, pieces[::2]), pieces[1::2], strict=True))


def test_the_page_is_read_right():
    """Each block is one of commands, of output after commands, of code, or the suite's; the reader below sees a lie."""
    languages = [language for language, _ in BLOCKS]
    assert set(languages) == {"sh", "text", "python", "toml"}
    assert languages.count("toml") == 1
    assert all(before == "sh" for before, after in itertools.pairwise(languages) if after == "text")
    assert shows("one\ntwo\nthree\nfour\n", "two\n...\nfour\n")
    assert not shows("one\ntwo\nthree\nfour\n", "two\nfour\n")
    assert not shows("one\ntwo\n", "two\n...\none\n")


@pytest.mark.slow
def test_every_command_runs_and_prints_what_is_shown(followed):
    """In a fresh environment with the package installed, and a folder that is no checkout."""
    folder, printed = followed
    outputs = [(number - 1, text) for number, (language, text) in enumerate(BLOCKS) if language == "text"]
    assert len(outputs) >= 7
    assert [text for number, text in outputs if not shows(printed[number], text)] == []
    for text in [text for language, text in BLOCKS if language == "python"]:
        assert shows((folder / "my_search.py").read_text(), text)


@pytest.mark.slow
def test_the_verdicts_are_those_of_the_run(followed):
    """The table of verdicts has the rows of pairwise.csv, rounded; a difference is the worse one's error more."""
    folder, _ = followed
    names = {"my search": "mine", "random search": "random", "local search": "local", "asha": "asha"}
    pairs = pd.read_csv(folder / "results" / "my_comparison" / "tables" / "pairwise.csv")
    rows = re.findall(r"^\| (lenet|mlp) \| (.*?) \| ([\d.-]+), ([\d.-]+) to ([\d.-]+) \| ([\d.]+) \|$", PAGE, re.M)
    assert len(rows) == 4
    for objective, verdict, *numbers in rows:
        first, second = re.fullmatch(
            r"(.*?) (?:and|is better than) (.*?)(?:: no difference shown)?", verdict.lower()
        ).groups()
        chosen = {names[first], names[second]}
        (row,) = [row for row in pairs.itertuples() if row.objective == objective and {row.a, row.b} == chosen]
        better = {"a better": row.a, "b better": row.b}.get(row.verdict)
        assert better == (names[first] if "better" in verdict else None)
        sign = 1 if row.b == names[first] else -1
        limits = sorted([sign * row.mean_difference_lo, sign * row.mean_difference_hi])
        for shown, value in zip(numbers, [sign * row.mean_difference, *limits, row.p_holm], strict=True):
            assert float(shown) == pytest.approx(value, abs=0.5001 * 10 ** -len(shown.partition(".")[2]))
