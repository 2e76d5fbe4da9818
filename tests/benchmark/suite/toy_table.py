"""The table of a small suite, as TOML gives it."""

TABLE = {
    "title": "A toy",
    "seed": 5,
    "repetitions": 3,
    "budget": {"trials": 4, "runtime": 60},
    "objectives": {"branin": {"noise": 1.0}, "other": {"name": "hartmann6"}},
    "algorithms": {
        "random": {"searcher": "random"},
        "local": {"searcher": {"name": "local", "probab_local": 0.5}},
        "halving": {"scheduler": {"name": "successive_halving", "eta": 2}, "searcher": "random"},
    },
}
