"""The tuning loop of one run, its clock, and the training of its trials."""
