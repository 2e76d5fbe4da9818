"""What the tests of the book's interface share: a reader's code may use and seed the global generators."""

import pytest

from tests.conftest import global_state, put_back


@pytest.fixture
def _own_global_state():
    """A notebook uses the global generators; give them back as they were."""
    before = global_state()
    yield
    put_back(before)
