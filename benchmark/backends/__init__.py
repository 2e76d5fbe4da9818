"""Engines: what spreads a suite's runs over processes, on this machine or on a cluster."""
