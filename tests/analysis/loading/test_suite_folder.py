"""Where a suite's results are, by the suite's name or by the path of its file."""

import pytest

from analysis.loading.suite_folder import suite_folder
from benchmark.errors import BadInput


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A folder of results with one suite in it, and a suite file without the usual suffix."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results" / "mine").mkdir(parents=True)
    (tmp_path / "results" / "mine" / "suite.json").write_text("{}")
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "mine").write_text("")
    return tmp_path / "results"


@pytest.mark.parametrize(
    "suite",
    ["mine", "mine.toml", "./mine.toml", "my dir/mine.toml", "/no/such/mine.toml", "../mine.toml", "study/mine"],
)
def test_a_suite_is_found_by_its_name_or_its_file(results, suite):
    """`analysis` takes what `benchmark run` takes, and the file may be gone."""
    assert suite_folder(results, suite) == results / "mine"


@pytest.mark.parametrize(
    "suite", ["other.toml", "study/other.toml", "results/mine", "../results/mine", ".toml", "mine.tom"]
)
def test_another_suite_is_not_found(results, suite):
    """A file's name stands for a suite of the same name only."""
    with pytest.raises(BadInput, match=r"no such suite|holds no suite\.json"):
        suite_folder(results, suite)
