"""Ways of training many trials side by side; `objectives.stack` says what they have in common."""
