"""What tests of several rooms ask for."""

import os

import pytest


@pytest.fixture(scope="module")
def no_disk():
    """Records need not survive a power cut in this module."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda file: None)
        yield
