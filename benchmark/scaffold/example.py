"""The files of an example, from templates, and the commands that come next."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import BadInput, python_command, shell_command
from benchmark.scaffold.example_name import check_name, class_name_of
from benchmark.suite.parsing import suite_names
from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS
from objectives import OBJECTIVES

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What there is an example of.

    Attributes:
        files: names of the files to write, by template.
        registered: names that are ours already.
        commands: what to do next, as words for `shell_command`, the test apart.
    """

    files: dict[str, str]
    registered: Iterable[str]
    commands: tuple[tuple[str, ...], ...]


_CHECKED = {"{kind}.py": "{name}.py", "test_{kind}.py": "test_{name}.py"}
_ALGORITHM = (("benchmark", "check", "{name}:{class_name}"), ("benchmark", "new", "suite", "my_comparison"))
_SUITE = (("benchmark", "run", "{name}.toml"), ("analysis", "report", "{name}.toml"))

KINDS = {
    "searcher": Kind(files=_CHECKED, registered=ALL_SEARCHERS, commands=_ALGORITHM),
    "scheduler": Kind(files=_CHECKED, registered=ALL_SCHEDULERS, commands=_ALGORITHM),
    "objective": Kind(files={**_CHECKED, "{kind}.toml": "{name}.toml"}, registered=OBJECTIVES, commands=_SUITE),
    "suite": Kind(
        files={"{kind}.toml": "{name}.toml", "test_{kind}.py": "test_{name}.py"},
        registered=suite_names(),
        commands=_SUITE,
    ),
}


def render_example(kind: str, name: str) -> dict[str, str]:
    """The text of every file of an example, by its name.

    Args:
        kind: a key of `KINDS`.
        name: of the module, class, objective or suite.

    Raises:
        BadInput: the name cannot be taken.
    """
    from jinja2 import Environment, StrictUndefined

    check_name(name, KINDS[kind].registered)
    environment = Environment(undefined=StrictUndefined, keep_trailing_newline=True)
    class_name = class_name_of(name)
    given = {
        "name": name,
        "class_name": class_name,
        "run": f"python -m benchmark run {name}.toml",
    }
    texts = {}
    for template, file in KINDS[kind].files.items():
        source = (TEMPLATES / f"{template.format(kind=kind)}.jinja2").read_text(encoding="utf-8")
        texts[file.format(name=name)] = environment.from_string(source).render(given)
    return texts


def next_commands(kind: str, name: str) -> list[str]:
    """The commands that come after an example was written, as lines for a shell."""
    words = {"name": name, "class_name": class_name_of(name)}
    own = [shell_command(*(word.format(**words) for word in command)) for command in KINDS[kind].commands]
    return [python_command("-m", "pytest", f"test_{name}.py"), *own]


def write_files(texts: dict[str, str]) -> None:
    """Write new files into the current folder: all of them, or none.

    Raises:
        BadInput: one of them is there already, or cannot be written.
    """
    present = [name for name in texts if os.path.lexists(name)]
    if present:
        raise BadInput(f"{', '.join(present)}: there already, and nothing is overwritten")
    for package in [
        name.removesuffix(".py") for name in texts if Path(name.removesuffix(".py"), "__init__.py").exists()
    ]:
        raise BadInput(
            f"{package}: a package of this name is there already, which Python would take instead; choose another name"
        )
    written: list[Path] = []
    try:
        for name, text in texts.items():
            path = Path(name)
            with path.open("x", encoding="utf-8", newline="\n") as file:
                written.append(path)
                file.write(text)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise BadInput(f"{name}: cannot be written here ({error.strerror})") from error
