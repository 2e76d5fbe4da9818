"""Backends: execute a suite's runs in several processes, on this machine or on a cluster."""
