"""Metrics of networks besides their error: how large they are, and what training and one prediction take."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from objectives.cost import CostTerms
from objectives.metric import INFERENCE_SECONDS, TRAIN_SECONDS, Metric
from objectives.training.network_cost import NetworkShape, network_terms
from objectives.training.networks import build_unfilled
from objectives.training.reference_loop import EVALUATION_BATCH, synchronised_time

PASSES = 5
"""Of which the fastest counts, because whatever disturbs a timing adds to it."""


def network_metrics(least: NetworkShape, largest: NetworkShape) -> tuple[Metric, ...]:
    """Return what networks offer besides their error.

    Numbers that training adjusts, multiply-adds of a prediction, seconds of all training so far and of a prediction.
    The reference of a count is that of the largest network of the space; where all are of one size there is none,
    since nothing could be gained. Under the modelled clock the seconds are the calibration's, so that they repeat;
    under others they are measured, and a suite says their reference.
    """
    low, high = count_network_metrics(least), count_network_metrics(largest)
    references = {name: float(high[name]) if low[name] < high[name] else None for name in high}
    counts = (Metric(name, best=0.0, reference=reference) for name, reference in references.items())
    seconds = (Metric(name, unit="s", best=0.0, measured=True) for name in (TRAIN_SECONDS, INFERENCE_SECONDS))
    return (*counts, *seconds)


def count_network_metrics(shape: NetworkShape) -> dict[str, float]:
    """The metrics that a network's shape tells."""
    return {"parameters": shape.parameters, "multiply_adds": shape.forward}


def prediction_terms(shape: NetworkShape) -> CostTerms:
    """Count the work of one prediction: that of validating one image."""
    return CostTerms(set_up={}, epoch=network_terms(shape, [(0, 1)], 1).epoch)


def time_prediction(build: Callable[[], nn.Module], image: torch.Size, device: str) -> float:
    """Measure the seconds of one prediction, in batches as validation has them; weights do not change it."""
    network = build_unfilled(build, device).eval()
    images = torch.zeros(EVALUATION_BATCH, *image, device=device)
    where = torch.device(device)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        network(images)
        times = []
        for _ in range(PASSES):
            began = synchronised_time(where)
            network(images)
            times.append(synchronised_time(where) - began)
    return min(times) / EVALUATION_BATCH
