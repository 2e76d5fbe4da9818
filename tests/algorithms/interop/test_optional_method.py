"""Methods of other libraries: found by their distribution, imported when asked for, and installed by their extras."""

import importlib.metadata
import sys
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from algorithms.adapters import registry as libraries
from algorithms.interop.optional_method import PROPERTIES, NotInstalled
from tests import ROOT
from tests.algorithms.invented import entry, publish


def test_nothing_is_imported_before_it_is_asked_for(site):
    """Declaring an entry and asking for its versions imports no library; loading does."""
    declared = entry("Wanderer")
    assert declared.versions() == {"invented": "1.0"}
    assert "invented_library.parts" not in sys.modules

    loaded = declared.load()

    assert loaded is sys.modules["invented_library.parts"].Wanderer


def test_versions_are_those_that_are_installed_now(site):
    """Another version is seen, and None stands for what is not there."""
    declared = entry("Wanderer", libraries=("invented", "never-published"))
    publish(site, "2.0rc1")

    assert declared.versions() == {"invented": "2.0rc1", "never-published": None}


def test_what_is_not_installed_says_how_to_install_it(site):
    """The first library that is missing is named with the extra; nothing is imported."""
    declared = entry("Wanderer", libraries=("invented", "never-published", "nor-this"), extra="invented")

    with pytest.raises(NotInstalled, match=r"^never-published is not installed: pip install '\.\[invented\]'$"):
        declared.load()

    assert "invented_library.parts" not in sys.modules


def test_a_library_is_found_by_its_distribution_not_by_its_module(site):
    """A module without a distribution has no version to record, so it does not count as installed."""
    (site / "invented-1.0.dist-info" / "METADATA").unlink()
    (site / "invented-1.0.dist-info").rmdir()

    with pytest.raises(NotInstalled, match="invented is not installed"):
        entry("Wanderer").load()


def test_a_property_nobody_knows_cannot_be_lacking():
    """A misspelt property would be a mark that no test looks at."""
    with pytest.raises(AssertionError, match="lacks"):
        entry("Wanderer", lacks={"pendign": "typo"})


@pytest.mark.parametrize("registry", [libraries.SEARCHERS, libraries.SCHEDULERS], ids=["searchers", "schedulers"])
def test_the_registry_says_what_a_reader_needs(registry):
    """Every entry has a summary of one line, reasons for what it lacks, and libraries that an extra installs."""
    for name, declared in registry.items():
        assert 20 < len(declared.summary) < 120, name
        assert "\n" not in declared.summary
        assert set(declared.lacks) <= set(PROPERTIES)
        assert all(len(why) > 5 for why in declared.lacks.values())
        assert bool(declared.libraries) == bool(declared.extra), name
        assert declared.path.count(":") == 1


def brought_by(requirements):
    """Names of the distributions that requirements bring with them, of those that are installed."""
    found, left = set(), [Requirement(text) for text in requirements]
    while left:
        wanted = left.pop()
        extras = {"", *wanted.extras}
        name = canonicalize_name(wanted.name)
        if (name, *sorted(extras)) in found:
            continue
        found.add((name, *sorted(extras)))
        try:
            needed = [Requirement(text) for text in importlib.metadata.requires(name) or ()]
        except importlib.metadata.PackageNotFoundError:
            continue
        left += [
            one
            for one in needed
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return {name for name, *_ in found}


@pytest.mark.parametrize("registry", ["SEARCHERS", "SCHEDULERS"])
def test_every_remedy_works(registry):
    """The extra that a message names is in pyproject.toml and brings every library of the entry."""
    text = (ROOT / "pyproject.toml").read_text()
    extras = tomllib.loads(text)["project"]["optional-dependencies"]
    for name, declared in getattr(libraries, registry).items():
        if not declared.extra or None in declared.versions().values():  # What it needs is known once it is there.
            continue
        brought = brought_by(extras[declared.extra])
        assert {canonicalize_name(library) for library in declared.libraries} <= brought, name
