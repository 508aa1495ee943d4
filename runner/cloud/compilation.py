"""The pipeline as a job: JSON for Vertex AI Pipelines, YAML for Kubeflow Pipelines 2."""

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml

from pipeline.config import Config
from pipeline.container_drivers import run_without_cache, use_own_drivers
from pipeline.loading import ConfigError
from pipeline.run_parameters import run_parameters
from runner.cloud.files import whole_file

VERTEX: Final = "vertex"
KFP: Final = "kfp"
TARGETS: Final = (VERTEX, KFP)


def compile_pipeline(config: Config, path: str, target: str = VERTEX) -> None:
    """Writes the pipeline as a job, the same byte for byte for the same inputs.

    Needs neither network nor credentials.

    Args:
        config: A configuration with a section `vertex`.
        path: File to write; one that is there stays as it is where this fails.
        target: `vertex` for a PipelineJob as JSON; `kfp` for a pipeline as YAML, which Kubeflow
            Pipelines 2 takes from `kfp.Client` or its page.

    Raises:
        ConfigError: If the configuration has no section `vertex` or names no data.
        OSError: If the file can't be written.
    """
    check_compilable(config)
    # What can't be written is said before TFX is imported.
    with whole_file(path) as unfinished:
        text = job_text(compiled_job(config, target), target)
        with open(unfinished, "w", encoding="utf-8") as file:
            file.write(text)


def check_compilable(config: Config) -> None:
    """Refuses a configuration that no job can be made of.

    Raises:
        ConfigError: If it has no section `vertex` or names no data.
    """
    if config.vertex is None:
        raise ConfigError(f"{config.name}: expected a section vertex, got none")
    if not config.data.roots:
        raise ConfigError("expected data.roots, the folders of the scans in a bucket, got none")


def compiled_job(config: Config, target: str = VERTEX) -> dict[str, Any]:
    """Compiles the pipeline.

    Args:
        config: As `compile_pipeline` takes it.
        target: As `compile_pipeline` takes it: Kubeflow Pipelines reads schema 2.1 alone.

    Returns:
        A PipelineJob as plain JSON, whose parameters have the configuration's values.
    """
    from tfx.v1.orchestration.experimental import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

    from pipeline.pipeline import create_pipeline

    place = config.vertex
    if place is None:
        raise ConfigError(f"{config.name}: expected a section vertex, got none")
    values = run_parameters(config)
    settings = KubeflowV2DagRunnerConfig(
        default_image=place.image, use_pipeline_spec_2_1=target == KFP
    )
    job: dict[str, Any] = KubeflowV2DagRunner(config=settings).run(
        create_pipeline(config), parameter_values=dict(values), write_out=False
    )
    job["labels"] = {**job.get("labels", {}), **place.labels}
    spec = job["pipelineSpec"]
    use_own_drivers(spec)
    if target == KFP:
        run_without_cache(spec)
        spec["defaultPipelineRoot"] = place.pipeline_root
        for name, definition in spec["root"]["inputDefinitions"]["parameters"].items():
            definition["defaultValue"] = values[name]
    return job


def job_text(job: Mapping[str, Any], target: str) -> str:
    """A compiled job as the text of its file."""
    if target == KFP:
        return str(yaml.safe_dump(job["pipelineSpec"], sort_keys=True))
    return json.dumps(job, indent=1, sort_keys=True) + "\n"
