"""Components put together for the platform that the configuration names."""

import os

from tfx import v1 as tfx
from tfx.dsl.components.base import base_node

from pipeline.config import Config
from pipeline.local_beam import LOCAL_BEAM_ARGS
from pipeline.platforms import place_on_vertex
from schema.files import ARTIFACTS_FOLDER, METADATA_FILE


def assemble(
    config: Config, nodes: list[base_node.BaseNode], name: str | None = None
) -> tfx.dsl.Pipeline:
    """Makes a pipeline of components.

    Args:
        config: The run's configuration, which names the platform and where everything is written.
        nodes: The components, wired.
        name: By which TFX keeps what belongs together; None for that of the configuration.

    Returns:
        The pipeline, for a local runner (with SQLite metadata) or for Vertex AI.
    """
    if config.vertex is not None:
        place_on_vertex(config, nodes)
        return tfx.dsl.Pipeline(
            pipeline_name=config.name,
            pipeline_root=config.vertex.pipeline_root,
            components=nodes,
            enable_cache=True,
        )
    metadata = os.path.join(config.output, METADATA_FILE)
    return tfx.dsl.Pipeline(
        pipeline_name=name or config.name,
        pipeline_root=os.path.join(config.output, ARTIFACTS_FOLDER),
        components=nodes,
        enable_cache=True,
        metadata_connection_config=tfx.orchestration.metadata.sqlite_metadata_connection_config(
            metadata
        ),
        beam_pipeline_args=list(config.beam.args or LOCAL_BEAM_ARGS),
    )
