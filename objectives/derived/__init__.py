"""Objectives that are made of another one: on a grid of its space, or with other metrics."""
