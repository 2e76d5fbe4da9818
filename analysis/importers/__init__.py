"""Readers of what other tools recorded by tool; what a reader makes is in `analysis/importers/studies/`."""

READERS: dict[str, str] = {
    "csv": "analysis.importers.readers.csv_rows",
    "hyperopt": "analysis.importers.readers.hyperopt",
    "nevergrad": "analysis.importers.readers.nevergrad",
    "optuna": "analysis.importers.readers.optuna",
    "ray_tune": "analysis.importers.readers.ray_tune",
    "smac": "analysis.importers.readers.smac",
    "syne_tune": "analysis.importers.readers.syne_tune",
}
"""The module of every tool's reader by the tool's name, imported only when it is needed."""
