"""What a table's file says of itself, without its arrays: some milliseconds a file."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import BadInput, one_line
from benchmark.storage.untrusted_files import parse_strict_json
from benchmark.tables.second_format import FORMAT
from benchmark.tables.table_file import DAMAGE

LARGEST_HEADER = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSummary:
    """A table's header and size.

    Attributes:
        header: as the second format has it.
        configs: number of configurations.
        seeds: number of seeds.
        epochs: of a full training.
    """

    header: dict[str, Any]
    configs: int
    seeds: int
    epochs: int


def summarise_table(path: Path) -> TableSummary:
    """Read a table's header and the shape of its values; what they hold is checked when it is loaded.

    Raises:
        BadInput: no such file, or no table of the second format.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("header.npy").file_size > LARGEST_HEADER:
                raise ValueError("its header is too large")
            with archive.open("header.npy") as file:
                header = parse_strict_json(np.lib.format.read_array(file, allow_pickle=False).tobytes())
            with archive.open("values.npy") as file:
                np.lib.format.read_magic(file)
                _, configs, seeds, epochs = np.lib.format.read_array_header_1_0(file)[0]
        if not isinstance(header, dict) or header.get("format") != FORMAT:
            raise ValueError(f"not of format {FORMAT}")
    except DAMAGE as error:
        raise BadInput(f"table {path}: not a table ({one_line(error)})") from error
    return TableSummary(header=header, configs=configs, seeds=seeds, epochs=epochs)
