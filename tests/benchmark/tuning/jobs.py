"""Jobs, as a tuning loop asks for them."""

from benchmark.tuning.tuner import Job


def make_job(config, epochs, start_epoch=0, *, trial=0, start=0.0, decide_seconds=0.0):
    """The first job of a run: training a trial to an epoch, from the beginning or from an epoch reached before."""
    return Job(
        index=0,
        trial=trial,
        config=dict(config),
        suggestion=dict(config),
        start_epoch=start_epoch,
        epochs=epochs,
        start=start,
        decide_seconds=decide_seconds,
    )
