"""Programs at the other end of a pipe that train, well or badly."""

import sys
from pathlib import Path

from objectives.external.external_objective import ExternalObjective

GOOD = """
import json, os, random, sys

def describe(options):
    answer = {"name": "toy", "version": "1.0", "max_epochs": options.get("epochs", 4),
              "space": [{"name": "x", "kind": "float", "low": 0.0, "high": 1.0},
                        {"name": "k", "kind": "int", "low": 1, "high": 3},
                        {"name": "w", "kind": "ordinal", "choices": [16, 32],
                         "condition": {"parent": "k", "values": [2, 3]}},
                        {"name": "act", "kind": "categorical", "choices": ["relu", None, 3]}],
              "default": {"x": 0.5, "k": 1, "act": "relu"}}
    if "metrics" in options:
        answer["metrics"] = options["metrics"]
    return answer

def train(message):
    dice = random.Random(json.dumps([message["seed"], message["config"], message["epoch"]], sort_keys=True))
    return message["config"]["x"] / message["epoch"] + 0.1 * dice.random()

for line in sys.stdin:
    message = json.loads(line)
    op = message["op"]
    if op == "begin":
        options = message["options"]
        print(json.dumps(describe(options)), flush=True)
    elif op == "prepare":
        print(json.dumps({"checksums": {"toy": str(message["data"])}}), flush=True)
    elif op == "forget":
        print("{}", flush=True)
    else:
        value = train(message)
        BAD
        if "metrics" in options:
            named = {metric["name"]: value + i for i, metric in enumerate(options["metrics"])}
            print(json.dumps({"valid": named, "test": named, "seconds": 7.5}), flush=True)
        else:
            print(json.dumps({"valid": value, "test": value / 2}), flush=True)
"""
"""An objective of four epochs; `BAD` may be replaced by what goes wrong before a training's answer."""

SOMETIMES = 'message["config"]["k"] == 3 and message["epoch"] == 2'
"""When a bad program goes wrong: in the second epoch of every third configuration or so."""


def program(bad="pass", text=GOOD):
    """The command of a program in which something goes wrong before a training's answer."""
    return [sys.executable, "-c", text.replace("BAD", bad.replace("\n", "\n        "))]


def objective(bad="pass", **options):
    return ExternalObjective(command=program(bad), **options)


OPTIONS = {"external": {"command": program(), "options": {"epochs": 3}}}
"""Options without which a registered objective cannot be built."""


def is_alive(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
