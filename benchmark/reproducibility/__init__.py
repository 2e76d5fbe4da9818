"""What makes the same bits again: seeds, machine facts, source digests, canonical JSON, process settings."""
