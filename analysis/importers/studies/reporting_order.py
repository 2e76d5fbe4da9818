"""Splits what a trial reported where it began anew or went on with another configuration."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from analysis.importers.studies.foreign_study import Report


def split_at_restarts(reports: Iterable[tuple[Report, Any]]) -> Iterator[tuple[Any, list[Report]]]:
    """Parts of a trial in which epochs rise and the configuration stays the same, each with its configuration.

    A trial that is trained again from an earlier epoch, or that goes on with another configuration as in population
    based training, is more than one trial: what it reported before still counts.

    Args:
        reports: in the order in which they were made, each with the configuration at that time.
    """
    part: list[Report] = []
    config: Any = None
    for report, current in reports:
        if part and (report.epoch <= part[-1].epoch or current != config):
            yield config, part
            part = []
        config = current
        part.append(report)
    if part:
        yield config, part
