"""The checkout stays as it is: what the guard in conftest.py calls a file that a test has left behind."""

from tests.conftest import files_below


def test_a_file_that_a_test_leaves_is_found(tmp_path):
    """A new file anywhere below the folder is found; what tools write into their caches is not."""
    before = files_below(tmp_path)
    for name in ("merged/tiny/runs/000.jsonl", ".git/index", "tests/__pycache__/test_a.pyc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.touch()

    assert files_below(tmp_path) - before == {"merged/tiny/runs/000.jsonl"}
