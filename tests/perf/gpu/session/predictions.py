"""Predictions from compiled kernels (`python -m tests.perf.gpu predict`), beside what has been measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Prediction = Mapping[str, Any]


def read_predictions(path: Path) -> list[Prediction]:
    """The predictions of a file; none where it is not there."""
    return list(json.loads(path.read_text())["after"]) if path.is_file() else []


def beside_measurements(
    predictions: Sequence[Prediction], steps: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Every quantity that is predicted and has been measured, with the quotient of the two."""
    for each in predictions:
        for kind, quantity, predicted in (
            ("rates", "training_s", each["training"] + each["waiting"]),
            ("comparison", "whole_s", each["seconds"]),
            ("ratios", "ratio", each["ratio"]),
        ):
            name = f"{kind}/{each['network']}/{each['precision']}"
            found = steps.get(name, {}).get("result", {}).get(quantity)
            measured = found["tight"]["median"] if isinstance(found, dict) else found
            if measured is not None:
                quotient = measured / predicted
                yield {
                    "step": name,
                    "quantity": quantity,
                    "predicted": predicted,
                    "measured": measured,
                    "quotient": quotient,
                }


def comparison_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line a quantity."""
    lines = [f"{'':36s}{'predicted':>12s}{'measured':>12s}{'quotient':>10s}"] if rows else []
    for row in rows:
        name = f"{row['step']} {row['quantity']}"
        lines.append(f"{name:36s}{row['predicted']:12.1f}{row['measured']:12.1f}{row['quotient']:10.2f}")
    return "\n".join(lines)
