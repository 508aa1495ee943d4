"""Metrics that TFMA computes for the gate and the report."""
