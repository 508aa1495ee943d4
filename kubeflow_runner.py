"""Compiles the pipeline for Vertex AI Pipelines and Kubeflow Pipelines 2, or submits it."""

import argparse
import errno
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from lungct.command_line import Parser
from pipeline.config import Config
from pipeline.loading import ConfigError, load_config
from runner.arguments import add_configuration_arguments
from runner.emulation import command as emulation
from runner.exit_status import EXIT_ERROR, EXIT_USAGE
from runner.streams import quiet, use_lossy_output
from runner.usage import UsageError


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line; a wrong one ends the process with status 2 and one line."""
    parser = Parser(description=__doc__)
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="compile|submit|emulate"
    )
    for name, text in (
        ("compile", "write the job as JSON, without any network"),
        ("submit", "write the job as JSON and start it on Vertex AI"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        add_configuration_arguments(command, "configs/vertex.yaml")
        command.add_argument(
            "--output", metavar="FILE", default="output/vertex.json", help="default %(default)s"
        )
    text = emulation.__doc__
    emulation.add_arguments(
        commands.add_parser("emulate", help="run the job on this machine", description=text)
    )
    return parser.parse_args(arguments)


def compile_pipeline(config: Config, path: str) -> None:
    """Writes the pipeline as a Vertex PipelineJob.

    Args:
        config: A configuration with a section `vertex`.
        path: JSON file to write.

    Raises:
        ConfigError: If the configuration has no section `vertex` or names no data.
        OSError: If the file can't be written.
    """
    if config.vertex is None:
        raise ConfigError(f"{config.name}: expected a section vertex, got none")
    if not config.data.roots:
        raise ConfigError("expected data.roots, the folders of the scans in a bucket, got none")
    # What can't be written is said before TFX is imported.
    with _whole_file(path) as unfinished:
        from tfx.v1.orchestration.experimental import (
            KubeflowV2DagRunner,
            KubeflowV2DagRunnerConfig,
        )

        from pipeline.container_drivers import use_own_drivers
        from pipeline.pipeline import create_pipeline

        settings = KubeflowV2DagRunnerConfig(default_image=config.vertex.image)
        job = KubeflowV2DagRunner(config=settings).run(create_pipeline(config), write_out=False)
        use_own_drivers(job["pipelineSpec"])
        with open(unfinished, "w", encoding="utf-8") as file:
            json.dump(job, file, sort_keys=True)


@contextmanager
def _whole_file(path: str) -> Iterator[str]:
    """Gives a file beside `path` to write to, and renames it when that ended well.

    Raises:
        OSError: If a file at `path` can't be written.
    """
    path = os.path.realpath(path)
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "expected a file to write, got something else", path)
    folder = os.path.dirname(path)
    os.makedirs(folder, exist_ok=True)
    number, unfinished = tempfile.mkstemp(prefix=".partial-", suffix=".json", dir=folder)
    os.close(number)
    try:
        yield unfinished
        os.chmod(unfinished, 0o644)
        os.replace(unfinished, path)
    finally:
        with suppress(FileNotFoundError):
            os.remove(unfinished)


def submit(config: Config, path: str) -> str:
    """Starts a compiled job on Vertex AI.

    Args:
        config: The configuration that it was compiled from.
        path: The compiled job.

    Returns:
        Where to watch it.

    Raises:
        ConfigError: If the configuration has no section `vertex`.
    """
    if config.vertex is None:
        raise ConfigError(f"{config.name}: expected a section vertex, got none")
    from google.cloud import aiplatform

    place = config.vertex
    aiplatform.init(project=place.project, location=place.region)
    job = aiplatform.PipelineJob(
        display_name=config.name, template_path=path, pipeline_root=place.pipeline_root
    )
    job.submit(service_account=place.service_account or None)
    return str(job._dashboard_uri())


def main(arguments: Sequence[str] | None = None) -> int:
    """Compiles or submits, and returns the exit status."""
    parsed = parse_arguments(arguments)
    try:
        if parsed.command == "emulate":
            return emulation.run(parsed)
        config = load_config(parsed.config, parsed.overrides)
        with quiet(os.devnull):
            compile_pipeline(config, parsed.output)
    except (ConfigError, UsageError, OSError) as error:
        print(f"kubeflow_runner.py: {error}", file=sys.stderr)
        return EXIT_USAGE
    print(f"{config.name}: {parsed.output}")
    if parsed.command == "submit":
        try:
            print(f"running: {submit(config, parsed.output)}")
        except Exception as error:
            print(f"kubeflow_runner.py: Vertex AI refused the job: {error}", file=sys.stderr)
            return EXIT_ERROR
    return 0


if __name__ == "__main__":
    use_lossy_output()
    sys.exit(main())
