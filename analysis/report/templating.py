"""Templates, in which every text that is put in is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

STATIC = Path(__file__).parent / "static"


def template(name: str) -> Template:
    """A template of the folder `templates`; what it is not given is an error."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    """All templates, each compiled once."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def style() -> str:
    """The style sheet of all pages."""
    return (STATIC / "report.css").read_text(encoding="utf-8")
