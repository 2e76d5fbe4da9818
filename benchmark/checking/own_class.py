"""What the tests of a user's class call: its import from their folder, and the checks of the command `check`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmark.checking.conformance import check_subject
from benchmark.checking.named_subject import name_subject
from benchmark.suite.module_folder import use_module_folder
from benchmark.suite.part_import import import_part

SECONDS = 120.0
"""For all properties: a test does not leave any out on a busy machine, as `check` does to be quick."""


def import_beside(test_file: str, name: str) -> Any:
    """Import a class or function from the folder of a test, whatever pytest does to the path of modules.

    Args:
        test_file: the test's `__file__`.
        name: dotted path, `my_search:MySearch`.

    Raises:
        BadInput: there is no such thing, or its module raises.
    """
    use_module_folder(str(Path(test_file).absolute().parent))
    return import_part("NAME", name)


def find_failures(test_file: str, name: str, **options: Any) -> list[str]:
    """List what a searcher or scheduler lacks that every comparison relies on, with what it did and what to do.

    Args:
        test_file: the test's `__file__`, beside which the class is.
        name: dotted path, `my_search:MySearch`.
        options: of the class.

    Raises:
        BadInput: there is no such class, or it takes an option not.
    """
    use_module_folder(str(Path(test_file).absolute().parent))
    findings = check_subject(name_subject(name, None, options), seconds=SECONDS)
    lacking = [each for each in findings if each.state == "no"]
    return [f"{each.name}: {each.meaning}. It did: {each.did}. To do: {each.remedy}" for each in lacking]
