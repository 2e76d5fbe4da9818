"""Searches on toy tasks whose results come late."""

from benchmark.checking.toy_tasks import error_in, information


def search(algorithm, task, values_of, count, outstanding=1):
    """What a searcher or scheduler proposes when told results a few proposals late."""
    ask = algorithm.suggest if hasattr(algorithm, "suggest") else algorithm.sample_configuration
    proposed, waiting = [], []
    for _ in range(count):
        config = ask()
        proposed.append(None if config is None else dict(config))
        if config is not None:
            waiting.append(proposed[-1])
        while waiting and (len(waiting) >= outstanding or config is None):
            finished = waiting.pop(len(waiting) // 2)
            values = values_of(finished)
            epochs = finished.get("max_epochs", 9)
            algorithm.update(dict(finished), error_in(task, values), information(values, epochs))
            config = finished
    return proposed
