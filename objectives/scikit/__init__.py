"""Models of scikit-learn on the data sets that it brings along."""
