"""What the tests of this folder have in common."""

import os

import pytest


@pytest.fixture(autouse=True, scope="module")
def _no_disk():
    """Records need not survive a power cut here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield
