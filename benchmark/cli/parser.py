"""What the command line understands: commands, options, and what each is for."""

from __future__ import annotations

import argparse
from typing import NoReturn

from benchmark.errors import BadInput, nearest_match, short_repr

COMMANDS = (
    "run", "recheck", "audit", "replay", "harvest", "reprice", "status", "list", "calibrate", "plan", "merge", "repair",
)  # fmt: skip


class Parser(argparse.ArgumentParser):
    """An argument parser whose refusals are one line and name the nearest match."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see `{self.prog} --help`")

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """Parse all arguments.

        Raises:
            BadInput: an unknown option, or one that the parser refuses.
        """
        parsed, rest = self.parse_known_args(arguments)
        if rest:
            words = sorted(parsed.options)
            raise BadInput(
                f"option {short_repr(rest[0])}: unknown, allowed are {', '.join(words)}{nearest_match(rest[0], words)}"
            )
        return parsed


def build_parser(description: str | None) -> Parser:
    """The parser of all commands."""
    parser = Parser(prog="python -m benchmark", description=description, allow_abbrev=False)
    subparsers = parser.add_subparsers(dest="command", metavar=f"{{{','.join(COMMANDS)}}}")
    subparsers.required = True
    helps = {
        "run": "run a suite, or go on with it",
        "recheck": "train what a suite's runs selected again, with fresh seeds",
        "audit": "train recorded trials again, replay the algorithms, and say what differs",
        "replay": "run a suite on offline tables instead of training",
        "harvest": "make offline tables of what a suite has trained",
        "reprice": "a suite's results on another calibration",
        "status": "how far a suite is",
        "list": "objectives, algorithms and suites",
        "calibrate": "measure a suite's modelled prices",
        "plan": "a suite's runs and what they will be charged, or the script that submits them",
        "merge": "bring what shards have run together",
        "repair": "set damaged ledgers aside and keep what is whole of them",
    }
    commands = {name: subparsers.add_parser(name, help=helps[name], allow_abbrev=False) for name in COMMANDS}
    for name, command in commands.items():
        if name not in ("list", "merge"):
            command.add_argument("suite", metavar="SUITE", help="a name (see `list`) or a path to a TOML file")
            command.add_argument(
                "--set", metavar="KEY=VALUE", action="append", default=[], help="override a suite's key"
            )
        command.set_defaults(backend=None, scheduler=None, address=None)
        command.set_defaults(jobs=None, data=None, device=None, stack=None, reuse=None, precision=None, fresh=None)
        command.set_defaults(shard=None, quiet=False, allow_mixed=False, tables=None, recycle=False, miss=None)
    _train_options(commands["run"])
    _train_options(commands["recheck"])
    commands["run"].add_argument("--shard", metavar="I/N", help="only the I-th of N shares of the runs, see merge")
    _plan_options(commands["plan"])
    _merge_options(commands["merge"])
    commands["recheck"].add_argument(
        "--fresh", metavar="K", default="10", help="fresh seeds for every configuration (default: 10)"
    )
    _audit_options(commands["audit"])
    _replay_options(commands["replay"])
    _reprice_options(commands["reprice"])
    _calibrate_options(commands["calibrate"])
    commands["harvest"].add_argument("--out", metavar="DIR", help="where tables go (default: RESULTS/SUITE/offline)")
    for name in ("run", "recheck", "audit", "status", "harvest", "repair"):
        commands[name].add_argument(
            "--results", metavar="DIR", default="results", help="where results are (default: results)"
        )
    for command in commands.values():
        words = [word for action in command._actions for word in action.option_strings]
        command.set_defaults(options=[word for word in words if word.startswith("--")])
    return parser


def _train_options(run: argparse.ArgumentParser) -> None:
    run.add_argument("--jobs", metavar="N", help="processes (default: one a core, or one a GPU); results do not change")
    run.add_argument("--backend", metavar="B", help="loky (default), dask or ray; results do not change")
    run.add_argument("--scheduler", metavar="URL", help="of a Dask cluster, as tcp://host:8786 (default: start one)")
    run.add_argument("--address", metavar="A", help="of a Ray cluster, as host:6379 or auto (default: start one)")
    run.add_argument("--data", metavar="DIR", help="folder with the data sets (default: $INCUMBENT_DATA, else data/)")
    run.add_argument("--device", metavar="DEVICE", help="cpu, cuda or cuda:N (default: the suite's)")
    run.add_argument(
        "--stack", metavar="N", help="trials side by side (default: the objective's); results do not change"
    )
    run.add_argument("--reuse", metavar="DIR", help="a suite's results (DIR/runs) whose trials need no training")
    run.add_argument("--precision", metavar="P", help="of our kernels on a GPU: ieee (default), tf32x3 or tf32")
    run.add_argument("--quiet", action="store_true", help="print nothing but problems")
    run.add_argument("--allow-mixed", action="store_true", help="continue runs of another machine, and mark them")


def _audit_options(audit: argparse.ArgumentParser) -> None:
    audit.add_argument(
        "--sample", metavar="SIZE", default="5%", help="recorded trials to train again: 5%% (default), a number, or all"
    )
    audit.add_argument("--seed", metavar="S", default="0", help="of the draw (default: 0)")
    audit.add_argument(
        "--tolerance", metavar="E", help="errors that differ by no more pass (default: only identical ones pass)"
    )
    audit.add_argument("--jobs", metavar="N", help="processes (default: as for run); the report does not change")
    audit.add_argument("--data", metavar="DIR", help="as for run")
    audit.add_argument("--device", metavar="DEVICE", help="as for run; another one than recorded is told")
    audit.add_argument("--stack", metavar="N", help="as for run")
    audit.add_argument("--precision", metavar="P", help="as for run")
    audit.add_argument("--quiet", action="store_true", help="print nothing but problems")


def _plan_options(plan: argparse.ArgumentParser) -> None:
    plan.add_argument("--shards", metavar="N", help="shares of the runs (default: 1; with --slurm one a repetition)")
    plan.add_argument("--slurm", action="store_true", help="print a script that submits the shards to Slurm")
    plan.add_argument("--time", metavar="T", help="limit of a shard's job, as Slurm writes it: HH:MM:SS")
    plan.add_argument("--gpus", metavar="N", help="GPUs of a shard (default: 0, which trains on the CPU)")
    plan.add_argument("--cpus", metavar="N", help="CPUs of a shard, and its processes without a GPU (default: 1)")
    plan.add_argument("--data", metavar="DIR", help="as for run")
    plan.add_argument("--results", metavar="DIR", default="results", help="for the merged results (default: results)")


def _merge_options(merge: argparse.ArgumentParser) -> None:
    merge.add_argument("out", metavar="OUT", help="results folder, or the suite's in it; may hold some runs already")
    merge.add_argument("shards", metavar="SHARD_DIR", nargs="+", help="likewise; is read only, and stays as it is")
    merge.add_argument("--allow-mixed", action="store_true", help="take runs of different machines together")


def _replay_options(replay: argparse.ArgumentParser) -> None:
    replay.add_argument("--tables", metavar="DIR", required=True, help="offline tables, DIR/OBJECTIVE.npz, see harvest")
    replay.add_argument(
        "--miss", metavar="WHAT", default="refuse", help="a trial that no table holds: refuse (default) or train it"
    )
    replay.add_argument(
        "--recycle", action="store_true", help="let the tables' repetitions stand in turn for those they lack"
    )
    replay.add_argument("--jobs", metavar="N", default="1", help="processes (default: 1); results do not change")
    replay.add_argument("--data", metavar="DIR", help="as for run, with --miss train")
    replay.add_argument("--device", metavar="DEVICE", help="as for run, with --miss train")
    replay.add_argument("--quiet", action="store_true", help="print nothing but problems")
    replay.add_argument("--results", metavar="DIR", default="results/replayed", help="default: results/replayed")


def _reprice_options(reprice: argparse.ArgumentParser) -> None:
    reprice.add_argument("--calibration", metavar="NAME", required=True, help="prices: a name or a path to a TOML file")
    reprice.add_argument(
        "--reuse", metavar="DIR", help="the suite's results (default: results/SUITE); nothing is trained"
    )
    reprice.add_argument("--quiet", action="store_true", help="print nothing but problems")
    reprice.add_argument("--results", metavar="DIR", default="results/repriced", help="default: results/repriced")
    reprice.set_defaults(jobs="1", device="cpu")


def _calibrate_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", metavar="DIR", help="as for run")
    command.add_argument("--device", metavar="DEVICE", help="as for run")
    command.add_argument("--name", metavar="NAME", help="of the calibration (default: the file's, else the device's)")
    command.add_argument("--out", metavar="FILE", help="written, or added to if it is there (default: NAME.toml here)")
    command.add_argument("--configs", metavar="N", default="48", help="configurations, a third held out (default: 48)")
    command.add_argument("--rounds", metavar="N", default="5", help="how often each is timed (default: 5)")
    command.add_argument("--rows", metavar="N", default="6000", help="a longer epoch is timed in part (default: 6000)")
