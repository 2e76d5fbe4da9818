"""How much each hyperparameter explains of the errors."""
