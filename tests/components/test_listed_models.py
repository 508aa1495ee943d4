"""What an artifact that stands for models stands for, before and after its way over JSON."""

import pytest
from kfp.pipeline_spec import pipeline_spec_pb2
from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_entrypoint_utils as entrypoint
from tfx.types import standard_artifacts

from components.listed_models import list_models, listed_models


def model(uri: str, number: int) -> standard_artifacts.Model:
    artifact = standard_artifacts.Model()
    artifact.uri, artifact.id = uri, number
    return artifact


def test_an_artifact_without_a_list_is_itself() -> None:
    one = model("/a", 1)
    assert listed_models([one]) == [one]
    assert listed_models([]) == []


@pytest.mark.parametrize("uris", [[], ["/x"], ["/x", "/y"]])
def test_models_of_a_list_have_the_number_of_what_stands_for_them(uris: list[str]) -> None:
    one = model("/a", 7)
    list_models(one, uris)
    assert [(found.uri, found.id) for found in listed_models([one])] == [(uri, 7) for uri in uris]
    assert one.uri == "/a"


def test_a_list_survives_the_metadata_of_a_container() -> None:
    one = model("/a", 7)
    list_models(one, ["/x"])
    runtime = entrypoint.to_runtime_artifact(one, {7: "name"})
    runtime.type.schema_title = "tfx.Model"
    many = pipeline_spec_pb2.ArtifactList(artifacts=[runtime])
    (back,) = entrypoint.parse_raw_artifact_dict({"k": many})["k"]
    assert [found.uri for found in listed_models([back])] == ["/x"]
