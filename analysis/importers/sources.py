"""Reads the files and folders that an import names, with the reader of the tool that wrote them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from analysis.importers import READERS
from analysis.importers.studies.foreign_study import ForeignMetric, ForeignStudy
from analysis.importers.studies.metric_choice import choose_metrics
from benchmark.errors import BadInput, require_choice

CSV = "csv"
"""The tool whose reader takes a mapping."""
GOALS_RECORDED = ("optuna", CSV)
"""Tools that have a goal for every metric that is read; readers of others take what the user says of goals."""


def read_sources(
    sources: Sequence[str], tool: str | None, mapping: str | None, metrics: Sequence[ForeignMetric] = ()
) -> list[ForeignStudy]:
    """All studies of some files and folders.

    Args:
        sources: their paths.
        tool: a name in `READERS`; None: what each source certainly is of.
        mapping: path of the TOML file that says what the columns of CSV files are.
        metrics: that the user names with their goals, which some tools do not record.

    Raises:
        BadInput: no such file, an unknown tool, no study, or what a reader refuses.
    """
    if tool is not None:
        require_choice("--tool", tool, READERS)
    studies: list[ForeignStudy] = []
    for source in sources:
        path = Path(source)
        if not path.exists():
            raise BadInput(f"{source}: there is no such file or folder")
        name = tool or _guess(path)
        if mapping is not None and name != CSV:
            raise BadInput(f"--mapping {mapping}: goes with CSV files, but {source} is read as one of {name}")
        found = _read(name, path, mapping, metrics)
        if not found:
            raise BadInput(f"{source}: holds no study of {name}")
        studies += found
    return studies


def _read(tool: str, path: Path, mapping: str | None, metrics: Sequence[ForeignMetric]) -> list[ForeignStudy]:
    module = _module(tool)
    if tool not in GOALS_RECORDED:
        studies: list[ForeignStudy] = module.read(path, metrics)
        return studies
    studies = module.read(path, mapping) if tool == CSV else module.read(path)
    return [replace(study, metrics=choose_metrics(path, study.metrics, metrics, ())) for study in studies]


def _guess(path: Path) -> str:
    """The one tool that can read a path.

    Raises:
        BadInput: none, or several.
    """
    able = [tool for tool in READERS if _module(tool).can_read(path)]
    if len(able) != 1:
        why = f"could be of {' or of '.join(able)}" if able else "is not known to be of any tool"
        raise BadInput(f"{path}: {why}; give --tool, one of {', '.join(READERS)}")
    return able[0]


def _module(tool: str) -> ModuleType:
    return importlib.import_module(READERS[tool])
