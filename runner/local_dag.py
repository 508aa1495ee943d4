"""Runs a pipeline on this machine, component by component, and tells what each one did."""

import dataclasses
import datetime
import resource
import time
from collections.abc import Callable
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils, tfx_runner
from tfx.proto.orchestration import pipeline_pb2

RESOLVER_TYPE = "tfx.dsl.components.common.resolver.Resolver"


@dataclasses.dataclass(frozen=True)
class Output:
    """One artifact that a component took or wrote: its folder and its string properties."""

    uri: str
    properties: dict[str, str]


@dataclasses.dataclass(frozen=True)
class NodeResult:
    """What a component did.

    Attributes:
        node_id: The component's name in the pipeline.
        seconds: Wall clock.
        cached: Whether its outputs came from an earlier run.
        peak_memory_mb: Largest resident memory of this process so far, in MiB.
        outputs: The artifact by output key; the first where there are several.
        inputs: The same of what it took.
    """

    node_id: str
    seconds: float
    cached: bool
    peak_memory_mb: float
    outputs: dict[str, Output]
    inputs: dict[str, Output]


class ObservedDagRunner(tfx_runner.IrBasedRunner):
    """TFX's LocalDagRunner, observed: it calls back before and after each component."""

    def __init__(
        self, started: Callable[[str], None], finished: Callable[[NodeResult], None]
    ) -> None:
        """Keeps the callbacks.

        Args:
            started: Called with a component's name before it runs.
            finished: Called with what it did.
        """
        self._started = started
        self._finished = finished

    def run_with_ir(
        self,
        pipeline: pipeline_pb2.Pipeline,
        run_options: pipeline_pb2.RunOptions | None = None,
    ) -> None:
        """Runs the components in topological order.

        Args:
            pipeline: The compiled pipeline.
            run_options: Not supported.

        Raises:
            ValueError: If run options are given.
        """
        if run_options:
            raise ValueError(f"expected no run options, got {run_options}")
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline,
            {constants.PIPELINE_RUN_ID_PARAMETER_NAME: datetime.datetime.now().isoformat()},
        )
        deployment = runner_utils.extract_local_deployment_config(pipeline)
        connection = deployment.metadata_connection_config
        connection = getattr(connection, connection.WhichOneof("connection_config"))
        for node in pipeline.nodes:
            self._run_node(node.pipeline_node, pipeline, deployment, connection)

    def _run_node(self, node: Any, pipeline: Any, deployment: Any, connection: Any) -> None:
        node_id = node.node_info.id
        observed = node.node_info.type.name != RESOLVER_TYPE
        if observed:
            self._started(node_id)
        start = time.monotonic()
        info = launcher.Launcher(
            pipeline_node=node,
            mlmd_connection=metadata.Metadata(connection),
            pipeline_info=pipeline.pipeline_info,
            pipeline_runtime_spec=pipeline.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
        ).launch()
        if observed:
            seconds = time.monotonic() - start
            self._finished(_result(node_id, seconds, info.execution_id, connection))


def _result(node_id: str, seconds: float, execution_id: int, connection: Any) -> NodeResult:
    with metadata.Metadata(connection) as handle:
        (execution,) = handle.store.get_executions_by_id([execution_id])
        events = handle.store.get_events_by_execution_ids([execution_id])
        artifacts = handle.store.get_artifacts_by_id([event.artifact_id for event in events])
    found = {artifact.id: _output(artifact) for artifact in artifacts}
    outputs, inputs = (
        {e.path.steps[0].key: found[e.artifact_id] for e in reversed(events) if e.type == kind}
        for kind in (metadata_store_pb2.Event.OUTPUT, metadata_store_pb2.Event.INPUT)
    )
    cached = execution.last_known_state == metadata_store_pb2.Execution.CACHED
    # Linux gives KiB.
    peak_memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return NodeResult(node_id, seconds, cached, peak_memory_mb, outputs, inputs)


def _output(artifact: metadata_store_pb2.Artifact) -> Output:
    properties = artifact.custom_properties.items()
    return Output(artifact.uri, {key: value.string_value for key, value in properties})
