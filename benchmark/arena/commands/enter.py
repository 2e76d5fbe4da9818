"""The command `enter`: run a method alone on a field's tasks, and say where it ranks."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.cli.arguments import add_checked, add_jobs, add_quiet, add_results
from benchmark.cli.options import check_data, check_results, default_jobs, whole_number
from benchmark.cli.suite_execution import execute_suite
from benchmark.cli.terminal import print_error
from benchmark.errors import BadInput
from benchmark.suite.model import is_dotted
from benchmark.suite.parsing import load
from benchmark.tuning.factory import check_names

if TYPE_CHECKING:
    from benchmark.arena.entering import Competition
    from benchmark.arena.entrant import Entrant
    from benchmark.arena.field.field_file import Field
    from benchmark.driver.runner import Listener, Runner
    from benchmark.suite.model import Suite

SUITE = "arena"
CHECK_SECONDS = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    text = "a name (see `list`) or dotted path as my_search:Shrink, with ,option=value; or TOML as in a suite"
    parser.add_argument("method", metavar="METHOD", help=text)
    parser.add_argument("--suite", metavar="SUITE", default=SUITE, help=f"whose tasks (default: {SUITE})")
    parser.add_argument("--field", metavar="FILE", help="runs to pair with (default: those shipped for the suite)")
    parser.add_argument("--tasks", metavar="A,B", help="only these tasks")
    text = "only the first N repetitions (default: all that the field has)"
    add_checked(parser, "--repetitions", "N", whole_number(1, 1000), text)
    parser.add_argument("--sweep", metavar="OPTION=A,B", help="enter the method with each value of an option")
    parser.add_argument("--report", action="store_true", help="write a page with figures, too")
    parser.add_argument("--no-check", action="store_true", help="do not check the class first")
    add_jobs(parser)
    add_quiet(parser)
    add_results(parser, "results/entered")


def execute(parsed: argparse.Namespace) -> int:
    from benchmark.arena.field.field_place import load_field

    suite = load(parsed.suite)
    path, field = load_field(parsed.field, suite.name)
    from benchmark.arena.entering import choose_tasks
    from benchmark.arena.field.agreement import check_agreement

    competition = choose_tasks(suite, field, path, parsed.tasks, parsed.repetitions)
    check_agreement(competition.suite, field, path)
    entrants, values = _entrants(parsed, field)
    suites = [competition.suite_of(entrant) for entrant in entrants]
    for own in suites:
        check_names(own)
        check_results(parsed.results, own.name, writing=True)
    if not parsed.no_check:
        _check_class(entrants[0])
    for own in suites:
        code = execute_suite(parsed, _Execution(parsed, own, competition).build_runner)
        if code > 1:
            return code
    return _report(parsed, competition, entrants, suites, values)


def _entrants(parsed: argparse.Namespace, field: Field) -> tuple[list[Entrant], list[object]]:
    """The method, or the method with each value of the sweep; and these values."""
    from benchmark.arena.entrant import read_entrant, with_option
    from benchmark.arena.standing.sweep import parse_sweep

    entrant = read_entrant(parsed.method, {entry["label"]: entry["identity"] for entry in field.header["algorithms"]})
    if parsed.sweep is None:
        return [entrant], []
    option, values = parse_sweep(parsed.sweep)
    return [with_option(entrant, option, value) for value in values], values


class _Execution:
    """Builds the runner of one method's suite, once the tables are those of the field."""

    def __init__(self, parsed: argparse.Namespace, suite: Suite, competition: Competition) -> None:
        self.parsed, self.suite, self.competition = parsed, suite, competition

    def build_runner(self, listener: Listener) -> Runner:
        from benchmark.arena.field.agreement import check_tables
        from benchmark.driver.runner import Runner
        from benchmark.tuning.factory import check_suite
        from objectives.objective import Machine

        machine = Machine(device="cpu", data=check_data(None))
        check_tables(check_suite(self.suite), machine, self.competition.field, self.competition.path)
        jobs = self.parsed.jobs or default_jobs("cpu")
        return Runner(self.suite, Path(self.parsed.results), jobs=jobs, machine=machine, listener=listener)


def _check_class(entrant: Entrant) -> None:
    """Refuse a user's class that a comparison cannot rely on, by the quick part of the command `check`."""
    from benchmark.checking.checklist import QUICK
    from benchmark.checking.conformance import check_subject
    from benchmark.checking.named_subject import name_subject

    for role, part in (("scheduler", entrant.entry.scheduler), ("searcher", entrant.entry.searcher)):
        if part is None or not is_dotted(part.name):
            continue
        subject = name_subject(part.name, role, dict(part.options))
        for found in check_subject(subject, QUICK, seconds=CHECK_SECONDS):
            if found.state == "no":
                why = f"what does not hold: {found.meaning}. {found.did}; {found.remedy}"
                raise BadInput(f"{part.name}: {why} (`check {part.name}` says more, --no-check enters it all the same)")


def _report(
    parsed: argparse.Namespace,
    competition: Competition,
    entrants: list[Entrant],
    suites: list[Suite],
    values: list[object],
) -> int:
    """Print where the methods stand, and write tables and page."""
    from benchmark.arena.field.packing import pack_field

    results = Path(parsed.results)
    packed = {entrant.name: pack_field(own, results / own.name) for entrant, own in zip(entrants, suites, strict=True)}
    if all((own.state > 1).all() for own in packed.values()):  # Neither done nor failed.
        raise BadInput(f"{parsed.method}: no run has come to its end; there is nothing to compare")
    if values:
        return _print_sweep(parsed, competition.field, packed, values)
    ((name, own),) = packed.items()
    from benchmark.arena.standing.standing import find_standing
    from benchmark.arena.standing.standing_text import describe_standing

    standing = find_standing(competition.field, name, own)
    lines = list(describe_standing(standing, competition.field, own, competition.left_out))
    print("\n".join(lines))
    from benchmark.arena.standing.standing_files import write_page, write_tables

    folder = results / suites[0].name
    print(f"tables: {write_tables(standing, folder)}")
    if parsed.report:
        print(f"page: {write_page(standing, lines, folder)}")
    return int((own.state != 0).any())


def _print_sweep(parsed: argparse.Namespace, field: Field, packed: dict[str, Field], values: list[object]) -> int:
    from benchmark.arena.standing.standing_text import describe_sweep
    from benchmark.arena.standing.sweep import sweep_table

    table = sweep_table(field, packed, values)
    print("\n".join(describe_sweep(parsed.sweep.partition("=")[0], table)))
    if parsed.report:
        print_error("note: a sweep has no page; enter the value that you choose with --report")
    return int(any((own.state != 0).any() for own in packed.values()))
