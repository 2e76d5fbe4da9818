"""Readers of what other tools recorded, a file a tool: see `analysis/importers/foreign_study.py`."""

READERS: dict[str, str] = {
    "csv": "analysis.importers.csv_rows",
    "hyperopt": "analysis.importers.hyperopt",
    "nevergrad": "analysis.importers.nevergrad",
    "optuna": "analysis.importers.optuna",
    "ray_tune": "analysis.importers.ray_tune",
    "smac": "analysis.importers.smac",
    "syne_tune": "analysis.importers.syne_tune",
}
"""The module of every tool's reader by the tool's name, imported only when it is needed."""
