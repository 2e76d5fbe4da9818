"""The figures of docs/reliability.md, measured: `python -m tests.perf.reliability`."""
