"""The commands of `python -m benchmark`, one file each."""
