"""Templates, in which every text that is put in is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

STATIC = Path(__file__).parent / "static"
TEMPLATES = Path(__file__).parent / "templates"


def template(name: str) -> Template:
    """A template of the folder `templates`; what it is not given is an error."""
    return environment(TEMPLATES).get_template(name)


@cache
def environment(*folders: Path) -> Environment:
    """All templates of some folders, each compiled once; the first folder that has a template of a name counts."""
    return Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def style() -> str:
    """The style sheet of all pages."""
    return (STATIC / "report.css").read_text(encoding="utf-8")
