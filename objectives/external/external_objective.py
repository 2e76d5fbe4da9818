"""An objective that another process trains, in its own environment or language."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from objectives.epoch import Epoch, TrainingCrashed, TrainingTimedOut
from objectives.external.program import Description, Program
from objectives.external.program_path import expand_root
from objectives.external.subprocess_client import NoAnswer, ProcessEnded, SubprocessClient
from objectives.metric import Metric
from objectives.objective import Machine, Objective
from objectives.space import Config, Space


@dataclass(frozen=True, eq=False, kw_only=True)
class ExternalObjective(Objective):
    """Another program's objective: space, metrics and training in a process of its own, by JSON lines.

    `objectives/external/README.md` describes the protocol. Objectives of the same options share a program.
    It starts when what it says of itself is asked for; a trial that kills it is recorded as crashed, and
    the next one starts it again.

    Args:
        command: program and arguments; `{root}` is the folder of this project.
        version: refuse any other version of the program.
        timeout: seconds that an answer may take: an epoch, or the start.
        options: passed on to the program.

    Raises:
        ValueError: no such program, or an option of a wrong type.
    """

    TIMES_ITSELF: ClassVar[bool] = True  # It leaves out the start of a process, and what is trained again there.

    command: Sequence[str]
    version: str | None = None
    timeout: float = 600.0
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.version is not None and not isinstance(self.version, str):
            raise ValueError(f"version = {self.version!r}: need a text")
        if not isinstance(self.options, Mapping):
            raise ValueError(f"options = {self.options!r}: need a table")
        SubprocessClient(self.command, timeout=self.timeout)  # Refuses what cannot be started.
        try:
            json.dumps(dict(self.options), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"options = {self.options!r}: need JSON values ({error})") from error

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExternalObjective) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> str:
        """All options as a text."""
        return json.dumps([list(self.command), self.version, self.timeout, dict(self.options)])

    @property
    def program(self) -> Program:
        """This process's program; it ends with this process, or when many others have been started since."""
        return _program(self.key)

    @property
    def description(self) -> Description:
        return self.program.describe()

    @property
    def space(self) -> Space:
        return self.description.space

    @property
    def default(self) -> Config | None:
        return self.description.default

    @property
    def max_epochs(self) -> int:
        return self.description.max_epochs

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.description.metrics

    @property
    def chance_error(self) -> float | None:
        return self.metrics[0].chance_error

    @property
    def best_error(self) -> float | None:
        return self.metrics[0].best_error

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        number = int(seed.generate_state(1)[0] & 0x7FFFFFFF)
        return _RemoteTraining(self.program, config, number)

    def prepare(self, machine: Machine) -> dict[str, str]:
        """Start the program and let it load its data; return versions, and digests of data and program."""
        data = None if machine.data is None else str(machine.data.absolute())
        checksums = self.program.prepare(data, machine.device)
        return {**self.description.versions, **_file_digests(self.program.command), **checksums}


class _RemoteTraining(Iterator[Epoch]):
    """A trial in another process. Where that has ended since, a new one trains it again up to where it was."""

    def __init__(self, program: Program, config: Config, seed: int) -> None:
        self.program, self.config, self.seed = program, config, seed
        self.number, self.process = 0, 0
        self.epochs: list[Epoch] = []

    def __next__(self) -> Epoch:
        try:
            process = self.program.ensure_process()
            if process != self.process:
                self.number, self.process = self.program.next_number(), process
                for epoch, before in enumerate(self.epochs, start=1):
                    self._check_same(before, self._train(epoch))
            trained = self._train(len(self.epochs) + 1)
        except ProcessEnded as error:
            raise TrainingCrashed(str(error)) from error
        except NoAnswer as error:
            raise TrainingTimedOut(str(error)) from error
        self.epochs.append(trained)
        return trained

    def __del__(self) -> None:
        if self.number:
            self.program.forget(self.number)

    def _train(self, epoch: int) -> Epoch:
        return self.program.train(self.number, epoch, self.config, self.seed)

    def _check_same(self, before: Epoch, again: Epoch) -> None:
        if (before.valid_error, before.metrics) != (again.valid_error, again.metrics):
            raise ValueError(
                f"the program does not repeat: trained again, an epoch came to {again}, before to {before}; "
                "everything random must come from the trial's seed"
            )


@lru_cache(maxsize=8)
def _program(key: str) -> Program:
    command, version, timeout, options = json.loads(key)
    return Program(command, version=version, timeout=timeout, options=options)


def _file_digests(command: Sequence[str]) -> dict[str, str]:
    """Digests of the files among a program's arguments: a program that was changed is another one."""
    digests = {}
    for word in command[1:]:
        path = Path(expand_root(word))
        with suppress(OSError, ValueError):  # It is no file, or no name of one: a program's text, say.
            digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests
