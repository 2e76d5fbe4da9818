"""A program at the other end of a pipe, and whether its process is there."""

import os
import time
from pathlib import Path

from scipy import stats

from objectives.space import Categorical, Condition, Ordinal, Space

RATE = Space({"rate": stats.uniform(0, 1)})
MIXED = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "layers": stats.randint(1, 4),
        "batch": Ordinal([16, 32, 64]),
        "noise": stats.norm(0, 1),
        "activation": Categorical(["relu", 1, "tanh"]),
        "width_2": stats.randint(8, 65),
    },
    conditions={"width_2": Condition(parent="layers", values=(2, 3))},
)
DEFAULT = {"rate": 0.1, "layers": 2, "batch": 32, "noise": 0.25, "activation": "tanh", "width_2": 16}

GOOD = """
import json, random, sys
log = None
for line in sys.stdin:
    message = json.loads(line)
    if message["op"] == "begin":
        begin, dice = message, random.Random(message["seed"])
        if "log" in message["options"]:
            log = open(message["options"]["log"], "a")
        answer = {"name": "toy", "version": "1.0"}
    elif message["op"] == "ask":
        config = {"rate": dice.random()}
        if message["number"] == 0 and begin["initial_config"]:
            config = begin["initial_config"]
        answer = {"config": config}
        if begin["role"] == "scheduler":
            answer["max_epochs"] = 1 + message["number"] % 3
    else:
        answer = {}
    if log:
        print(line, end="", file=log, flush=True)
    print(json.dumps(answer), flush=True)
"""
INTRODUCTION = "print(json.dumps({'name': 'toy', 'version': '1.0'}), flush=True)\n"


def says(*answers):
    """A program that introduces itself and then gives these answers, written as Python."""
    lines = "".join(f"sys.stdin.readline(); print({answer}, flush=True)\n" for answer in answers)
    return f"import json, os, sys, time\nsys.stdin.readline(); {INTRODUCTION}{lines}sys.stdin.read()\n"


def process_of(algorithm):
    return algorithm.remote.client._process


def alive(pid):
    """Whether a process is there and has not ended; one that nobody has waited for has ended."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except ProcessLookupError:
        return False
    except FileNotFoundError:  # No /proc here, or it has ended just now.
        return Path("/proc/self").exists() is False


def ends(pid, seconds=20.0):
    """Whether a process ends by itself; the time is generous because the machine may be busy."""
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not alive(pid)
