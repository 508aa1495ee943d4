"""What is wired: the typed configuration and the pipeline made from it."""
