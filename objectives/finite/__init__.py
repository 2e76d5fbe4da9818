"""Spaces of finitely many configurations, onto which every proposal is mapped."""
