"""Shards: a suite as jobs that know of each other by nothing but the plan."""
