"""The program that trains: its process, and the messages of the protocol in README.md."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from objectives.epoch import Epoch
from objectives.external.subprocess_client import ExternalError, SubprocessClient
from objectives.external.wire_space import read_metrics, read_space
from objectives.metric import Metric, check_metrics, is_classic
from objectives.native_value import require_int
from objectives.space import Config, Space

PROTOCOL = 1
MOST_EPOCHS = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a program says of its objective.

    Attributes:
        versions: of the program and of what it uses, by name.
        default: the configuration that every algorithm tries first, or None.
    """

    versions: Mapping[str, str]
    space: Space
    default: Config | None
    max_epochs: int
    metrics: tuple[Metric, ...]


class Program:
    """A program that trains trials. Its process starts when it is asked for something, and again after it has ended.

    Args:
        command: program and arguments; see `SubprocessClient`.
        version: refuse any other; None: any will do.
        timeout: seconds that an answer may take, be it an epoch or the start.
        options: for the program.

    Attributes:
        process: number of the process that runs, counted from 1; what an earlier one knew is lost.
    """

    def __init__(
        self, command: Sequence[str], *, version: str | None, timeout: float, options: Mapping[str, Any]
    ) -> None:
        self.command, self.version, self.timeout, self.options = list(command), version, timeout, dict(options)
        self.client = self._new_client()
        self.process = 0
        self._description: Description | None = None
        self._prepared: tuple[str | None, str] | None = None
        self._checksums: dict[str, str] = {}
        self._forgotten: list[int] = []
        self._trials = 0

    def describe(self) -> Description:
        """Return what the program says of its objective; the first call starts it.

        Raises:
            ExternalError: it cannot be started, or what it says makes no sense.
        """
        if self._description is None:
            self._ensure_running()
        assert self._description is not None
        return self._description

    def prepare(self, data: str | None, device: str) -> dict[str, str]:
        """Let the program load what training needs, also in every later process; return its data's checksums."""
        if self._prepared != (data, device):
            self._prepared = data, device
            if self.client.running:
                self._send_prepare()
        self._ensure_running()
        return self._checksums

    def next_number(self) -> int:
        """Return a number for a trial that no other has had."""
        self._trials += 1
        return self._trials

    def forget(self, trial: int) -> None:
        """Note that a trial is not trained further; the program is told before it trains the next one."""
        self._forgotten.append(trial)

    def train(self, trial: int, epoch: int, config: Config, seed: int) -> Epoch:
        """Train a trial's next epoch.

        Args:
            trial: its number; the process must have trained all earlier epochs.
            epoch: which one, from 1.
            config: of the trial.
            seed: of the trial, 0 .. 2**31 - 1.

        Raises:
            ProcessEnded: the process died.
            NoAnswer: it took too long.
            ExternalError: it broke the protocol.
        """
        self._ensure_running()
        try:
            if self._forgotten:
                trials, self._forgotten = self._forgotten, []
                self._exchange({"op": "forget", "trials": trials}, (), ())
            message = {"op": "train", "trial": trial, "epoch": epoch, "config": config, "seed": seed}
            began = time.perf_counter()
            answer = self._exchange(message, ("valid",), ("test", "seconds", "diverged"))
            return self._epoch(answer, time.perf_counter() - began)
        except ExternalError:
            raise
        except BaseException:  # Whatever interrupts an exchange leaves half an answer in the pipe.
            self.client.close()
            raise

    def ensure_process(self) -> int:
        """Start the program unless it runs; return the process's number."""
        self._ensure_running()
        return self.process

    def _new_client(self) -> SubprocessClient:
        return SubprocessClient(self.command, timeout=self.timeout, constants=True)

    def _ensure_running(self) -> None:
        if self.client.running:
            return
        self.client = self._new_client()
        self.process += 1
        self._forgotten = []
        answer = self._exchange(
            {"op": "begin", "protocol": PROTOCOL, "role": "objective", "options": self.options},
            ("name", "version", "space", "max_epochs"),
            ("libraries", "default", "metrics"),
        )
        try:
            self._description = self._read_description(answer)
        except (ValueError, TypeError) as error:
            self.client.fail(f"describes its objective wrongly: {error}")
        if self._prepared is not None:
            self._send_prepare()

    def _send_prepare(self) -> None:
        assert self._prepared is not None
        data, device = self._prepared
        checksums = self._exchange({"op": "prepare", "data": data, "device": device}, (), ("checksums",)).get(
            "checksums", {}
        )
        if not isinstance(checksums, dict) or not all(isinstance(value, str) for value in checksums.values()):
            self.client.fail(f"answered 'prepare' with checksums = {checksums!r}: need an object of texts")
        self._checksums = checksums

    def _exchange(self, message: Mapping[str, Any], required: tuple[str, ...], optional: tuple[str, ...]) -> Any:
        answer = self.client.exchange(message)
        odd = [key for key in answer if key not in required + optional]
        odd += [key for key in required if key not in answer]
        if odd:
            need = ", ".join(required) or "none"
            may = f", and perhaps {', '.join(optional)}" if optional else ""
            keys = ", ".join(answer) or "none"
            self.client.fail(f"answered {message['op']!r} with the keys {keys}: need {need}{may}")
        return answer

    def _read_description(self, answer: Mapping[str, Any]) -> Description:
        for key in ("name", "version"):
            if not isinstance(answer[key], str) or not answer[key]:
                raise ValueError(f"{key} = {answer[key]!r}: need a text")
        if self.version is not None and answer["version"] != self.version:
            raise ValueError(f"it is version {answer['version']!r}, not {self.version!r} as the suite says")
        libraries = answer.get("libraries", {})
        if not isinstance(libraries, dict) or not all(isinstance(value, str) for value in libraries.values()):
            raise ValueError(f"libraries = {libraries!r}: need an object of texts")
        require_int("max_epochs", answer["max_epochs"], 1, MOST_EPOCHS)
        space = read_space(answer["space"])
        default = answer.get("default")
        if default is not None and not isinstance(default, dict):
            raise ValueError(f"default = {default!r}: need an object or null")
        return Description(
            versions={answer["name"]: answer["version"], **libraries},
            space=space,
            default=None if default is None else space.check(default),
            max_epochs=answer["max_epochs"],
            metrics=check_metrics(read_metrics(answer.get("metrics", [{"name": "error"}]))),
        )

    def _epoch(self, answer: Mapping[str, Any], seconds: float) -> Epoch:
        """Return an answer that took so many seconds as an epoch; its numbers are checked like every objective's."""
        assert self._description is not None
        metrics = self._description.metrics
        first = metrics[0].name
        valid, test = answer["valid"], answer.get("test")
        diverged = answer.get("diverged", False)
        if not isinstance(diverged, bool):
            self.client.fail(f"answered 'train' with diverged = {diverged!r}: need true or false")
        valid = valid if isinstance(valid, dict) else {first: valid}
        test = test if isinstance(test, dict) or test is None else {first: test}
        reported = answer.get("seconds")
        if not is_classic(metrics):
            return Epoch(
                metrics=valid, test_metrics=test, diverged=diverged, seconds=seconds, reported_seconds=reported
            )
        odd = [name for name in (*valid, *(test or {})) if name != first]
        if odd:
            self.client.fail(f"answered 'train' with the metric {odd[0]!r}: only {first} is declared")
        error: Any = float("nan") if diverged else valid.get(first)
        return Epoch(
            valid_error=error,
            test_error=(test or {}).get(first),
            diverged=diverged,
            seconds=seconds,
            reported_seconds=reported,
        )
