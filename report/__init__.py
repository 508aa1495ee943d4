"""The run's report: gathered facts, plots and pictures on one self-contained page."""
