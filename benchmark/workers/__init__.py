"""Worker processes: how they start, their heartbeat, and what ends one that hangs."""
