"""What a plan says of studies that were imported from other tools: their clocks, and whether repetitions are pairs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.errors import BadInput, require_value, short_repr
from benchmark.storage.suite_json import IMPORTED, is_imported

UNKNOWN = "unknown"
"""What stands where another tool recorded nothing."""
COUNTED = "trials counted"
"""What the words of a clock hold that counts trials, for its tool recorded no times."""
NO_SPACE = "unknown: the tool records no space of hyperparameters"
"""What a figure of hyperparameters says where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """The section `imported` of a plan.

    Attributes:
        matching: in words, how studies became repetitions.
        paired: whether the same repetition of two algorithms is a pair.
        clocks: in words, what the runtime of each algorithm is, by its label.
        studies: each one that was imported, with what is known of it.
        notes: what a reader must know, a sentence each.
    """

    matching: str
    paired: bool
    clocks: Mapping[str, str]
    studies: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]

    @property
    def unit(self) -> str:
        """The unit of the runtime: seconds, or trials where a clock counts them for want of times."""
        counted = {COUNTED in words for words in self.clocks.values()}
        return "s or trials" if len(counted) > 1 else "trials" if counted == {True} else "s"

    def clock(self, names: Mapping[str, str]) -> str:
        """What the runtime is, in words; by algorithm where their clocks differ.

        Args:
            names: what each algorithm is called, by its label.
        """
        by_words: dict[str, list[str]] = {}
        for label, words in self.clocks.items():
            by_words.setdefault(words, []).append(names.get(label, label))
        if len(by_words) == 1:
            return next(iter(by_words))
        return "; ".join(f"{', '.join(labels)}: {words}" for words, labels in by_words.items())


def read_imported(declared: Mapping[str, Any], algorithms: Sequence[str]) -> Imported | None:
    """Read the section of a checked `suite.json`; None where it has none.

    Raises:
        BadInput: a value of another kind than the import writes.
    """
    if not is_imported(declared):
        return None
    section: Mapping[str, Any] = declared[IMPORTED]
    clocks, studies, notes = (
        require_value(section, name, kind) for name, kind in (("clocks", dict), ("studies", list), ("notes", list))
    )
    if not all(isinstance(clocks.get(label), str) for label in algorithms):
        raise BadInput(f"{IMPORTED}.clocks = {short_repr(clocks)}: need a text for every algorithm")
    if type(section.get("paired")) is not bool:
        raise BadInput(f"{IMPORTED}.paired = {short_repr(section.get('paired'))}: need true or false")
    if not all(isinstance(study, dict) for study in studies) or not all(isinstance(note, str) for note in notes):
        raise BadInput(f"{IMPORTED}: need studies, a list of tables, and notes, a list of texts")
    return Imported(
        matching=require_value(section, "matching", str),
        paired=section["paired"],
        clocks={label: clocks[label] for label in algorithms},
        studies=tuple(studies),
        notes=tuple(notes),
    )


def imported_notes(imported: Imported | None) -> list[str]:
    """What a reader of an imported suite must know, a sentence each; nothing of one that was run here."""
    if imported is None:
        return []
    single = len(imported.clocks) == 1
    pairs = (
        "Repetitions of the same number are pairs, and are compared as pairs."
        if imported.paired
        else "Nothing says which repetitions are pairs, so comparisons are unpaired: they find less than paired ones."
    )
    return [f"Repetitions: {imported.matching}.", *([] if single else [pairs]), *imported.notes]


def count_planned(states: Iterable[str], imported: Imported | None) -> int:
    """How many of some runs there should be, by their states: nobody has planned an imported one that is not there."""
    return sum(imported is None or state != "missing" for state in states)
