"""What a tiny wheel holds, and how its files are recorded."""

import base64
import hashlib
import itertools

from objectives.space import Categorical, Ordinal, Space

SPACE = Space({"width": Ordinal((8, 16, 32)), "activation": Categorical(("relu", "tanh"))})
KEYS = ["".join(map(str, digits)) for digits in itertools.product(range(3), range(2))]


def toy_content(seeds=(2, 3)):
    """What the pickle of a table holds: some values over as many seeds as `seeds` names in turn."""
    counts = itertools.cycle(seeds)
    return {
        key: {
            "train_time": [1.5 * row + seed + 1 for seed in range(count)],
            "val_acc": [(row * 7 % 5) / 5 + seed / 100 for seed in range(count)],
            "size": [2.0**row] * count,
        }
        for row, (key, count) in enumerate(zip(KEYS, counts, strict=False))
    }


def write_to(folder, name, data, *, recorded=True):
    """Write a file of a wheel, and its digest into the wheel's record."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    record = folder / "toy-1.dist-info" / "RECORD"
    record.parent.mkdir(exist_ok=True)
    if recorded:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines = record.read_text().splitlines() if record.exists() else []
        kept = [line for line in lines if not line.startswith(name)]
        record.write_text("\n".join([*kept, f"{name},sha256={digest},{len(data)}"]) + "\n")
