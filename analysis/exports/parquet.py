"""Every table of the suite as a Parquet file, with the suite's plan inside.

The columns are those of the CSV files, with types. The schema's metadata hold the whole `suite.json` under
`incumbent.suite` and the table's name under `incumbent.table`; `pandas.read_parquet` reads the files as they are.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow
import pyarrow.parquet

from analysis.study import Study
from benchmark.storage.suite_json import SUITE_JSON

OPEN = "look at it: pandas.read_parquet('{folder}/summary.parquet')"
COMPRESSION = "zstd"


def write(study: Study, folder: Path) -> list[str]:
    """Write a file for every table; returns what a reader must know: which tables could not be made."""
    plan = (study.folder / SUITE_JSON).read_bytes()
    for name, frame in study.made_tables().items():
        metadata = {b"incumbent.suite": plan, b"incumbent.table": name.encode()}
        table = study.not_drawn.attempt(f"exports/parquet/{name}", partial(as_table, frame, metadata))
        if table is not None:
            pyarrow.parquet.write_table(table, folder / f"{name}.parquet", compression=COMPRESSION)
    return study.not_drawn.lines()


def as_table(frame: pd.DataFrame, metadata: dict[bytes, bytes]) -> pyarrow.Table:
    """An Arrow table with metadata beside those of pandas."""
    table = pyarrow.Table.from_pandas(_typed(frame), preserve_index=False)
    return table.replace_schema_metadata({**(table.schema.metadata or {}), **metadata})


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of mixed values as text, for a Parquet column has one type."""
    mixed = [name for name in frame.columns if frame[name].dtype == object and _kinds(frame[name]) > 1]
    return frame.assign(
        **{name: frame[name].map(lambda value: value if value is None else str(value)) for name in mixed}
    )


def _kinds(column: pd.Series) -> int:
    return len({type(value) for value in column if value is not None})
