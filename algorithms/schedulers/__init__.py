"""Schedulers decide when trials train and for how long; one file each."""
