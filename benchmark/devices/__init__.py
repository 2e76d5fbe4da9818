"""The GPUs of this machine: what is found, what can be used, what is in the way."""
