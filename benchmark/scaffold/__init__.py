"""Examples to begin with: a searcher, scheduler, objective or suite of one's own, each with its test."""
