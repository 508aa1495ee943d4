"""One script per performance figure, and the figures on real CT."""
