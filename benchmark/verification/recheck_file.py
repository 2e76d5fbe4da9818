"""Reads and writes `incumbents.json`, the file that lists what a recheck trains again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, one_line, short_repr
from benchmark.reproducibility.seeding import config_digest
from benchmark.suite.model import Run, Suite
from objectives.space import FIDELITY, Config

FORMAT = 1


Lists = Mapping[str, tuple[tuple[Config, ...], ...]]
"""By objective: lists of configurations, each with the key `max_epochs`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incumbent:
    """A configuration that a run selected: its incumbent, or a member of its front.

    Attributes:
        run: a complete one.
        trial: the configuration, with the epochs that its errors belong to under `max_epochs`.
    """

    run: Run
    trial: Config
    valid_error: float
    test_error: float | None


def positions(of_objective: tuple[tuple[Config, ...], ...]) -> dict[str, tuple[int, int]]:
    """Return the number of the list and the position in it, by the trial's digest."""
    return {
        config_digest(trial): (number, position)
        for number, trials in enumerate(of_objective)
        for position, trial in enumerate(trials)
    }


def trial_entry(trial: Config) -> dict[str, Any]:
    config = {name: value for name, value in trial.items() if name != FIDELITY}
    return {"config": config, "epochs": trial[FIDELITY]}


def incumbent_entry(incumbent: Incumbent, places: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    number, position = places[config_digest(incumbent.trial)]
    return {
        "objective": incumbent.run.objective.label,
        "algorithm": incumbent.run.algorithm.label,
        "repetition": incumbent.run.repetition,
        "list": number,
        "place": position,
        "valid_error": incumbent.valid_error,
        "test_error": incumbent.test_error,
    }


def to_json_lines(value: Any, depth: int = 0) -> str:
    """Encode as JSON with the innermost tables of a list on a line each."""
    if isinstance(value, dict) and depth < 2:
        items = (f"{json.dumps(key)}: {to_json_lines(item, depth + 1)}" for key, item in value.items())
        text = "{\n" + ",\n".join(items) + "\n}"
    elif isinstance(value, list):
        text = "[\n" + ",\n".join(to_json_lines(item, depth + 2) for item in value) + "\n]"
    else:
        text = json.dumps(value, allow_nan=False)
    return text if depth else text + "\n"


def read_if_exists(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error


def parse_recheck_file(path: Path, data: bytes, suite: Suite) -> tuple[int, Lists]:
    """Parse the number of fresh seeds and the lists of an earlier recheck."""
    try:
        content = json.loads(data)
        if content["format"] != FORMAT:
            raise BadInput(f"{path}: format {short_repr(content['format'])} is not {FORMAT}, which this version reads")
        lists = {
            label: tuple(
                tuple({**entry["config"], FIDELITY: int(entry["epochs"])} for entry in trials)
                for trials in lists_of_objective
            )
            for label, lists_of_objective in content["lists"].items()
        }
        fresh = int(content["fresh"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, BadInput):
            raise
        raise BadInput(f"{path}: damaged ({one_line(error)}); delete {path.parent} to train all of it again") from error
    if content.get("suite") != suite.name:
        raise BadInput(f"{path}: of the suite {short_repr(content.get('suite'))}, not {short_repr(suite.name)}")
    return fresh, lists
