"""The tables of docs/scale.md, each between two marks of its name, written from scale.json."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tests.perf.measured import markdown

CAUSES = {
    "lost_to_whole_groups": "too few groups",
    "lost_to_workers": "workers' own work",
    "lost_to_disk": "the disk",
    "lost_to_driver": "the driver",
}
NAMES = {"dask": "one driver (Dask)", "shards": "shards"}
Report = Mapping[str, Any]


def filled(text: str, report: Report) -> str:
    """A page with its tables made anew.

    Raises:
        ValueError: a table has no place in the page.
    """
    for name, table in TABLES.items():
        mark = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not mark.search(text):
            raise ValueError(f"the page has no place for the table {name}: need <!-- {name} --> and <!-- end -->")
        body = "\n".join(table(report))
        text = mark.sub(lambda found, body=body: f"{found[1]}\n{body}\n\n{found[2]}", text)  # type: ignore[misc]
    return text


def _services(report: Report) -> list[str]:
    head = ["backend", "workers", "driver, ms a group", "group to group, ms", "of it processor", "trial to trial, ms"]
    rows = []
    for backend, alone in report["alone"].items():
        across, inside = alone["group_to_group"], alone["trial_to_trial"]
        rows.append(
            [backend, alone["workers"], _ms(alone["driver_seconds_a_group"]), _range(across),
             _ms(alone["group_to_group_processor"]["median"]), _range(inside)]
        )  # fmt: skip
    starts = [f"{name} {alone['start_seconds']:.1f} s" for name, alone in report["alone"].items()]
    return [*markdown(head, rows), "", f"From the command to the last worker's first trial: {', '.join(starts)}."]


def _disk(report: Report) -> list[str]:
    rows = [[row["writers"], _range(row), f"{row['syncs_a_second']:.0f}"] for row in report["disk"]]
    return markdown(["writers at once", "ms a record", "records a second, all together"], rows)


def _checks(report: Report) -> list[str]:
    head = ["backend", "workers", "measured wall, s", "model, s", "off, %", "efficiency", "with start-up"]
    rows = [
        [check["engine"], check["workers"], f"{check['wall']:.2f}", f"{check['predicted_wall']:.2f}",
         f"{check['off_percent']:+.1f}", _percent(check["efficiency"]), _percent(real["efficiency_with_start"])]
        for check, real in zip(report["checks"], report["real"], strict=True)
    ]  # fmt: skip
    off = report["off_percent"]
    return [*markdown(head, rows), "", f"Off by {off['median']:.1f} % in the median, by {off['most']:.1f} % at most."]


def _simulated(report: Report) -> list[str]:
    nodes = (1, 4, 8, 16, 32, 64)
    head = [
        "suite, backend, s a trial",
        *map(str, nodes),
        "down to 80 % at more than",
        "so with start-up and merge",
        "first",
    ]
    rows = []
    for limit in report["limits"]:
        key = [limit[name] for name in ("suite", "style", "trial_seconds")]
        own = {
            row["nodes"]: row
            for row in report["simulated"]
            if [row[n] for n in ("suite", "style", "trial_seconds")] == key
        }
        rows.append(
            [", ".join(map(str, (key[0], NAMES[key[1]], key[2]))), *(_percent(own[n]["efficiency"]) for n in nodes),
             limit["nodes"], limit["nodes_with_start_and_merge"], CAUSES[limit["first_cause_at_64"]]]
        )  # fmt: skip
    return markdown(head, rows)


def _causes(report: Report) -> list[str]:
    head = ["suite, backend, s a trial, nodes", *CAUSES.values(), "driver busy", "disk busy", "records a second"]
    rows = [
        [", ".join(map(str, (row["suite"], NAMES[row["style"]], row["trial_seconds"], row["nodes"]))),
         *(f"{100 * row[name]:.1f} %" for name in CAUSES),
         f"{100 * row['driver_busy']:.1f} %", f"{100 * row['disk_busy']:.2f} %", f"{row['syncs_a_second']:.0f}"]
        for row in report["simulated"]
        if row["nodes"] == 64 and row["trial_seconds"] in (0.05, 10.0)
    ]  # fmt: skip
    return markdown(head, rows)


def _orders(report: Report) -> list[str]:
    names = {"as it is": "as_it_is", "dear objectives first": "dear_first", "runs apart": "runs_apart"}
    names |= {"dear first, runs apart": "dear_first_runs_apart"}
    rows = [
        [f"{row['suite']}, {row['nodes']}", row["groups"], *(_percent(row[name]) for name in names.values())]
        for row in report["orders"]
    ]
    return markdown(["suite, nodes", "groups", *names], rows)


def _servers(report: Report) -> list[str]:
    rows = [
        [f"{1e3 * row['assumed_seconds']:g} ms", row["trial_seconds"], row["nodes"], _percent(row["efficiency"]),
         _percent(row["disk_busy"])]
        for row in report["file_servers"]
        if row["trial_seconds"] <= 10
    ]  # fmt: skip
    return markdown(["assumed, a record", "s a trial", "nodes", "efficiency", "file server busy"], rows)


def _ceilings(report: Report) -> list[str]:
    told = report["ceilings"]
    return markdown(
        ["with 64 nodes (computed)", ""],
        [
            ["groups a second that the driver can hand out", f"{told['driver_groups_a_second_at_64']:.0f}"],
            ["share of the driver's time for 64 workers that do nothing",
             f"{100 * told['driver_share_of_64_idle_workers']:.1f} %"],
            ["shortest mean group that keeps 64 workers busy, s", f"{told['least_group_seconds_at_64']:.2f}"],
            ["records a second that the disk takes", f"{told['disk_records_a_second']:.0f}"],
            ["shortest mean trial at which 64 workers fill the disk, ms", _ms(told["least_trial_seconds_at_64"])],
            ["looks of 64 workers at the driver's heartbeat file, a second", f"{told['looks_a_second_at_64']:.0f}"],
        ],
    )  # fmt: skip


def _bulk(report: Report) -> list[str]:
    bulk = report["bulk"]
    names = {"merge": "`merge` of four shards", "merge_again": "the same again", "status": "`status`",
             "resume": "`run`, everything done: all ledgers read and checked",
             "nothing": "`list`: Python's own start"}  # fmt: skip
    rows = [[told, f"{bulk[n]['seconds']:.1f}", f"{bulk[n]['peak_bytes'] / 1e6:.0f}"] for n, told in names.items()]
    size = f"{bulk['trials']} trials in {bulk['ledgers']} ledgers, {bulk['bytes'] / 1e6:.0f} MB."
    replay = f"Replaying a cut run: {_ms(report['replay_seconds_a_trial'])} ms a trial."
    sizes = [f"{row['ledger']} {row['bytes']} B ({row['evaluation_bytes']:.0f} B a trial)" for row in report["sizes"]]
    return [*markdown(["command", "s", "peak MB"], rows), "", f"{size} {replay}", "",
            f"Ledgers of one run of digits (20 trials): {'; '.join(sizes)}."]  # fmt: skip


def _planning(report: Report) -> list[str]:
    names = ("load_seconds", "runs_seconds", "split_seconds")
    rows = [[row["trials"], row["runs"], *(_ms(row[name]) for name in names)] for row in report["planning"]]
    return markdown(["trials", "runs", "read the suite, ms", "list its runs, ms", "split it by 16, ms"], rows)


def _ms(seconds: float) -> str:
    return f"{1e3 * seconds:.2f}"


def _range(row: Mapping[str, float]) -> str:
    return f"{_ms(row['median'])} ({_ms(row['p10'])} to {_ms(row['p90'])})"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


TABLES: Mapping[str, Callable[[Report], Iterable[str]]] = {
    "services": _services,
    "disk": _disk,
    "checks": _checks,
    "simulated": _simulated,
    "causes": _causes,
    "orders": _orders,
    "servers": _servers,
    "ceilings": _ceilings,
    "bulk": _bulk,
    "planning": _planning,
}
