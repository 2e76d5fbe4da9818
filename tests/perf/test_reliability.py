"""The program behind docs/reliability.md: its rows are those of the table, and measure what they say."""

import json
from pathlib import Path

import pytest

from tests.perf.reliability.__main__ import ROWS, main

TABLE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def test_every_row_is_in_the_table():
    """With its command; and the table names no row that there is not."""
    text = TABLE.read_text()
    named = {words.split()[0].rstrip("`") for words in text.split("--only ")[1:]} - {"ROW"}

    assert named == set(ROWS)


@pytest.mark.parametrize("name", ["kills", "damage", "floats"])
def test_a_small_part_of_a_row_is_measured(name, tmp_path, capsys):
    """What needs no quiet machine meets its target in a small part too, and leaves nothing behind."""
    assert main(["--only", name, "--quick", "--folder", str(tmp_path)]) == 0

    assert ROWS[name].figure in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["kills", "damage", "floats", "seeds", "slots"])
def test_a_missed_target_is_seen(name):
    """One record lost, one wrong bit accepted, one float, key or slot that differs is a miss."""
    good = {
        "kills": {"lost": 0, "wrong": 0},
        "damage": {"tears_not_repaired": 0, "accepted_as_wrong_data": 0},
        "floats": {"differ": {"ledger": 0, "analysis": 0, "tables": 0}},
        "seeds": {"streams": {"collide": 0}, "keys": {"collide": 0}},
        "slots": {"shapes_differing": 0, "trainings_differing": 0},
    }[name]
    texts = json.dumps(good).split(": 0")
    worse = [json.loads(": 0".join(texts[:n]) + ": 1" + ": 0".join(texts[n:])) for n in range(1, len(texts))]

    assert ROWS[name].met(good)
    assert len(worse) >= 2
    assert not any(ROWS[name].met(found) for found in worse)
