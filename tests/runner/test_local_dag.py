"""What is called back of a pipeline of two small components and a resolver."""

from pathlib import Path
from typing import Any

import pytest
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.dsl.input_resolution.strategies.latest_artifact_strategy import LatestArtifactStrategy
from tfx.proto.orchestration import pipeline_pb2
from tfx.types import standard_artifacts

from runner.local_dag import NodeResult, ObservedDagRunner


@component
def Writer(  # noqa: N802
    text: OutputArtifact[standard_artifacts.String], words: Parameter[str]
) -> None:
    """Writes its words, or fails where it has none."""
    if not words:
        raise ValueError("expected words, got none")
    text.value = words
    text.set_string_custom_property("length", str(len(words)))


@component
def Reader(text: InputArtifact[standard_artifacts.String]) -> None:  # noqa: N802
    """Takes a text."""
    del text


def pipeline(folder: Path, *words: str) -> tfx.dsl.Pipeline:
    """A writer for each text, and the last text of the first one resolved."""
    writers = [
        Writer(words=given).with_id(f"Writer{number}")  # type: ignore[call-arg]
        for number, given in enumerate(words)
    ]
    last = tfx.dsl.Resolver(
        strategy_class=LatestArtifactStrategy,
        last=tfx.dsl.Channel(type=standard_artifacts.String),
    ).with_id("Last")
    return assembled(folder, [*writers, last])


def assembled(folder: Path, components: list[Any]) -> tfx.dsl.Pipeline:
    connection = tfx.orchestration.metadata.sqlite_metadata_connection_config(
        str(folder / "metadata.sqlite")
    )
    return tfx.dsl.Pipeline(
        pipeline_name="small",
        pipeline_root=str(folder / "artifacts"),
        components=components,
        enable_cache=True,
        metadata_connection_config=connection,
    )


def run(made: tfx.dsl.Pipeline) -> tuple[list[Any], list[NodeResult]]:
    """What was called back, in order, and the results in it."""
    calls: list[Any] = []
    ObservedDagRunner(calls.append, calls.append).run(made)
    return calls, [call for call in calls if isinstance(call, NodeResult)]


def test_components_are_called_back_in_order_and_resolvers_are_not(tmp_path: Path) -> None:
    calls, results = run(pipeline(tmp_path, "one", "four"))
    names = [call.node_id if isinstance(call, NodeResult) else call for call in calls]
    assert names == ["Writer0", "Writer0", "Writer1", "Writer1"]
    assert [result.cached for result in results] == [False, False]
    assert all(0 < result.seconds < 60 for result in results)
    assert all(result.peak_memory_mb > 10 for result in results)


def test_outputs_have_their_folder_and_properties(tmp_path: Path) -> None:
    _, (result,) = run(pipeline(tmp_path, "four"))
    assert set(result.outputs) == {"text"}
    output = result.outputs["text"]
    assert output.uri.startswith(str(tmp_path / "artifacts" / "Writer0" / "text"))
    assert output.properties["length"] == "4"


def test_inputs_have_theirs_too_also_from_the_cache(tmp_path: Path) -> None:
    writer = Writer(words="four")  # type: ignore[call-arg]
    reader = Reader(text=writer.outputs["text"])  # type: ignore[call-arg]
    for cached in (False, True):
        _, (wrote, read) = run(assembled(tmp_path, [writer, reader]))
        assert read.cached is cached
        assert read.inputs == wrote.outputs and read.outputs == wrote.inputs == {}


def test_only_what_changed_runs_again(tmp_path: Path) -> None:
    _, first = run(pipeline(tmp_path, "one", "four"))
    _, second = run(pipeline(tmp_path, "one", "other"))
    assert [result.cached for result in second] == [True, False]
    assert second[0].outputs["text"].uri == first[0].outputs["text"].uri
    assert second[1].outputs["text"].uri != first[1].outputs["text"].uri


def test_a_component_that_fails_is_begun_and_not_finished(tmp_path: Path) -> None:
    calls: list[Any] = []
    with pytest.raises(ValueError, match="expected words, got none"):
        ObservedDagRunner(calls.append, calls.append).run(pipeline(tmp_path, "one", ""))
    assert [type(call) for call in calls] == [str, NodeResult, str]
    assert calls[-1] == "Writer1"


def test_run_options_are_refused() -> None:
    runner = ObservedDagRunner(print, print)
    with pytest.raises(ValueError, match="expected no run options, got "):
        runner.run_with_ir(pipeline_pb2.Pipeline(), pipeline_pb2.RunOptions())
