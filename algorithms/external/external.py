"""Searchers and schedulers that run in another process, in their own environment or language."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from algorithms.external.protocol import RemoteAlgorithm, first_message
from objectives.external.subprocess_client import ExternalError, SubprocessClient
from objectives.space import FIDELITY, Config, Space


class _External:
    """Base of both roles: the remote algorithm, its versions, and the numbers of its proposals."""

    def __init__(self, remote: RemoteAlgorithm) -> None:
        self.remote, self.proposals = remote, _Proposals()

    @property
    def versions(self) -> dict[str, str]:
        return _about(self.remote, "versions")

    @property
    def lacks(self) -> dict[str, str]:
        return _about(self.remote, "lacks")

    def close(self) -> None:
        """End the process."""
        self.remote.client.close()

    def _ask(self) -> Config | None:
        number, proposal = self.remote.ask()
        if proposal is not None:
            self.proposals.add(proposal, number)
        return proposal


class ExternalSearcher(_External):
    """A searcher that another process runs; `algorithms/external/README.md` describes the protocol.

    The process starts when the first proposal, or what it says of itself, is asked for. It ends with
    `close()`, with this object, or with our process.

    Args:
        config_space: sent at the beginning, in the coordinates of `Translation`.
        rng: the seed sent is drawn from it.
        initial_config: has to be the first proposal, unless the process says that it lacks "default".
        max_epochs: the full fidelity, for a searcher that wants to know.
        command: program and arguments; `{root}` is the folder of this project.
        version: refuse any other version of the program.
        timeout: seconds that an answer may take.
        options: sent as they are.

    Attributes:
        versions: of the program and what it uses, as it says; starts it.
        lacks: property -> why it does not have it, as it says; starts it. Both are empty for a program
            that fails at its beginning: the first proposal raises that.

    Raises:
        ValueError: no such program, or an option of a wrong type.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        command: Sequence[str],
        initial_config: Config | None = None,
        max_epochs: int | None = None,
        version: str | None = None,
        timeout: float = 60.0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        begin = first_message("searcher", config_space, rng, initial_config, max_epochs, options)
        super().__init__(
            RemoteAlgorithm(SubprocessClient(command, timeout=timeout), config_space, begin, initial_config, version)
        )

    def sample_configuration(self) -> Config | None:
        return self._ask()

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        bare = {name: value for name, value in config.items() if name != FIDELITY}
        number = self.proposals.match_result(bare, config.get(FIDELITY, math.inf))
        self.remote.tell(number, bare, error, config.get(FIDELITY))


class ExternalScheduler(_External):
    """A scheduler that another process runs; `algorithms/external/README.md` describes the protocol.

    Arguments, attributes and errors are those of `ExternalSearcher`; here the process chooses
    `max_epochs` of every proposal.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        max_epochs: int,
        command: Sequence[str],
        initial_config: Config | None = None,
        version: str | None = None,
        timeout: float = 60.0,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        begin = first_message("scheduler", config_space, rng, initial_config, max_epochs, options)
        super().__init__(
            RemoteAlgorithm(SubprocessClient(command, timeout=timeout), config_space, begin, initial_config, version)
        )

    def suggest(self) -> Config | None:
        return self._ask()

    def update(self, config: Config, error: float, info: Any = None) -> None:
        number = self.proposals.match_result(config, math.inf)
        bare = {name: value for name, value in config.items() if name != FIDELITY}
        self.remote.tell(number, bare, error, config.get(FIDELITY))


def _about(remote: RemoteAlgorithm, what: str) -> dict[str, str]:
    try:
        return dict(remote.about()[what])
    except ExternalError:  # Every later word to this remote raises it again.
        return {}


class _Proposals:
    """The numbers of proposals, and how far each was trained at its last result."""

    def __init__(self) -> None:
        self._known: dict[str, list[tuple[int, float]]] = {}

    def add(self, config: Config, number: int) -> None:
        self._known.setdefault(_name(config), []).append((number, 0.0))

    def match_result(self, config: Config, epochs: Any) -> int | None:
        """Return the earliest equal proposal that was trained for less so far, or None."""
        alike = self._known.get(_name(config), [])
        for index, (number, known) in enumerate(alike):
            if known < epochs:
                alike[index] = number, epochs
                return number
        return None


def _name(config: Mapping[str, Any]) -> str:
    """The key of a configuration; it distinguishes 1 from 1.0 and True, which are equal."""
    return repr(sorted(config.items()))
