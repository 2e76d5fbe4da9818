"""What a user enters: a method by its name, dotted path or TOML, as the entry of a suite."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmark.comparison.contestants import as_label, is_scheduler, known_part, takes_searcher
from benchmark.errors import BadInput, short_repr
from benchmark.storage.toml_files import TomlFiles
from benchmark.suite.model import AlgorithmEntry, is_dotted, plain
from benchmark.suite.module_folder import use_module_folder
from benchmark.suite.overrides import override
from benchmark.suite.parsing import parse_algorithm
from benchmark.suite.part_import import import_part

METHOD_FILES = TomlFiles(kind="method", folder=Path(__file__).parent / "methods")
"""Only paths are found, for no method comes with the harness in a file of its own."""

FORMS = "a registered name, a dotted path as my_search:Shrink, either with ,option=value, or TOML as in a suite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A method as a suite has it.

    Attributes:
        entry: its label keys the streams of its searches.
        name: what it is called beside the field's methods: the label, unless one of these bears it.
    """

    entry: AlgorithmEntry
    name: str


def read_entrant(text: str, identities: Mapping[str, Mapping[str, Any]]) -> Entrant:
    """Read what a user enters; a method that the field has too gets that one's label, and so the same streams.

    Args:
        text: name, dotted path or path of a TOML file, or TOML itself.
        identities: of the field's algorithms, by label.

    Raises:
        BadInput: none of these, an unknown name, or what cannot be imported.
    """
    label, table = _split(text)
    entry = parse_algorithm(as_label(label, "entrant"), table)
    return _with_label(entry, identities)


def with_option(entrant: Entrant, option: str, value: Any) -> Entrant:
    """The same method with another value of an option; its label stays, and so do its streams.

    Args:
        entrant: a method.
        option: of its own part: the searcher, or the scheduler where its own name is not the basic one. Others are
            given as `searcher.option` and `scheduler.option`.
        value: of the option.
    """
    entry = entrant.entry
    role, dot, name = option.partition(".")
    if not dot:
        role, name = ("searcher" if entry.scheduler.name == "basic" else "scheduler"), option
    part = getattr(entry, role, None) if role in ("searcher", "scheduler") else None
    if part is None:
        raise BadInput(f"--sweep {short_repr(option)}: need an option, or searcher.option or scheduler.option")
    changed = replace(part, options={**part.options, name: value})
    changes: dict[str, Any] = {role: changed}
    return replace(entrant, entry=replace(entry, **changes), name=f"{entrant.name} {name}={value}")


def _split(text: str) -> tuple[str, dict[str, Any]]:
    """The label and the table of an entry."""
    if text.lstrip().startswith("{"):
        return _of_inline_table(text)
    if text.endswith(".toml"):
        return _of_file(text)
    name, options = _options(text)
    return name.replace(":", ".").rpartition(".")[2], _entry(name, options)


def _of_inline_table(text: str) -> tuple[str, dict[str, Any]]:
    try:
        table = tomllib.loads(f"method = {text}")["method"]
    except ValueError as error:
        raise BadInput(f"METHOD {short_repr(text)}: not valid TOML ({error})") from error
    return _label_of(table), table


def _of_file(text: str) -> tuple[str, dict[str, Any]]:
    """A file with one table of a suite's `[algorithms]`; its modules may lie beside it."""
    path = METHOD_FILES.find(text)
    use_module_folder(str(path.parent.absolute()))
    entries = METHOD_FILES.read(path).get("algorithms")
    if not isinstance(entries, dict) or len(entries) != 1 or not all(isinstance(e, dict) for e in entries.values()):
        raise BadInput(
            f"method file {short_repr(text)}: need exactly one table [algorithms.LABEL], as a suite has them"
        )
    ((label, table),) = entries.items()
    return label, table


def _label_of(table: Mapping[str, Any]) -> str:
    """The names of an entry's parts, the scheduler's first."""
    parts = [table[role] for role in ("scheduler", "searcher") if role in table]
    names = [part.get("name") if isinstance(part, dict) else part for part in parts]
    return "-".join(str(name).replace(":", ".").rpartition(".")[2] for name in names)


def _options(text: str) -> tuple[str, dict[str, Any]]:
    """The name and the options of `name,option=value,...`; a value that is no TOML is a text."""
    name, comma, rest = text.partition(",")
    if not name.strip():
        raise BadInput(f"METHOD {short_repr(text)}: need {FORMS}")
    if not comma:
        return name, {}
    try:  # As one inline table first: lists and texts may hold commas.
        return name, tomllib.loads(f"options = {{{rest}}}")["options"]
    except ValueError:
        options: dict[str, Any] = {}
        for setting in rest.split(","):
            if "=" not in setting:
                raise BadInput(f"METHOD {short_repr(text)}: {short_repr(setting)} is no option=value") from None
            override(options, setting)
        return name, options


def _entry(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The table of an entry: a searcher under the basic scheduler, or a scheduler over random search."""
    if is_dotted(name):
        given: Any = import_part("METHOD", name)
        part: Any = {"name": name, **options}
    else:
        known = known_part("METHOD", name)
        given = name
        part = {**(known if isinstance(known, dict) else {"name": known}), **options}
    if not is_scheduler(given):
        return {"searcher": part}
    return {"scheduler": part, "searcher": "random"} if takes_searcher(given) else {"scheduler": part}


def _with_label(entry: AlgorithmEntry, identities: Mapping[str, Mapping[str, Any]]) -> Entrant:
    """Give a method of the field's its label there, and any other a label that no method of the field has."""
    own = describe_parts(entry)
    same = [
        label
        for label, identity in identities.items()
        if own == {key: identity.get(key) for key in own} and entry.n_workers in (None, identity.get("n_workers"))
    ]
    if same:
        entry = replace(entry, label=same[0], display_name=None)
        return Entrant(entry=entry, name=f"{same[0]} (entered)")
    label = entry.label
    while label.lower() in _lower(identities):
        label = f"{label[:55]}-entered" if label == entry.label else f"{label[:62]}x"
    return Entrant(entry=replace(entry, label=label, display_name=None), name=label)


def describe_parts(entry: AlgorithmEntry) -> dict[str, Any]:
    """Scheduler and searcher of an entry in JSON values."""
    return {
        role: None if part is None else plain({"name": part.name, "options": part.options})
        for role, part in (("scheduler", entry.scheduler), ("searcher", entry.searcher))
    }


def _lower(labels: Collection[str]) -> set[str]:
    return {label.lower() for label in labels}
