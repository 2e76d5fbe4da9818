"""The command `check`: whether a searcher or scheduler does what every comparison relies on."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmark.cli.arguments import add_checked
from benchmark.cli.options import choice, whole_number
from benchmark.suite.overrides import override

if TYPE_CHECKING:
    from benchmark.checking.conformance import Finding

FAILED = 1
WIDTH = 100
SHOWN = {"yes": "yes", "no": "NO", "advice": "advice", "lacks": "lacks", "untested": "untested"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = "a class by dotted path, as my_search:Shrink, or a registered name (see `list`)"
    parser.add_argument("name", metavar="NAME", help=text)
    parser.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="an option of the class")
    text = "searcher or scheduler (default: by its methods)"
    add_checked(parser, "--role", "ROLE", choice("searcher", "scheduler"), text)
    text = "look at nothing more after so long (default: 25)"
    add_checked(parser, "--seconds", "N", whole_number(1, 3600), text, default=25)
    parser.add_argument("--json", action="store_true", help="print what was found as JSON")


def execute(parsed: argparse.Namespace) -> int:
    options: dict[str, Any] = {}
    for setting in parsed.set:
        override(options, setting)
    from benchmark.checking.conformance import check_subject
    from benchmark.checking.named_subject import name_subject

    subject = name_subject(parsed.name, parsed.role, options)
    if parsed.json:
        findings = list(check_subject(subject, seconds=parsed.seconds))
        failed = any(each.state == "no" for each in findings)
        report = {"name": parsed.name, "role": subject.role, "options": options, "sound": not failed}
        print(json.dumps({**report, "properties": [asdict(each) for each in findings]}, indent=2))
    else:
        print(f"{subject.role} {parsed.name}")
        failed = _print_findings(check_subject(subject, seconds=parsed.seconds))
    return FAILED if failed else 0


def _print_findings(findings: Iterable[Finding]) -> bool:
    """Print a line a property as it is found, and more on each that does not hold; returns whether one is needed."""
    states = []
    for each in findings:
        states.append(each.state)
        print(f"  {each.name:13} {SHOWN[each.state]:9} {each.meaning}", flush=True)
        if each.like:
            _print_indented(f"as for {each.like}")
        elif each.state in ("no", "advice"):
            _print_indented(f"what it did: {each.did}")
            _print_indented(f"what to do: {each.remedy}")
        elif each.state == "lacks":
            _print_indented(each.did)
    print(_conclude(states))
    return "no" in states


def _print_indented(text: str) -> None:
    print(textwrap.fill(text, WIDTH, initial_indent=" " * 16, subsequent_indent=" " * 16, break_on_hyphens=False))


def _conclude(states: list[str]) -> str:
    count = {state: states.count(state) for state in SHOWN}
    text = f"{count['yes']} of {len(states)} properties hold"
    if count["no"]:
        text += f"; {count['no']} that every comparison relies on do not"
    if count["advice"]:
        text += f"; {count['advice']} give advice, and results are sound without them"
    if count["lacks"]:
        text += f"; {count['lacks']} it says itself not to have"
    return text + (
        f"; {count['untested']} were not looked at (--seconds N gives more time)" if count["untested"] else ""
    )
