"""Prices of trials: the cost model of the modelled clock, and how it is measured."""
