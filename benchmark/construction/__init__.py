"""Builds what a suite compares from its entries: objectives of classes and of functions, and their spaces."""
