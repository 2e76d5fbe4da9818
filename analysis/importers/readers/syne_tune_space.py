"""Reads the spaces that Syne Tune records, and with them the texts of a CSV file as values of hyperparameters."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analysis.importers.studies.foreign_files import parse_json, require_field, require_object

CHOICES = ("Categorical", "Ordinal", "OrdinalNearestNeighbor")
NUMBERS = ("Float", "Integer", "FiniteRange")
LOGARITHMIC = ("LogUniform", "ReverseLogUniform")
NOT_RECORDED = "The space is unknown: Syne Tune recorded none."


@dataclass(frozen=True, slots=True)
class SpaceOfTool:
    """The domains of a space as Syne Tune writes them, by hyperparameter; constants are themselves."""

    domains: Mapping[str, Any]

    def axes(self) -> dict[str, dict[str, Any]] | None:
        """The axes as `suite.json` writes them; None where there are none, or one that cannot be written so."""
        axes = {name: _axis(domain) for name, domain in self.domains.items()}
        known = {name: axis for name, axis in axes.items() if axis is not None}
        return known if known and len(known) == len(axes) else None

    def config(self, texts: Mapping[str, str]) -> dict[str, Any]:
        """A configuration of the texts of a CSV file; an empty one is a hyperparameter that it does not have."""
        return {name: _value(self.domains.get(name), text) for name, text in texts.items() if text}


def read_space(source: object, text: object) -> tuple[SpaceOfTool, tuple[str, ...]]:
    """The space that `metadata.json` holds as a JSON text, and sentences on what is not known of it.

    Raises:
        BadInput: a damaged one.
    """
    if not isinstance(text, str):
        return SpaceOfTool({}), (NOT_RECORDED,)
    field = f"{source}: config_space"
    space = SpaceOfTool(require_object(field, parse_json(text, field)))
    for name, domain in space.domains.items():
        if isinstance(domain, dict):
            require_field(f"{field}.{name}", domain, "domain_cls", str)
            require_field(f"{field}.{name}", domain, "domain_kwargs", dict)
    return space, () if space.axes() else ("The space is unknown: it has a domain without bounds.",)


def _axis(domain: Any) -> dict[str, Any] | None:
    """A domain as an axis; None for one that has no bounds."""
    if not isinstance(domain, dict):
        return {"kind": "categorical", "choices": [domain]}
    kind, options = domain["domain_cls"], domain["domain_kwargs"]
    if kind in CHOICES:
        numbers = all(type(choice) in (int, float) for choice in options.get("categories", [None]))
        ordered = kind != "Categorical" and numbers
        return {"kind": "ordinal" if ordered else "categorical", "choices": options.get("categories")}
    if kind not in NUMBERS or "lower" not in options or "upper" not in options:
        return None
    whole = kind == "Integer" or options.get("cast_int") is True
    log = domain.get("sampler_cls") in LOGARITHMIC or options.get("log_scale") is True
    return {"kind": "int" if whole else "float", "low": options["lower"], "high": options["upper"], "log": log}


def _value(domain: Any, text: str) -> Any:
    """A text as a value of its domain; without one as JSON would read it, else the text itself."""
    axis = _axis(domain) if domain is not None else None
    if axis is not None and "choices" in axis:
        return next((choice for choice in axis["choices"] if _is_written(choice, text)), text)
    try:
        number = json.loads(text)
    except ValueError:
        return {"True": True, "False": False}.get(text, text)
    if axis is None or isinstance(number, bool) or not isinstance(number, int | float):
        return number if isinstance(number, int | float) else text
    return int(number) if axis["kind"] == "int" else float(number)


def _is_written(choice: Any, text: str) -> bool:
    """Whether a text of a CSV file is a choice; a column with missing values writes whole numbers as 3.0."""
    if str(choice) == text:
        return True
    try:
        return not isinstance(choice, str | bool) and float(choice) == float(text)
    except (TypeError, ValueError):
        return False
