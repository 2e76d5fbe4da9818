"""Ways of training many trials at once; `objectives.stack` is their interface."""
