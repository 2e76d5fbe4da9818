"""Makes the live page: HTML in parts, each of which is made anew when what it shows has changed."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Template

from analysis.algorithm_styles import algorithm_styles
from analysis.live.curves import CellCurves, CellFollower
from analysis.live.drawing import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Panel, draw_panel
from analysis.live.follower import Follower, Trial
from analysis.live.script import STATIC, content_policy, page_script
from analysis.live.serving.publisher import OF_CHOICE
from analysis.live.snapshot import Snapshot
from analysis.loading.metric import KINDS, Metric
from analysis.loading.plan import Objective, Plan
from analysis.report.encoding import as_script, count_text
from analysis.report.templating import TEMPLATES as REPORT_TEMPLATES
from analysis.report.templating import environment, style
from analysis.value_format import UNDEFINED, number_text
from benchmark.errors import BadInput, one_line, shell_command

TEMPLATES = Path(__file__).parent / "templates"
LONGEST_CONFIG = 300
"""Letters of a configuration that are shown."""
GEOMETRY = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM}


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the page says of the suite's report.

    Attributes:
        state: "none", "making", "made" or "failed".
        reason: why it could not be made.
        outdated: whether something was recorded after it was made.
    """

    state: str
    reason: str = ""
    outdated: bool = False


class Page:
    """The parts of the page of a suite, by the ids of their elements.

    Args:
        follower: knows what is recorded.
        command: words that follow `SUITE` in the commands that the page names, as `--results DIR`.
    """

    def __init__(self, follower: Follower, command: Sequence[str] = ()) -> None:
        self.follower, self.plan = follower, follower.plan
        self.looks = algorithm_styles(list(self.plan.display_names.values()))
        self.words = [self.plan.name, *command]
        size, runs = self.plan.repetitions, follower.runs
        self.cells: dict[str, list[CellFollower]] = {}
        for k, (objective, algorithm) in enumerate(self.plan.cells()):
            cell = CellFollower(follower.folder, self.plan, objective, algorithm, runs[k * size : (k + 1) * size])
            self.cells.setdefault(objective.label, []).append(cell)
        self._drawn: dict[tuple[str, str, str], tuple[Any, str]] = {}

    def parts(
        self, snapshot: Snapshot, report: Report, *, lifetime: str, choices: Iterable[str] = ()
    ) -> dict[str, str]:
        """The HTML of every part by its id; behind it, of a panel that somebody has chosen otherwise, the choice.

        Args:
            snapshot: of the suite as of the follower's last look.
            report: of the suite.
            lifetime: when the server ends, in words.
            choices: data and metric that open pages show, as `test:latency`, besides those of the suite's endpoint.
        """
        shared: dict[str, Any] = {"plan": self.plan, "snapshot": snapshot, "follower": self.follower}
        make, again = (shell_command("analysis", command, *self.words) for command in ("report", "live"))
        rows = [self._row(trial) for trial in reversed(self.follower.newest)]
        return {
            "overview": _render("overview.html", **shared, time_left=_time_left(snapshot)),
            "ending": _render("ending.html", **shared, report=report, make=make),
            **{
                f"panel-{objective.key}{OF_CHOICE + choice if choice else ''}": self._panel(objective, choice)
                for objective in self.plan.objectives
                for choice in ("", *choices)
            },
            "stalled": _render("stalled.html", **shared),
            "newest": _render("newest.html", trials=rows, tested=any(row["test"] != UNDEFINED for row in rows)),
            "problems": _render("problems.html", **shared),
            "lifetime": _render("lifetime.html", lifetime=lifetime, again=again),
        }

    def whole(self, parts: Mapping[str, str], *, live: bool) -> str:
        """The whole document, in which everything is that it needs.

        Args:
            parts: from `parts`.
            live: whether a server stands behind it; otherwise it is a file that shows a last state.
        """
        return _render(
            "live.html",
            plan=self.plan,
            objectives=self.plan.objectives,
            metrics=list(dict.fromkeys(metric.name for entry in self.plan.objectives for metric in entry.metrics)),
            kinds=KINDS,
            compared="valid" if self.plan.endpoint == "valid_error" else "test",
            parts=parts,
            live=live,
            script=page_script(),
            style=style() + (STATIC / "live.css").read_text(encoding="utf-8"),
            policy=content_policy(),
            facts=_facts(self.plan, len(self.follower.runs)),
            settings=as_script({"live": live, "saved": time.strftime("%Y-%m-%d %H:%M:%S")}),
        )

    def _panel(self, objective: Objective, choice: str) -> str:
        """The figure of an objective, drawn anew when one of its runs has grown."""
        cells = self.cells[objective.label]
        revision = tuple(cell.revision for cell in cells)
        kind, _, name = choice.partition(":")
        metric = next((metric for metric in objective.metrics if metric.name == name), objective.metric)
        kind = kind if kind in KINDS else ""
        key = objective.key, kind, metric.name
        if self._drawn.get(key, ((), ""))[0] != revision:
            self._drawn[key] = revision, self._draw(objective, cells, metric, kind)
        return self._drawn[key][1]

    def _draw(self, objective: Objective, cells: Sequence[CellFollower], metric: Metric, kind: str) -> str:
        panel: Panel | None = None
        problem = ""
        try:
            curves = [cell.curves(metric) for cell in cells]
            panel = draw_panel(curves, metric, self._kind(curves, kind), self.looks)
        except BadInput as error:
            problem = str(error)
        except Exception as error:  # What cannot be drawn of one objective takes nothing else down.
            problem = one_line(error)
        return _render(
            "panel.html", objective=objective, panel=panel, problem=problem, size=GEOMETRY, clock=self.plan.clock
        )

    def _kind(self, curves: Sequence[CellCurves], chosen: str) -> str:
        """What data values are taken on: as chosen, else as the endpoint; validation where there is no test set."""
        wanted = chosen or ("valid" if self.plan.endpoint == "valid_error" else "test")
        return wanted if any(cell.tested for cell in curves) else "valid"

    def _row(self, trial: Trial) -> dict[str, str]:
        record, metric = trial.record, self.plan.objective(trial.run.objective).metric
        valid, test = (_value(record[f"{kind}_error"], metric.own) for kind in ("valid", "test"))
        config = json.dumps(record["config"], ensure_ascii=False)
        return {
            "seen": time.strftime("%H:%M:%S", time.localtime(trial.seen)),
            "run": f"{self.follower.display_name(trial.run)}, repetition {trial.run.repetition}",
            "index": str(record["index"]),
            "config": config if len(config) <= LONGEST_CONFIG else config[: LONGEST_CONFIG - 1] + "\u2026",
            "epochs": str(record["epochs"]),
            "state": record["state"],
            "valid": valid,
            "test": test,
            "seconds": number_text(record["end"] - record["start"]),
        }


def duration_text(seconds: float) -> str:
    """Write seconds as `8 s`, `3 min` or `1 h 05 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _render(name: str, **values: Any) -> str:
    return _template(name).render(duration=duration_text, count=count_text, **values)


def _template(name: str) -> Template:
    return environment(TEMPLATES, REPORT_TEMPLATES).get_template(name)


def _value(error: float | None, own: Any) -> str:
    return UNDEFINED if error is None else number_text(own(error))


def _time_left(snapshot: Snapshot) -> str:
    if snapshot.seconds_left is None:
        return "not known yet"
    low, high = map(duration_text, snapshot.seconds_left)
    return f"about {low}" if low == high else f"{low} to {high}"


def _facts(plan: Plan, runs: int) -> str:
    budget = ", ".join(f"{name} {limit:g}" for name, limit in plan.budget.items())
    return (
        f"{count_text(len(plan.objectives), 'objective')} x {count_text(len(plan.algorithms), 'algorithm')} x "
        f"{count_text(plan.repetitions, 'repetition')}: {count_text(runs, 'run')}; budget of a run: {budget}; "
        f"{plan.clock} runtime"
    )
