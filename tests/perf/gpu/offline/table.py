"""Compiles every kernel of the networks without a GPU and writes a table: `python -m tests.perf.gpu compile`.

It prints the table, and with --out FOLDER writes it as kernels.json (which `predict` reads) and kernels.md. A kernel
that spills registers makes the exit code 1.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from objectives.objective import PRECISIONS
from tests.perf.gpu.offline.compilation import ARCHITECTURE, NETWORKS, SIDES, compile_network
from tests.perf.gpu.offline.kernel_profile import Profile, Segment, profile

HEADER = (
    "kernel", "warps", "registers", "spills", "shared KiB", "loads 8/32/64/128 bit", "issue", "integer", "wavefronts",
    "tensor cycles", "products",
)  # fmt: skip
SMALL = ("count_not_finite", "advance_rows", "_tagged_words")
"""Kernels of negligible work: in the JSON file, not in the Markdown table."""


def main(arguments: list[str]) -> int:
    """Compile, print and write; exit code 1 if a kernel spills."""
    parsed = parser().parse_args(arguments)
    rows = [
        profile(kernel)
        for network in parsed.networks
        for precision in parsed.precisions
        for kernel in compile_network(network, precision, parsed.data, parsed.only)
    ]
    page = markdown(rows)
    print(page)
    if parsed.out is not None:
        parsed.out.mkdir(parents=True, exist_ok=True)
        (parsed.out / "kernels.json").write_text(json.dumps(as_json(rows), indent=1, sort_keys=True) + "\n")
        (parsed.out / "kernels.md").write_text(page)
    spilling = [row for row in rows if row.spills or row.stack]
    for row in spilling:
        print(f"spills: {row.network} {row.precision} {row.kernel}: {row.stack} bytes of a thread", file=sys.stderr)
    return 1 if spilling else 0


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="tests.perf.gpu compile", description=__doc__, allow_abbrev=False)
    found.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    found.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS))
    found.add_argument("--data", choices=SIDES, default="fashion_mnist")
    found.add_argument("--only", nargs="+", default=[""], help="beginnings of the kernels' names")
    found.add_argument("--out", type=Path, help="folder of kernels.json and kernels.md")
    return found


def as_json(rows: Iterable[Profile]) -> dict[str, Any]:
    """The whole table, with what it was compiled by."""
    return {
        "triton": triton_version(),
        "architecture": f"sm_{ARCHITECTURE}",
        "kernels": [asdict(row) for row in rows],
    }


def triton_version() -> str:
    return version("triton")


def read_table(path: Path) -> list[Profile]:
    """Read what `as_json` gave."""
    return [
        Profile(**{**row, "straight": Segment(**row["straight"]), "loops": [Segment(**x) for x in row["loops"]]})
        for row in json.loads(path.read_text())["kernels"]
    ]


def markdown(rows: Sequence[Profile]) -> str:
    """One table a network and precision, of the loop with the most instructions of each kernel."""
    lines = [
        f"Compiled for sm_{ARCHITECTURE} by Triton {version('triton')}. The columns from `issue` on are of one turn of"
        " the loop with the most instructions (`-`: the kernel has no loop, and they are of all of it): instructions of"
        " a warp, of these in the integer pipe, wavefronts of shared memory and cycles of tensor cores of a program.",
    ]
    for key in dict.fromkeys((row.network, row.data, row.precision) for row in rows):
        chosen = [r for r in rows if (r.network, r.data, r.precision) == key and r.function not in SMALL]
        lines += ["", "### " + ", ".join(key), "", f"| {' | '.join(HEADER)} |", "|---" * len(HEADER) + "|"]
        lines += [f"| {' | '.join(_cells(row))} |" for row in chosen]
    return "\n".join(lines) + "\n"


def _cells(row: Profile) -> list[str]:
    main = row.main
    loads = [sum(row.accesses.get(f"{kind} {bits}", 0) for kind in ("LDG", "LDGSTS")) for bits in (8, 32, 64, 128)]
    products = {"FFMA": main.multiply_adds, **main.tensor}
    return [
        row.kernel + ("" if row.loops else " -"),
        str(row.warps),
        str(row.registers),
        str(row.spills),
        f"{row.shared / 1024:.0f}",
        "/".join(map(str, loads)),
        str(main.issue),
        str(main.integer),
        str(main.wavefronts) + (" +?" if main.underived else ""),
        f"{main.tensor_cycles:.0f}",
        " ".join(f"{count} {name}" for name, count in products.items() if count) or "none",
    ]
