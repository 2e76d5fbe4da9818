"""Image classification by networks trained with SGD."""

from objectives.classification.base import ImageClassification, Setting

__all__ = ["ImageClassification", "Setting"]
