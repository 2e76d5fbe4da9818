"""Every table of `analysis` once more, by its definition: plain loops over the lines of the ledgers, in fractions.

Nothing of the project is imported here. Numbers are read as the decimals that the files hold, sums and comparisons are
exact, and only roots, logarithms and the quantiles of distributions are rounded. An undefined number is None, an
infinite one `math.inf`. The importance of hyperparameters is left out: it is an estimate by random forests.
"""
