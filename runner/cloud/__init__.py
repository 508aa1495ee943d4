"""What kubeflow_runner.py does: compile the pipeline into a job, and have it run elsewhere."""
