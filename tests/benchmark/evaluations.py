"""What the ledgers of a folder hold of evaluations, without what is measured."""

from benchmark.storage.ledger_format import read_ledger

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")


def evaluations(folder):
    """Every ledger's evaluations without what is measured."""
    return {
        str(path.relative_to(folder)): [
            {name: value for name, value in record.items() if name not in MEASURED}
            for record in read_ledger(path).records
            if record["kind"] == "evaluation"
        ]
        for path in sorted(folder.glob("runs/*/*/*.jsonl"))
    }
