"""Runs a compiled PipelineJob on this machine, task by task, as Vertex AI would."""
