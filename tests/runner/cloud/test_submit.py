"""Runs are started and followed by the real client, against the service on loopback."""

import argparse
import json
from pathlib import Path

import grpc
import pytest
from google.cloud.aiplatform_v1.types import Artifact, PipelineJob, PipelineTaskDetail
from google.rpc.status_pb2 import Status

import kubeflow_runner
from runner.cloud import service as service_module
from runner.cloud.commands import submit
from runner.cloud.service import ServiceError, Timing
from runner.usage import UsageError
from tests.runner.cloud.conftest import ROOT
from tests.runner.cloud.made_cloud import FAST, Refusal, Service
from tests.runner.cloud.values import ARGUMENTS
from tests.usage import assert_refused

UNAVAILABLE = Refusal(grpc.StatusCode.UNAVAILABLE, "the service is away")


def parse(job: Path, *arguments: str) -> argparse.Namespace:
    given = ["--config", str(ROOT / "configs/vertex.yaml"), *ARGUMENTS, "--job", str(job)]
    return kubeflow_runner.parse_arguments(["submit", *given, *arguments])


def test_a_run_is_created_and_its_page_shown(
    service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit.run(parse(compiled), FAST) == 0
    (request,) = service.requests
    job = request.pipeline_job
    assert request.parent == "projects/my-project/locations/europe-west4"
    assert request.pipeline_job_id.startswith("noduleflow-vertex-2")
    assert job.display_name == "noduleflow-vertex"
    assert job.service_account == "noduleflow@my-project.iam.gserviceaccount.com"
    assert job.labels["application"] == "noduleflow"
    assert job.runtime_config.gcs_output_directory == "gs://my-bucket/noduleflow"
    assert job.runtime_config.parameters["epochs"].int_value == 120
    assert "Trainer" in job.pipeline_spec["root"]["dag"]["tasks"]
    name, link = capsys.readouterr().out.split()
    assert name == f"{request.parent}/pipelineJobs/{request.pipeline_job_id}"
    assert link == (
        "https://console.cloud.google.com/vertex-ai/locations/europe-west4/pipelines/runs/"
        f"{request.pipeline_job_id}?project=my-project"
    )


def test_parameters_of_a_run_replace_those_of_the_job(service: Service, compiled: Path) -> None:
    given = ["epochs=5", "push=false", "data_root=gs://other/scans", "gate_bounds.gap=0.3"]
    arguments = [word for one in given for word in ("--parameter", one)]
    assert submit.run(parse(compiled, *arguments), FAST) == 0
    parameters = service.requests[0].pipeline_job.runtime_config.parameters
    assert parameters["epochs"].int_value == 5
    assert parameters["push"].string_value == "false"
    assert parameters["data_root"].string_value == "gs://other/scans"
    bounds = json.loads(parameters["gate_bounds"].string_value)
    assert (bounds["gap"], bounds["pooled_dice"]) == (0.3, 0.75)


@pytest.mark.parametrize(
    ("parameter", "expected"),
    [
        ("epochs=0", "--set training.epochs=0: training: expected epochs of at least 1, got 0"),
        ("epochs=many", "input should be a valid integer"),
        ("epoch=5", "expected one of data_root, epochs, gate_bounds, push, got epoch"),
        ("push=maybe", "vertex.push.enabled: input should be a valid boolean"),
        ("data_root=/home/me", "expected a path in a bucket"),
        ("data_root=gs://BUCKET/a", "got the placeholder gs://BUCKET/a"),
        ("gate_bounds.dice=0.5", "expected criteria of pooled_dice"),
        ("gate_bounds.gap=low", "expected a number, got low"),
        ("gate_bounds=0.5", "expected numbers by criterion"),
        ("epochs.x=5", "expected one of data_root"),
        ("epochs", "expected NAME=VALUE, got 'epochs'"),
    ],
)
def test_parameters_are_held_to_the_rules_of_the_configuration_before_anything_is_sent(
    parameter: str,
    expected: str,
    service: Service,
    compiled: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = ["submit", "--config", str(ROOT / "configs/vertex.yaml"), *ARGUMENTS]
    given += ["--job", str(compiled), "--parameter", parameter]
    assert_refused(kubeflow_runner.main, given, expected, capsys)
    assert not service.requests


def test_a_parameter_given_twice_is_refused(service: Service, compiled: Path) -> None:
    with pytest.raises(UsageError, match="expected each name once, got epochs before"):
        submit.run(parse(compiled, "--parameter", "epochs=5", "--parameter", "epochs=6"), FAST)
    assert not service.requests


def test_a_run_is_followed_until_it_succeeded(
    service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.states = ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"]
    assert submit.run(parse(compiled, "--wait"), FAST) == 0
    shown = capsys.readouterr().out.splitlines()[2:]
    assert shown == ["state: PENDING", "state: RUNNING", "state: SUCCEEDED", "ended: SUCCEEDED"]
    assert service.looks == 4


@pytest.mark.parametrize(("blessed", "status", "text"), [(1, 0, "blessed"), (0, 3, "not blessed")])
def test_the_status_tells_whether_the_model_was_blessed(
    blessed: int,
    status: int,
    text: str,
    service: Service,
    compiled: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def judge(job: PipelineJob) -> None:
        verdict = Artifact(metadata={"blessed": blessed})
        outputs = {"blessing": PipelineTaskDetail.ArtifactList(artifacts=[verdict])}
        job.job_detail.task_details = [PipelineTaskDetail(task_name="Evaluator", outputs=outputs)]

    service.ended = judge
    assert submit.run(parse(compiled, "--wait"), FAST) == status
    assert f"ended: {text}" in capsys.readouterr().out


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_run_that_failed_names_its_tasks(
    state: str, service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(job: PipelineJob) -> None:
        states = PipelineTaskDetail.State
        job.job_detail.task_details = [
            PipelineTaskDetail(task_name="CtExampleGen", state=states.SUCCEEDED),
            PipelineTaskDetail(
                task_name="DataGate", state=states.FAILED, error=Status(message="no\nnodule")
            ),
            PipelineTaskDetail(task_name="ReportGen", state=states.FAILED),
        ]
        job.error = Status(message="the run failed")

    service.states, service.ended = ["RUNNING", state], fail
    assert submit.run(parse(compiled, "--wait"), FAST) == 1
    assert capsys.readouterr().out.splitlines()[-4:] == [
        f"ended: {state}",
        "task DataGate failed: no nodule",
        "task ReportGen failed: see its log on the page of the run",
        "error: the run failed",
    ]


def test_a_run_that_takes_too_long_is_left_to_itself(
    service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.states = ["RUNNING"]
    assert submit.run(parse(compiled, "--wait", "--wait-minutes", "0.002"), FAST) == 1
    assert "still RUNNING after 0.002 minutes; the run goes on" in capsys.readouterr().out


def test_an_interrupted_wait_ends_no_run(
    service: Service,
    compiled: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(submit, "follow", interrupt)
    assert submit.run(parse(compiled, "--wait"), FAST) == 130
    assert "the run goes on: https://console" in capsys.readouterr().out


def test_a_service_that_was_away_is_asked_again(service: Service, compiled: Path) -> None:
    service.refusals.extend([UNAVAILABLE, UNAVAILABLE])
    assert submit.run(parse(compiled), FAST) == 0
    assert len(service.requests) == 3
    assert len({request.pipeline_job_id for request in service.requests}) == 1
    assert len(service.jobs) == 1


def test_a_run_whose_answer_was_lost_is_made_once(
    service: Service, compiled: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    service.refusals.append(Refusal(grpc.StatusCode.UNAVAILABLE, "lost", done=True))
    assert submit.run(parse(compiled), FAST) == 0
    assert len(service.jobs) == 1
    assert next(iter(service.jobs)) in capsys.readouterr().out


def test_looking_goes_on_where_the_service_was_away_or_is_asked_too_often(
    service: Service, compiled: Path
) -> None:
    exhausted = Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many requests")
    service.reading.extend([UNAVAILABLE, exhausted])
    service.states = ["RUNNING", "SUCCEEDED"]
    assert submit.run(parse(compiled, "--wait"), FAST) == 0
    assert service.looks == 2


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (
            Refusal(grpc.StatusCode.PERMISSION_DENIED, "aiplatform.pipelineJobs.create denied"),
            "permission denied: give yourself roles/aiplatform.user on project my-project",
        ),
        (
            Refusal(grpc.StatusCode.PERMISSION_DENIED, "iam.serviceAccounts.actAs denied"),
            "roles/iam.serviceAccountUser on noduleflow@my-project.iam.gserviceaccount.com",
        ),
        (
            Refusal(grpc.StatusCode.PERMISSION_DENIED, "Vertex AI API has not been used in"),
            "gcloud services enable aiplatform.googleapis.com --project my-project",
        ),
        (
            Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "quota of runs"),
            "ask for more at https://console.cloud.google.com/iam-admin/quotas?project=my-project",
        ),
        (
            Refusal(grpc.StatusCode.NOT_FOUND, "no such project"),
            "not found: are vertex.project and vertex.region right (project my-project,",
        ),
        (
            Refusal(grpc.StatusCode.INVALID_ARGUMENT, "bad\nspec"),
            "Vertex AI refused the request (project my-project, region europe-west4): bad spec",
        ),
        (
            Refusal(grpc.StatusCode.UNAUTHENTICATED, "no token"),
            "no credentials for Google Cloud: run `gcloud auth application-default login`",
        ),
        (Refusal(grpc.StatusCode.INTERNAL, "oh"), "Vertex AI failed (project my-project"),
    ],
)
def test_a_refusal_says_once_in_one_line_what_to_do(
    refusal: Refusal, expected: str, service: Service, compiled: Path
) -> None:
    service.refusals.append(refusal)
    with pytest.raises(ServiceError) as caught:
        submit.run(parse(compiled), FAST)
    assert expected in str(caught.value)
    assert " ".join(refusal.text.split()) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert len(service.requests) == 1


def test_a_service_that_stays_away_is_given_up(service: Service, compiled: Path) -> None:
    service.refusals.extend(1000 * [UNAVAILABLE])
    with pytest.raises(ServiceError, match="could not be reached; try again later"):
        submit.run(parse(compiled), FAST)
    assert len(service.requests) > 2


def test_a_service_that_does_not_answer_is_given_up(service: Service, compiled: Path) -> None:
    with service.lock:  # every request waits
        with pytest.raises(ServiceError, match="could not be reached"):
            submit.run(parse(compiled), Timing(request_s=0.05, retry_s=0.01, patience_s=0.2))


def test_without_credentials_one_line_says_how_to_get_some(
    compiled: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.auth.exceptions import DefaultCredentialsError

    def refuse(region: str, transport: object) -> dict[str, object]:
        raise DefaultCredentialsError("none were\nfound")

    monkeypatch.setattr(service_module, "connection", refuse)
    given = ["submit", "--config", str(ROOT / "configs/vertex.yaml"), *ARGUMENTS]
    assert kubeflow_runner.main([*given, "--job", str(compiled)]) == 1
    shown = capsys.readouterr().err
    assert "kubeflow_runner.py: no credentials for Google Cloud: run `gcloud auth" in shown
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, "expected a compiled job, got: No such file"),
        ("pipelineInfo: {}", "expected a job that `compile` wrote for Vertex AI"),
        ("[]", "expected a job that `compile` wrote for Vertex AI"),
        ("{}", "expected a job that `compile` wrote for Vertex AI"),
        (
            '{"runtimeConfig": {"gcsOutputDirectory": "gs://other/x"}, '
            '"pipelineSpec": {"root": {"dag": {"tasks": {"a": {}}}}}}',
            "expected a job for vertex.pipeline_root gs://my-bucket/noduleflow, got one for gs://ot",
        ),
    ],
)
def test_what_is_no_job_for_this_project_is_not_sent(
    text: str | None, expected: str, service: Service, tmp_path: Path
) -> None:
    path = tmp_path / "job.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError) as caught:
        submit.run(parse(path), FAST)
    assert expected in str(caught.value)
    assert not service.requests


def test_a_job_without_the_parameter_is_not_sent(
    service: Service, compiled: Path, tmp_path: Path
) -> None:
    job = json.loads(compiled.read_text())
    del job["runtimeConfig"]["parameters"]["push"]
    path = tmp_path / "job.json"
    path.write_text(json.dumps(job))
    with pytest.raises(UsageError, match="--parameter push: expected one of the job's data_root"):
        submit.run(parse(path, "--parameter", "push=false"), FAST)
    assert not service.requests


def test_clients_go_to_the_service_of_the_region() -> None:
    assert service_module.connection("us-east1", object) == {
        "client_options": {"api_endpoint": "us-east1-aiplatform.googleapis.com"}
    }
