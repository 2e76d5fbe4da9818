"""Searchers and schedulers of other libraries, each in the roles of ours."""
