"""The documents: every file, test, module and link that they name exists, and every page is in an index."""

import re

import pytest

from tests import ROOT
from tests.test_layers import ORDER

DOCS = ROOT / "docs"
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "results" / "reference" / "README.md",
    ROOT / "algorithms" / "external" / "README.md",
    *sorted(DOCS.rglob("*.md")),
]
LINKED = [ROOT / "CHANGELOG.md", *DOCUMENTS]
README_BYTES = 12 * 1024


def names(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("document", LINKED, ids=names)
def test_every_link_leads_somewhere(document):
    """Relative links and pictures exist, and so do the headings that they name."""
    for target, heading in re.findall(r"\]\(([^)#\s]*)(?:#([\w-]+))?\)", document.read_text()):
        if "://" not in target:
            path = document.parent / target if target else document
            assert path.exists(), target
            assert not heading or heading in headings(path), f"{target}#{heading}"


def headings(path):
    """The anchors of a page's headings, as GitHub forms them."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_every_source_that_is_named_is_there(document):
    """Paths of our folders, whole files and folders alike, and modules behind `python -m`."""
    text = document.read_text()
    for path in re.findall(r"(?<![\w/.])((?:algorithms|analysis|benchmark|docs|objectives|tests)/[\w./-]*\w/?)", text):
        below_tests = path.startswith(("algorithms", "analysis", "benchmark", "objectives")) and "/test_" in path
        assert (ROOT / "tests" / path if below_tests else ROOT / path).exists(), path
    for module in re.findall(r"python -m ((?:analysis|benchmark|tests)[\w.]*)", text):
        path = ROOT / module.replace(".", "/")
        assert path.is_dir() or path.with_suffix(".py").is_file(), module


@pytest.mark.parametrize("document", DOCUMENTS, ids=names)
def test_every_target_of_make_is_there(document):
    """Commands in code: `make plots`, also at the beginning of a line."""
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([a-z][a-z-]*)", document.read_text(), flags=re.MULTILINE)) <= set(targets)


@pytest.mark.parametrize(("page", "fewest"), [("faults.md", 60), ("bad-input.md", 40)])
def test_every_test_that_a_promise_names_is_there(page, fewest):
    """`file::part of a name`: a promise whose test was renamed or removed is a promise without one."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", (DOCS / page).read_text())
    assert len(named) >= fewest
    for file, part in named:
        assert re.search(rf"\n\s*def test_\w*{part.removeprefix('test_')}", (ROOT / "tests" / file).read_text()), part


@pytest.mark.parametrize("package", ORDER)
def test_the_order_of_rooms_is_that_of_the_architecture(package):
    """The page lists the rooms of every package as `test_layers.py` holds them."""
    row = re.search(rf"^\| `{package}/` \| (.*?) \|", (DOCS / "architecture.md").read_text(), flags=re.MULTILINE)
    assert row
    assert re.findall(r"`(\w+)`", row[1]) == [room for room in ORDER[package] if not room.startswith("__")]


@pytest.mark.parametrize("folder", [DOCS, DOCS / "decisions"], ids=names)
def test_every_page_is_in_its_index(folder):
    """A page that no index names is found by nobody."""
    index = (folder / "README.md").read_text()
    assert [path.name for path in sorted(folder.glob("*.md")) if f"({path.name})" not in index] == ["README.md"]


def test_the_readme_is_short():
    """What a newcomer reads first has at most twelve kilobytes."""
    assert len((ROOT / "README.md").read_bytes()) <= README_BYTES
