"""Registry of the methods of other libraries: a new one is one file and one entry."""

from collections.abc import Mapping

from algorithms.interop.optional_method import OptionalMethod

SEARCHERS: Mapping[str, OptionalMethod] = {
    "gp": OptionalMethod(
        "algorithms.searchers.gaussian_process:GaussianProcess",
        extra="botorch",
        libraries=("botorch", "gpytorch"),
        summary="A Gaussian process by BoTorch, with noisy expected improvement.",
    ),
    "optuna": OptionalMethod(
        "algorithms.adapters.optuna_samplers:OptunaSearcher",
        extra="optuna",
        libraries=("optuna", "cmaes"),
        summary="Optuna's samplers: TPE, Gaussian process, CMA-ES, random, quasi-random.",
        variants={name: {"sampler": name} for name in ("tpe", "gp", "cmaes", "random", "qmc")},
    ),
    "cmaes": OptionalMethod(
        "algorithms.adapters.cmaes:CmaEs",
        extra="cmaes",
        libraries=("cmaes",),
        summary="CMA-ES, with margin for whole numbers and probabilities for categories.",
        variants={"": {}, **{name: {"variant": name} for name in ("cma", "margin", "categorical")}},
        lacks={
            "conditions": "values that do not count are drawn and dropped",
            "pending": "draws are independent of those without a result",
            "fidelity": "told the first result of a proposal",
        },
    ),
    "smac": OptionalMethod(
        "algorithms.adapters.smac:Smac",
        extra="smac",
        libraries=("smac", "ConfigSpace"),
        summary="SMAC3: expected improvement with a random forest or a Gaussian process, after a Sobol design.",
        variants={
            "rf": {},
            "gp": {"facade": "blackbox"},
            "random": {"facade": "random"},
        },
        lacks={
            "fidelity": "told the first result of a proposal",
            "copy": "it is made of generators, which cannot be copied",
        },
    ),
    "nevergrad": OptionalMethod(
        "algorithms.adapters.nevergrad:Nevergrad",
        extra="nevergrad",
        libraries=("nevergrad", "cma"),
        summary="Nevergrad's optimizers: NGOpt, (1+1), differential evolution, particle swarms, CMA-ES, ...",
        variants={
            "ngopt": {"optimizer": "NGOpt"},
            "one_plus_one": {"optimizer": "OnePlusOne"},
            "de": {"optimizer": "TwoPointsDE"},
            "pso": {"optimizer": "PSO"},
            "cma": {"optimizer": "CMA"},
        },
        lacks={
            "conditions": "values that do not count are drawn and dropped",
            "pending": "draws are independent of those without a result",
            "fidelity": "told the first result of a proposal",
        },
    ),
    "hyperopt": OptionalMethod(
        "algorithms.adapters.hyperopt:Hyperopt",
        extra="hyperopt",
        libraries=("hyperopt",),
        summary="Hyperopt's algorithms: TPE, annealing, random.",
        variants={name: {"algorithm": name} for name in ("tpe", "anneal", "rand")},
        lacks={"fidelity": "told the first result of a proposal"},
    ),
    "syne_tune": OptionalMethod(
        "algorithms.adapters.syne_search:SyneTuneSearcher",
        extra="syne-tune",
        libraries=("syne-tune", "xgboost", "statsmodels", "scikit-learn", "botorch"),
        summary="Syne Tune's searchers: random, kernel densities, regularized evolution, BORE, CQR, BoTorch.",
        variants={name: {"method": name} for name in ("random", "tpe", "rea", "bore", "cqr", "botorch")},
        lacks={
            "conditions": "values that do not count are drawn and dropped",
            "fidelity": "told the first result of a proposal",
        },
    ),
    "ray_tune": OptionalMethod(
        "algorithms.adapters.ray_search:RayTuneSearcher",
        extra="ray",
        libraries=("ray", "optuna", "hyperopt", "nevergrad", "bayesian-optimization"),
        summary="Ray Tune's searchers: random, and its wrappers of Optuna, Hyperopt, Nevergrad and BayesOpt.",
        variants={name: {"method": name} for name in ("random", "optuna", "hyperopt", "nevergrad", "bayesopt")},
        lacks={
            "conditions": "values that do not count are drawn and dropped",
            "fidelity": "told the first result of a proposal",
        },
    ),
    "external": OptionalMethod(
        "algorithms.external.external:ExternalSearcher",
        extra="",
        libraries=(),
        summary="A searcher in another process, with its own environment or language (algorithms/external/README.md).",
        variants={},
        lacks={"copy": "a running process cannot be copied"},
    ),
}

SCHEDULERS: Mapping[str, OptionalMethod] = {
    "optuna": OptionalMethod(
        "algorithms.adapters.optuna_pruners:OptunaPruner",
        extra="optuna",
        libraries=("optuna",),
        summary="Optuna's pruners as stopping rules: median, percentile, successive halving, Hyperband, patience.",
        variants={
            "median": {"pruner": "median"},
            "percentile": {"pruner": "percentile", "options": {"percentile": 25.0}},
            "successive_halving": {"pruner": "successive_halving"},
            "hyperband": {"pruner": "hyperband"},
            "patient": {"pruner": "patient", "options": {"patience": 2}},
        },
    ),
    "smac": OptionalMethod(
        "algorithms.adapters.smac_multi_fidelity:SmacMultiFidelity",
        extra="smac",
        libraries=("smac", "ConfigSpace"),
        summary="SMAC3's multi-fidelity optimization: Hyperband or successive halving over its random forest.",
        variants={
            "hyperband": {},
            "successive_halving": {"intensifier": "successive_halving"},
            "random": {"facade": "random"},
        },
        lacks={"copy": "it is made of generators, which cannot be copied"},
    ),
    "syne_tune": OptionalMethod(
        "algorithms.adapters.syne_tune:SyneTuneScheduler",
        extra="syne-tune",
        libraries=("syne-tune", "xgboost", "statsmodels", "scikit-learn"),
        summary="Syne Tune's schedulers with searchers of their own: ASHA, ASHA with BORE or CQR, BOHB, median rule.",
        variants={name: {"method": name} for name in ("asha", "asha_bore", "asha_cqr", "bohb", "median")},
        lacks={"conditions": "values that do not count are drawn and dropped"},
    ),
    "ray_tune": OptionalMethod(
        "algorithms.adapters.ray_tune:RayTuneScheduler",
        extra="ray",
        libraries=("ray", "optuna", "hyperopt", "nevergrad", "bayesian-optimization"),
        summary="Ray Tune's schedulers over any searcher: ASHA, median stopping rule, Hyperband.",
        variants={name: {"method": name} for name in ("asha", "median", "hyperband")},
    ),
    "external": OptionalMethod(
        "algorithms.external.external:ExternalScheduler",
        extra="",
        libraries=(),
        summary="A scheduler in another process, with its own environment or language (algorithms/external/README.md).",
        variants={},
        lacks={"copy": "a running process cannot be copied"},
    ),
}
