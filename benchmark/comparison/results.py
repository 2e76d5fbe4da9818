"""The results of a comparison: its tables as data frames, its figures, and a short page for a notebook."""

from __future__ import annotations

import html
from argparse import Namespace
from base64 import b64encode
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from analysis.study import Study

SHOWN = "anytime"
"""The kind of figure on the short page."""


class Figures(Mapping[str, Path]):
    """Figures as PNG files by name; a notebook shows them.

    Args:
        files: their paths.
    """

    def __init__(self, files: list[Path]) -> None:
        self._files = {path.stem: path for path in files}

    def __getitem__(self, name: str) -> Path:
        return self._files[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    def __repr__(self) -> str:
        return "\n".join(map(str, self._files.values()))

    def _repr_html_(self) -> str:
        return "\n".join(_image(path.read_bytes()) for path in self._files.values())


class Comparison:
    """What was recorded of a comparison, as the commands of `analysis` read it.

    Attributes:
        folder: its ledgers, tables and figures.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def tables(self) -> Mapping[str, pd.DataFrame]:
        """The tables by the name of their CSV file: `tables["summary"]`, `tables["trials"]` and others."""
        return self._study.tables

    def plot(self, only: str | None = None) -> Figures:
        """Draw the figures and write them into the folder, as the command `plots` does.

        Args:
            only: the name of a single one, such as "anytime-branin".

        Raises:
            BadInput: there is none of that name.
        """
        from analysis.commands import plots
        from analysis.figures import makers

        plots.execute(self._command("plots", only=only))
        names = [name for name, _ in makers(self._study) if only in (None, name)]
        files = [self.folder / "figures" / f"{name}.png" for name in names]
        return Figures([file for file in files if file.is_file()])

    def report(self) -> Path:
        """Write the report, a page to open in a browser, as the command `report` does; returns its path."""
        from analysis.commands import report

        report.execute(self._command("report"))
        return self.folder / "report" / "index.html"

    @cached_property
    def _study(self) -> Study:
        from analysis.loading.results import load
        from analysis.study import Study

        return Study(load(self.folder), self.folder)

    def _anytime(self) -> dict[str, bytes]:
        from analysis.display_names import with_display_names
        from analysis.figures import draw

        key = self._study.results.plan.objectives[0].key
        return draw(with_display_names(self._study), only=f"{SHOWN}-{key}")

    def _command(self, command: str, only: str | None = None) -> Namespace:
        return Namespace(
            command=command,
            suite=self.folder.name,
            results=str(self.folder.parent),
            only=only,
            skip=[],
            formats=None,
            size=None,
            jobs=None,
            mixed=False,
            quiet=True,
        )

    def __repr__(self) -> str:
        from analysis.commands.closing_notes import notes
        from analysis.tables.basic import as_text

        results = self._study.results
        return "\n".join([str(self.folder), as_text(self.tables["summary"], results.plan), *notes(results)])

    def _repr_html_(self) -> str:
        return self._page

    @cached_property
    def _page(self) -> str:
        """A title, the summary, what a reader of it must know, and the errors over time."""
        from analysis.commands.closing_notes import notes

        lines = "".join(f"<li>{html.escape(line)}</li>" for line in notes(self._study.results))
        title = f"<h3>{html.escape(self._study.results.plan.title)}</h3><p>{html.escape(str(self.folder))}</p>"
        images = "".join(_image(data) for name, data in self._anytime().items() if name.endswith(".png"))
        return f"{title}{self.tables['summary'].to_html(index=False)}<ul>{lines}</ul>{images}"


def _image(png: bytes) -> str:
    return f'<img src="data:image/png;base64,{b64encode(png).decode()}" style="max-width: 100%">'
