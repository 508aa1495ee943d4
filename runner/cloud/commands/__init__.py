"""What `kubeflow_runner.py` can be asked for: a module each, with its arguments and its action."""
